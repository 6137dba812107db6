import Foundation
import Numerics
import Statistics
import TestSupport
import Testing

@testable import RLHF

@Suite struct AdvantageTests {
  @Test(
    "estimates are the double sum of discounted temporal differences",
    arguments: [(1.0, 0.95), (1.0, 0.0), (1.0, 1.0), (0.9, 0.8), (0.5, 1.0), (0.7, 0.0)])
  func doubleSum(discount: Double, lambda: Double) {
    var generator = SeededGenerator(seed: 8)
    for length in [1, 2, 5, 13] {
      let (rewards, values) = (generator.gaussians(length), generator.gaussians(length))
      let slow = (0..<length).map { start in
        (start..<length).reduce(0.0) { sum, step in
          let next = step + 1 < length ? values[step + 1] : 0
          let difference = rewards[step] + discount * next - values[step]
          return sum + pow(discount * lambda, Double(step - start)) * difference
        }
      }
      let estimates = Advantages.estimate(
        rewards: rewards, values: values, discount: discount, lambda: lambda)
      #expect(isClose(estimates, slow, within: .float64Rounding))
    }
  }

  @Test("at λ = 1 an advantage is the return minus the value, at λ = 0 one temporal difference")
  func ends() {
    let (rewards, values) = ([1.0, -2, 4], [0.5, 0.25, -1])
    let full = Advantages.estimate(rewards: rewards, values: values, discount: 0.5, lambda: 1)
    #expect(isClose(full, [0.5, -0.25, 5], within: .float64Rounding))
    let one = Advantages.estimate(rewards: rewards, values: values, discount: 0.5, lambda: 0)
    #expect(isClose(one, [0.625, -2.75, 5], within: .float64Rounding))
  }

  /// Episodes of different lengths with random figures, filled.
  func experience(_ change: (inout PPOConfiguration) -> Void = { _ in }) -> Experience {
    var generator = SeededGenerator(seed: 12)
    let episodes = [3, 1, 6, 4].map { length in
      makeEpisode(
        old: generator.gaussians(length), reference: generator.gaussians(length),
        values: generator.gaussians(length), score: generator.gaussian())
    }
    var experience = Experience(episodes: episodes, coefficient: 0.3)
    Advantages.fill(&experience, configured(change))
    return experience
  }

  @Test("every response token has reward − β KL, and the last one also the score")
  func rewards() {
    for episode in experience().episodes {
      for index in 0..<episode.length {
        let kl = episode.logProbabilities[index] - episode.referenceLogProbabilities[index]
        let score = index == episode.length - 1 ? episode.score : 0
        #expect(abs(episode.rewards[index] - (score - 0.3 * kl)) < .float64Rounding)
        #expect(abs(episode.kl[index] - kl) < .float64Rounding)
      }
    }
  }

  @Test("a KL from the reference lowers the reward", arguments: KLEstimator.allCases)
  func sign(estimator: KLEstimator) {
    var episode = makeEpisode(old: [-0.1], reference: [-2])
    episode.exactKL = [0.4]
    var experience = Experience(episodes: [episode], coefficient: 1)
    Advantages.fill(&experience, configured { $0.kl.estimator = estimator })
    #expect(experience.episodes[0].rewards[0] < -0.3)
  }

  @Test("returns are computed from advantages before whitening")
  func returns() {
    let plain = experience { $0.whitenAdvantages = false }
    let white = experience { $0.whitenAdvantages = true }
    for (plain, white) in zip(plain.episodes, white.episodes) {
      #expect(plain.returns == white.returns)
      #expect(plain.advantages != white.advantages)
      let sums = zip(plain.advantages, plain.values).map { $0 + $1 }
      #expect(isClose(plain.returns, sums, within: .float64Rounding))
    }
  }

  @Test("whitening gives mean 0 and sd 1 over all tokens, in the same order")
  func whitening() {
    let white = experience().episodes.flatMap(\.advantages)
    let plain = experience { $0.whitenAdvantages = false }.episodes.flatMap(\.advantages)
    #expect(white.count == 14)
    #expect(abs(Summary(white).mean) < .float64Solutions)
    #expect(abs(Summary(white).standardDeviation - 1) < .float32Rounding)
    #expect(abs(Statistics.correlation(white, plain) - 1) < .float64Solutions)
  }

  @Test("whitened rewards have sd 1 and their former mean, before advantages are computed")
  func whitenedRewards() {
    let plain = experience { $0.whitenAdvantages = false }
    let white = experience {
      $0.whitenAdvantages = false
      $0.whitenRewards = true
    }
    let (before, after) = (plain.episodes.flatMap(\.rewards), white.episodes.flatMap(\.rewards))
    #expect(abs(Summary(after).standardDeviation - 1) < .float32Rounding)
    #expect(abs(Summary(after).mean - Summary(before).mean) < .float64Solutions)
    for episode in white.episodes {
      let advantages = Advantages.estimate(
        rewards: episode.rewards, values: episode.values, discount: 1, lambda: 0.95)
      #expect(isClose(episode.advantages, advantages, within: .float64Rounding))
    }
  }

  @Test("a single token is whitened to 0, not to a NaN")
  func singleToken() {
    var experience = Experience(episodes: [makeEpisode(old: [-1], score: 3)], coefficient: 0)
    Advantages.fill(&experience, configured())
    #expect(experience.episodes[0].advantages == [0])
    #expect(experience.episodes[0].returns == [3])
  }
}
