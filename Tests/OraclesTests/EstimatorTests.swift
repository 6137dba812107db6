import Foundation
import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@testable import Oracles
@testable import RLHF

/// What the production code computes for every response of a small world, compared with the exact
/// values.
@Suite struct EstimatorTests {
  /// Every response as an episode, with given values per state.
  func experience(
    _ policy: TabularPolicy, _ objective: RegularizedObjective, values: [Double]
  ) -> Experience {
    let divergences = policy.stateDivergences(from: objective.reference)
    let episodes = policy.space.sequences.enumerated().map { index, sequence in
      Episode(
        exchange: Exchange(prompt: [1], response: sequence.tokens), ended: sequence.isEnded,
        logProbabilities: sequence.steps.map { policy.logProbabilities[$0.state][$0.token] },
        referenceLogProbabilities: sequence.steps.map {
          objective.reference.logProbabilities[$0.state][$0.token]
        },
        exactKL: sequence.states.map { divergences[$0] },
        entropies: sequence.states.map { _ in 0 }, values: sequence.states.map { values[$0] },
        score: objective.rewards[index])
    }
    return Experience(episodes: episodes, coefficient: objective.coefficient)
  }

  /// Means of a quantity of steps over all responses that take a step, per state and token.
  func means(
    _ experience: Experience, _ policy: TabularPolicy, _ quantity: (Episode) -> [Double]
  ) -> [[Double]] {
    let space = policy.space
    let probabilities = policy.sequenceProbabilities
    let zeros = space.states.map { _ in Array(repeating: 0.0, count: space.vocabularySize) }
    var (sums, weights) = (zeros, zeros)
    for (index, sequence) in space.sequences.enumerated() {
      for (step, value) in zip(sequence.steps, quantity(experience.episodes[index])) {
        sums[step.state][step.token] += probabilities[index] * value
        weights[step.state][step.token] += probabilities[index]
      }
    }
    return zip(sums, weights).map { zip($0, $1).map { $0 / $1 } }
  }

  @Test("with exact values, E[A | s, a] = Q − V at every λ", arguments: [0, 0.3, 0.95, 1])
  func advantages(lambda: Double) {
    var generator = SeededGenerator(seed: 15)
    let objective = generator.objective(.small, coefficient: 0.3)
    let policy = generator.policy(.small)
    let expected = PolicyValues(of: policy, in: objective)
    var experience = experience(policy, objective, values: expected.values)
    Advantages.fill(&experience, configured(objective) { $0.lambda = lambda })
    let estimates = means(experience, policy, \.advantages)
    for state in policy.space.states.indices {
      #expect(isClose(estimates[state], expected.advantages(state), within: .float64Sums))
    }
  }

  @Test("with wrong values, only λ = 1 gives E[A | s, a] = Q − V_wrong and E[R | s] = V")
  func wrongValues() {
    var generator = SeededGenerator(seed: 16)
    let objective = generator.objective(.small, coefficient: 0.3)
    let policy = generator.policy(.small)
    let expected = PolicyValues(of: policy, in: objective)
    let wrong = generator.gaussians(policy.space.states.count)
    func largestError(_ lambda: Double) -> Double {
      var experience = experience(policy, objective, values: wrong)
      Advantages.fill(&experience, configured(objective) { $0.lambda = lambda })
      let returns = means(experience, policy, \.returns)
      return policy.space.states.indices.map { state in
        // The mean return of each first token is its Q; over tokens, V.
        let error =
          zip(returns[state], expected.actionValues(state)).map { abs($0 - $1) }.max() ?? 0
        let value = zip(policy.probabilities(state), returns[state]).reduce(0) { $0 + $1.0 * $1.1 }
        return max(error, abs(value - expected.values[state]))
      }.max() ?? 0
    }
    #expect(largestError(1) < .float64Sums)
    #expect(largestError(0.95) > 0.01)
  }

  @Test(
    "what the value model learns is the on-policy value, whether or not advantages are whitened",
    arguments: [false, true])
  func valueTargets(whitens: Bool) {
    var generator = SeededGenerator(seed: 17)
    let objective = generator.objective(.small, coefficient: 0.3)
    let policy = generator.policy(.small)
    let expected = PolicyValues(of: policy, in: objective)
    for lambda in [0, 0.95, 1] {
      var experience = experience(policy, objective, values: expected.values)
      Advantages.fill(
        &experience,
        configured(objective) {
          $0.lambda = lambda
          $0.whitenAdvantages = whitens
        })
      let returns = means(experience, policy, \.returns)
      for state in policy.space.states.indices {
        #expect(isClose(returns[state], expected.actionValues(state), within: .float64Sums))
        let value = zip(policy.probabilities(state), returns[state]).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(value - expected.values[state]) < .float64Sums)
      }
    }
  }

  @Test("at λ = 1 an advantage is the return minus the value, response by response")
  func returnMinusValue() {
    var generator = SeededGenerator(seed: 18)
    let objective = generator.objective(.small, coefficient: 0.3)
    let policy = generator.policy(.small)
    let values = generator.gaussians(policy.space.states.count)
    var experience = experience(policy, objective, values: values)
    Advantages.fill(&experience, configured(objective) { $0.lambda = 1 })
    for episode in experience.episodes {
      var toGo = 0.0
      for index in (0..<episode.length).reversed() {
        toGo += episode.rewards[index]
        #expect(abs(episode.advantages[index] - (toGo - episode.values[index])) < .float64Rounding)
      }
    }
  }

  @Test("k1, k3 and exact equal the KL of responses in expectation; k2 differs by what it must")
  func divergences() {
    var generator = SeededGenerator(seed: 19)
    let objective = generator.objective(.small, coefficient: 1)
    let (policy, reference) = (generator.policy(.small), objective.reference)
    let divergence = policy.divergence(from: reference)
    let zeros = policy.space.states.map { _ in 0.0 }
    func charged(_ estimator: KLEstimator) -> Double {
      var experience = experience(policy, objective, values: zeros)
      Advantages.fill(&experience, configured(objective) { $0.kl.estimator = estimator })
      return policy.expectation(of: experience.episodes.map { $0.kl.reduce(0, +) })
    }
    for estimator in [KLEstimator.k1, .k3, .exact] {
      #expect(abs(charged(estimator) - divergence) < .float64Sums, "\(estimator)")
    }
    let halfSquares = policy.expectedSum { state, token in
      let ratio =
        policy.logProbabilities[state][token] - reference.logProbabilities[state][token]
      return ratio * ratio / 2
    }
    #expect(abs(charged(.k2) - halfSquares) < .float64Sums)
    #expect(abs(halfSquares - divergence) > 0.1)
  }

  @Test("the mean of what an episode earns is J")
  func earnings() {
    var generator = SeededGenerator(seed: 20)
    let objective = generator.objective(.small, coefficient: 0.6)
    let policy = generator.policy(.small)
    var experience = experience(policy, objective, values: policy.space.states.map { _ in 0 })
    Advantages.fill(&experience, configured(objective))
    let earned = policy.expectation(of: experience.episodes.map { $0.rewards.reduce(0, +) })
    #expect(abs(earned - objective.value(of: policy)) < .float64Sums)
  }
}
