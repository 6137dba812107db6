import Foundation
import Numerics
import Statistics
import TestSupport
import Testing

@testable import Oracles

@Suite struct FrontierTests {
  @Test("a point of the curve is where π*_β is")
  func points() {
    var generator = SeededGenerator(seed: 12)
    let (reference, rewards) = (generator.policy(.small), generator.rewards(.small))
    let frontier = RewardFrontier(reference: reference, rewards: rewards)
    for beta in [0.1, 0.5, 2] {
      let objective = RegularizedObjective(
        reference: reference, rewards: rewards, coefficient: beta)
      let point = frontier.point(coefficient: beta)
      #expect(abs(point.divergence - objective.optimum.divergence(from: reference)) < .float64Sums)
      #expect(abs(point.reward - objective.optimum.expectation(of: rewards)) < .float64Sums)
      #expect(abs(point.optimalValue - objective.optimalValue) < .float64Sums)
      #expect(
        abs(frontier.highestReward(atDivergence: point.divergence) - point.reward)
          < .float64Solutions)
    }
  }

  @Test("no policy of any kind lies above the curve")
  func nothingAbove() {
    var generator = SeededGenerator(seed: 13)
    let (reference, rewards) = (generator.policy(.small), generator.rewards(.small))
    let frontier = RewardFrontier(reference: reference, rewards: rewards)
    let start = SequenceDistribution(reference.sequenceProbabilities)
    var distributions = [start]
    for n in [2, 3, 4, 16, 64, 1_000] {
      distributions.append(BestOfN.distribution(of: reference, rewards: rewards, n: n))
    }
    for beta in [0.05, 0.3, 1, 4] {
      let optimum = RegularizedObjective(
        reference: reference, rewards: rewards, coefficient: beta
      ).optimum
      distributions.append(SequenceDistribution(optimum.sequenceProbabilities))
      // Near misses of the optimum, which would show a curve that is a little too low.
      let near = TabularPolicy(
        .small,
        logits: optimum.logProbabilities.map { row in row.map { $0 + 0.05 * generator.gaussian() } }
      )
      distributions.append(SequenceDistribution(near.sequenceProbabilities))
    }
    for sharpness in [0.2, 1, 3] {
      distributions.append(
        SequenceDistribution(generator.policy(.small, sharpness: sharpness).sequenceProbabilities))
    }
    for distribution in distributions {
      let divergence = distribution.divergence(from: start)
      let reward = distribution.expectation(of: rewards)
      #expect(reward <= frontier.highestReward(atDivergence: divergence) + .float64Solutions)
    }
  }

  @Test("over several prompts one β gives means, and no mixture lies above")
  func prompts() {
    var generator = SeededGenerator(seed: 14)
    let references = (0..<3).map { _ in generator.policy(.small) }
    let rewards = (0..<3).map { _ in generator.rewards(.small) }
    let weights = [0.5, 0.3, 0.2]
    let frontier = RewardFrontier(
      (0..<3).map {
        RewardFrontier.Part(
          reference: references[$0], rewards: rewards[$0], weight: weights[$0])
      })
    func place(_ coefficients: [Double]) -> (divergence: Double, reward: Double) {
      (0..<3).reduce((0, 0)) { sum, prompt in
        let optimum = RegularizedObjective(
          reference: references[prompt], rewards: rewards[prompt],
          coefficient: coefficients[prompt]
        ).optimum
        return (
          sum.0 + weights[prompt] * optimum.divergence(from: references[prompt]),
          sum.1 + weights[prompt] * optimum.expectation(of: rewards[prompt])
        )
      }
    }
    let common = place([0.4, 0.4, 0.4])
    let point = frontier.point(coefficient: 0.4)
    #expect(abs(common.divergence - point.divergence) < .float64Sums)
    #expect(abs(common.reward - point.reward) < .float64Sums)
    let mixed = place([0.1, 1, 3])
    #expect(mixed.reward < frontier.highestReward(atDivergence: mixed.divergence) - 1e-3)
  }
}
