import LanguageModels
import Numerics
import TestSupport
import Testing

@Suite("Attention")
struct AttentionTests {
  @Test(
    "gradients agree with finite differences",
    arguments: TransformerOperations.all.flatMap { $0.gradientChecks })
  func gradients(_ check: GradientCheck) {
    #expect(check.largestError() < GradientCheck.tolerance, "\(check.name)")
  }

  @Test("every operation of the decoder has a check")
  func coverage() {
    #expect(TransformerOperations.all.count == 3)
    for operation in TransformerOperations.all {
      #expect(!operation.gradientChecks.isEmpty, "\(operation)")
    }
  }

  @Test("a token sees those before it and none after", arguments: TestModels.families)
  func causality(family: DecoderConfiguration.Family) throws {
    let model = try TestModels.language(family)
    let sequence: [Int32] = [3, 1, 4, 1, 5]
    let logits = uncachedLogits(model, sequence)
    for changed in sequence.indices {
      var other = sequence
      other[changed] = 17
      let otherLogits = uncachedLogits(model, other)
      for row in sequence.indices {
        let difference = largestDifference(logits[row], otherLogits[row])
        if row < changed {
          #expect(difference < .decoderRounding)
        } else {
          #expect(difference > 1e-3)
        }
      }
    }
  }
}
