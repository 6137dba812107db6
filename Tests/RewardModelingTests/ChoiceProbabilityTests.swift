import Foundation
import Numerics
import Statistics
import TestSupport
import Testing

@testable import RLHF

@Suite("The probability of a choice with label noise")
struct ChoiceProbabilityTests {
  private let differences = [-40.0, -2, -0.5, 0, 0.25, 1, 3, 40]

  @Test("is ε + (1 − 2ε) σ(Δ): ½ for equals, never beyond 1 − ε, and σ without label noise")
  func values() {
    let choices = ChoiceProbability(labelNoise: 0.1)
    for difference in differences {
      let expected = 0.1 + 0.8 / (1 + exp(-difference))
      #expect(abs(choices(difference) - expected) < .float64Rounding)
      #expect(abs(choices(difference) + choices(-difference) - 1) < .float64Rounding)
      #expect(ChoiceProbability()(difference) == Statistics.sigmoid(difference))
    }
    #expect(choices(0) == 0.5)
    #expect(choices(1000) <= 0.9 && choices(-1000) >= 0.1)
  }

  private func loss(
    _ rewards: [Float], probability: Double, labelNoise: Double
  ) -> (loss: Double, derivatives: [Float]) {
    let tape = Tape(recording: true)
    let leaf = tape.leaf(Tensor(rewards))
    let loss = tape.pairwiseLoss(
      leaf, margins: [0], probabilities: [probability],
      choices: ChoiceProbability(labelNoise: labelNoise),
      centering: 0, weight: 1)
    return (Double(loss.value[0]), tape.gradients(of: loss, leaves: [leaf])[0].values)
  }

  @Test("is what the loss is the logarithm of")
  func logarithm() {
    for difference in differences {
      let found = loss([Float(difference), 0], probability: 1, labelNoise: 0.1)
      let expected = -log(0.1 + 0.8 / (1 + exp(-difference)))
      #expect(abs(found.loss - expected) < .float32Rounding)
    }
    // However wrong a pair is, its loss and gradient are bounded.
    #expect(
      abs(loss([0, 2000], probability: 1, labelNoise: 0.1).loss + log(0.1)) < .float32Rounding)
    #expect(loss([0, 2000], probability: 1, labelNoise: 0.1).derivatives == [0, 0])
  }

  @Test(
    "leaves rewards as they would be without label noise, where Bradley–Terry and smoothing shrink them",
    arguments: [0.5, 1, 3])
  func unbiased(difference: Double) {
    let reference = 0.1 + 0.8 * Statistics.sigmoid(difference)
    let rewards: [Float] = [Float(difference), 0]
    let derivatives = loss(rewards, probability: reference, labelNoise: 0.1).derivatives
    #expect(abs(derivatives[0]) < .float32Rounding)
    // A derivative above 0 lowers the better reward.
    #expect(loss(rewards, probability: reference, labelNoise: 0).derivatives[0] > 0.01)
    let smoothed = 0.9 * reference + 0.1 * (1 - reference)
    #expect(
      loss(rewards, probability: smoothed, labelNoise: 0).derivatives[0]
        > loss(rewards, probability: reference, labelNoise: 0).derivatives[0])
  }
}
