import Foundation
import Numerics
import TestSupport
import Testing

@testable import RLHF

@Suite("The pairwise loss")
struct PairwiseLossTests {
  @Test(
    "its gradients agree with finite differences",
    arguments: RewardModelLosses.gradientChecks)
  func gradients(_ check: GradientCheck) {
    #expect(check.largestError() < GradientCheck.tolerance, "\(check.name)")
  }

  private func loss(
    _ rewards: [Float], margins: [Double], centering: Double = 0, weight: Double = 1
  ) -> (loss: Double, derivatives: [Float]) {
    let tape = Tape(recording: true)
    let leaf = tape.leaf(Tensor(rewards))
    let loss = tape.pairwiseLoss(leaf, margins: margins, centering: centering, weight: weight)
    let value = Double(loss.value[0])
    return (value, tape.gradients(of: loss, leaves: [leaf])[0].values)
  }

  @Test("is −log σ of the difference minus the margin", arguments: [0, 0.5, -2])
  func values(margin: Double) {
    for difference in [-15.0, -3, -0.5, 0, 0.25, 2, 15] {
      let reference = -log(1 / (1 + exp(-(difference - margin))))
      let derivative = 1 / (1 + exp(-(difference - margin))) - 1
      let found = loss([Float(1 + difference), 1], margins: [margin])
      #expect(abs(found.loss - reference) < .float32Rounding * (1 + reference))
      #expect(abs(Double(found.derivatives[0]) - derivative) < .float32Rounding)
      #expect(found.derivatives[1] == -found.derivatives[0])
    }
    #expect(abs(loss([3, 3], margins: [0]).loss - log(2.0)) < .float32Rounding)
  }

  @Test("stays finite where the sigmoid is 0 or 1 in any precision")
  func extremes() {
    for size: Float in [200, 2000] {
      let wrong = loss([0, size], margins: [0])
      #expect(wrong.loss == Double(size))
      #expect(wrong.derivatives == [-1, 1])
      let right = loss([size, 0], margins: [0])
      // e^−200 = 1e-87, which is 0 in float32.
      #expect(right.loss >= 0 && right.loss < 1e-30)
      #expect(right.derivatives.allSatisfy { $0.isFinite && abs($0) < 1e-30 })
    }
  }

  @Test("centering pulls the sum of a pair's rewards to 0")
  func centering() {
    let plain = loss([2, 1, -4, 1], margins: [0, 0], weight: 0.5)
    let centered = loss([2, 1, -4, 1], margins: [0, 0], centering: 0.1, weight: 0.5)
    #expect(abs(centered.loss - plain.loss - 0.5 * 0.1 * (9 + 9)) < .decoderRounding)
    let pulls = zip(centered.derivatives, plain.derivatives).map { $0 - $1 }
    for (pull, expected) in zip(pulls, [0.3, 0.3, -0.3, -0.3] as [Float]) {
      #expect(abs(pull - expected) < .float32Rounding)
    }
  }
}
