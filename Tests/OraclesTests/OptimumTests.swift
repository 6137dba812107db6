import Foundation
import Numerics
import Statistics
import TestSupport
import Testing

@testable import Oracles

@Suite struct OptimumTests {
  static let coefficients = [0.05, 0.2, 1, 5]

  @Test(
    "π* is π_ref exp(r/β) / Z, J* = β log Z, and J of any policy is lower by β KL(π ‖ π*)",
    arguments: coefficients)
  func identity(coefficient: Double) {
    var generator = SeededGenerator(seed: 3)
    let objective = generator.objective(.small, coefficient: coefficient)
    let optimum = objective.optimum
    let weights = zip(objective.reference.sequenceProbabilities, objective.rewards).map {
      $0 * exp($1 / coefficient)
    }
    let total = weights.reduce(0, +)
    #expect(
      isClose(optimum.sequenceProbabilities, weights.map { $0 / total }, within: .float64Rounding))
    #expect(abs(objective.optimalValue - coefficient * log(total)) < .float64Sums)
    #expect(abs(objective.value(of: optimum) - objective.optimalValue) < .float64Sums)
    #expect(abs(objective.softValues[0] - objective.optimalValue) < .float64Sums)
    for sharpness in [0, 0.5, 1, 3] {
      let policy = generator.policy(.small, sharpness: sharpness)
      let loss = objective.optimalValue - objective.value(of: policy)
      #expect(
        abs(loss - coefficient * policy.divergence(from: optimum)) < .float64Sums * (1 + loss))
      #expect(loss >= 0)
    }
    let loss = objective.optimalValue - objective.value(of: objective.reference)
    #expect(
      abs(loss - coefficient * objective.reference.divergence(from: optimum)) < .float64Sums
        * (1 + loss))
  }

  @Test("soft values are β log E_π_ref[exp(r/β) | s], from the responses that pass a state")
  func softValues() {
    var generator = SeededGenerator(seed: 4)
    let objective = generator.objective(.small, coefficient: 0.4)
    let (reference, space) = (objective.reference, objective.reference.space)
    let (probabilities, visits) = (reference.sequenceProbabilities, reference.visits)
    for (state, value) in objective.softValues.enumerated() {
      let mean = space.sequences.indices.reduce(0.0) { sum, sequence in
        guard space.sequences[sequence].states.contains(state) else { return sum }
        return sum + probabilities[sequence] * exp(objective.rewards[sequence] / 0.4)
      }
      #expect(abs(value - 0.4 * log(mean / visits[state])) < .float64Sums)
    }
  }

  @Test("a constant added to all rewards of a prompt moves J* by it, and π* not at all")
  func shift() {
    var generator = SeededGenerator(seed: 5)
    let objective = generator.objective(.small, coefficient: 0.3)
    let moved = RegularizedObjective(
      reference: objective.reference, rewards: objective.rewards.map { $0 + 2.5 }, coefficient: 0.3)
    #expect(abs(moved.optimalValue - objective.optimalValue - 2.5) < .float64Sums)
    #expect(
      isClose(
        moved.optimum.sequenceProbabilities, objective.optimum.sequenceProbabilities,
        within: .float64Rounding)
    )
  }

  @Test("under π* the value is the soft value in every state, and no token has an advantage")
  func fixedPoint() {
    var generator = SeededGenerator(seed: 6)
    let objective = generator.objective(.small, coefficient: 0.7)
    let values = PolicyValues(of: objective.optimum, in: objective)
    #expect(isClose(values.values, objective.softValues, within: .float64Sums))
    for state in objective.reference.space.states.indices {
      #expect(values.advantages(state).allSatisfy { abs($0) < .float64Sums })
    }
  }

  @Test("on-policy values are expected returns from a state, and J at the first")
  func onPolicyValues() {
    var generator = SeededGenerator(seed: 7)
    let objective = generator.objective(.small, coefficient: 0.3)
    let policy = generator.policy(.small)
    let values = PolicyValues(of: policy, in: objective)
    #expect(abs(values.values[0] - objective.value(of: policy)) < .float64Rounding)
    let (space, visits) = (policy.space, policy.visits)
    let probabilities = policy.sequenceProbabilities
    var totals = Array(repeating: 0.0, count: space.states.count)
    for (index, sequence) in space.sequences.enumerated() {
      var toGo = objective.rewards[index]
      for step in Array(sequence.steps).reversed() {
        toGo -=
          0.3
          * (policy.logProbabilities[step.state][step.token]
            - objective.reference.logProbabilities[step.state][step.token])
        totals[step.state] += probabilities[index] * toGo
      }
    }
    #expect(isClose(values.values, zip(totals, visits).map { $0 / $1 }, within: .float64Sums))
    for state in space.states.indices {
      let mean = zip(policy.probabilities(state), values.advantages(state)).reduce(0) {
        $0 + $1.0 * $1.1
      }
      #expect(abs(mean) < .float64Rounding)
    }
  }

  @Test("the policy gradient by enumeration is that of finite differences")
  func policyGradient() {
    var generator = SeededGenerator(seed: 8)
    let space = SequenceSpace(vocabularySize: 4, endOfSequence: 1, maximumTokens: 3)
    let objective = generator.objective(space, coefficient: 0.35)
    let logits = space.states.map { _ in generator.gaussians(4) }
    let gradient = PolicyValues(of: TabularPolicy(space, logits: logits), in: objective)
      .logitGradient
    for state in space.states.indices {
      for token in 0..<4 {
        func value(_ move: Double) -> Double {
          var moved = logits
          moved[state][token] += move
          return objective.value(of: TabularPolicy(space, logits: moved))
        }
        let difference = (value(1e-5) - value(-1e-5)) / 2e-5
        // In Float64: u·|J| / 2e-5 = 1e-11 of rounding, and h² = 1e-10 of curvature.
        #expect(
          abs(gradient[state][token] - difference) < .float32Rounding * max(1e-3, abs(difference)))
      }
    }
  }

  @Test("KL of whole responses is the sum over states of their expected KL")
  func chainRule() {
    var generator = SeededGenerator(seed: 9)
    for _ in 0..<5 {
      let (policy, reference) = (generator.policy(.small), generator.policy(.small))
      let whole = policy.divergence(from: reference)
      #expect(
        abs(whole - policy.divergenceByStates(from: reference)) < .float64Rounding * (1 + whole))
    }
  }
}
