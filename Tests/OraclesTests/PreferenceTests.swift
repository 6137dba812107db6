import Foundation
import Numerics
import Statistics
import TestSupport
import Testing

@testable import Oracles
@testable import RLHF

/// From judgements to the policy that they ask for.
@Suite struct PreferenceTests {
  let space = SequenceSpace(vocabularySize: 3, endOfSequence: 0, maximumTokens: 3)

  /// All pairs of responses, judged with the probability of `prefers` for ever.
  func fit(_ gold: [Double], _ prefers: (Double) -> Double) throws -> [Double] {
    try BradleyTerry.fit(
      items: gold.count,
      gold.indices.flatMap { first in
        gold.indices.filter { $0 != first }.map { second in
          BradleyTerry.Outcome(
            winner: first, loser: second, weight: prefers(gold[first] - gold[second]))
        }
      })
  }

  @Test("unlimited judgements by gold lead to gold's own optimum; a constant per prompt is lost")
  func population() throws {
    var generator = SeededGenerator(seed: 50)
    let (reference, gold) = (generator.policy(space), generator.rewards(space))
    func optimum(_ rewards: [Double]) -> [Double] {
      RegularizedObjective(reference: reference, rewards: rewards, coefficient: 0.4).optimum
        .sequenceProbabilities
    }
    let learned = try fit(gold, Statistics.sigmoid)
    let constant = learned[0] - gold[0]
    // Newton stops at a gradient of 1e-12, which the flattest direction turns into 1e-9.
    #expect(isClose(learned, gold.map { $0 + constant }, within: 1e-8))
    #expect(isClose(optimum(learned), optimum(gold), within: 1e-8))
  }

  @Test(
    "label noise shrinks the rewards, and the optimum stays nearer to π_ref")
  func flips() throws {
    var generator = SeededGenerator(seed: 51)
    let (reference, gold) = (generator.policy(space), generator.rewards(space))
    func objective(_ rewards: [Double]) -> RegularizedObjective {
      RegularizedObjective(reference: reference, rewards: rewards, coefficient: 0.4)
    }
    let learned = try fit(gold) { 0.15 + 0.7 * Statistics.sigmoid($0) }
    let (own, right) = (objective(learned).optimum, objective(gold).optimum)
    #expect(own.divergence(from: reference) < 0.9 * right.divergence(from: reference))
    // No optimum of another reward is better by gold.
    #expect(objective(gold).value(of: own) < objective(gold).optimalValue - 0.01)
  }

  @Test("the pairwise loss does not see a constant, which is why the optimum may not either")
  func shift() {
    func loss(_ rewards: [Float]) -> Float {
      let tape = Tape(recording: false)
      return tape.pairwiseLoss(
        tape.constant(Tensor(rewards)), margins: [0, 0.5], centering: 0, weight: 0.5
      ).value[0]
    }
    #expect(abs(loss([1, -0.5, 0.25, 2]) - loss([4, 2.5, 3.25, 5])) < .float32Rounding)
    #expect(abs(loss([1, -0.5, 0.25, 2]) - loss([1, 0.5, 0.25, 2])) > 0.1)
  }
}
