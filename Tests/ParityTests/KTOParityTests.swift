import Foundation
import LanguageModels
import Numerics
import TestSupport
import Testing

@testable import RLHF

@Suite("One step of KTO is the one that TRL makes")
struct KTOParityTests {
  let fixture: Fixture

  init() throws { fixture = try Fixture("kto-step") }

  @Test("z, the loss and all gradients within 1e-4, relative")
  func step() throws {
    var configuration = DPOConfiguration()
    configuration.loss = .kto
    func setting(_ name: String) throws -> Double {
      Double(try fixture.values("setting/" + name)[0])
    }
    configuration.beta = try setting("beta")
    configuration.desirableWeight = try setting("desirable_weight")
    configuration.undesirableWeight = try setting("undesirable_weight")
    let policy = try LanguageModel(directory: fixture.directory.appending(path: "policy"))
    var trainer = DPOTrainer(configuration, policy: policy, steps: 1, workers: Workers(count: 2))
    trainer.reference = try LanguageModel(directory: fixture.directory.appending(path: "reference"))

    let labels = try fixture.values("labels").map(Double.init)
    let sequences = zip(try fixture.sequences("prompt/"), try fixture.sequences("response/"))
    let batch = zip(sequences, labels).map { sequences, label in
      var row = RankedResponses(prompt: sequences.0, responses: [sequences.1])
      row.ratings = [label]
      return row
    }
    let divergence = try trainer.divergence(on: batch)
    #expect(
      abs(Float(divergence) - (try fixture.values("divergence")[0])) <= 10 * .trainingRounding)
    let (gradients, loss, _) = try trainer.gradients(on: batch, divergence: divergence)
    #expect(abs(Float(loss) - (try fixture.values("loss")[0])) <= .trainingRounding)
    let worst = try fixture.largestDifference(
      policy, tensors: gradients.tensors, prefix: "gradient/")
    #expect(worst.difference <= .trainingRounding, "\(worst.name)")
  }
}
