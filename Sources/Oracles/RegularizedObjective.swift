import Foundation

/// What RLHF maximises: J(π) = E_π[r(y)] − β KL(π ‖ π_ref), and its exact solution.
package struct RegularizedObjective: Sendable {
  /// π_ref
  package let reference: TabularPolicy
  /// r(y), one per sequence.
  package let rewards: [Double]
  /// β, above 0.
  package let coefficient: Double

  package init(reference: TabularPolicy, rewards: [Double], coefficient: Double) {
    precondition(rewards.count == reference.space.sequences.count, "one reward per sequence")
    precondition(coefficient > 0, "without β the optimum is not a distribution over all responses")
    self.reference = reference
    self.rewards = rewards
    self.coefficient = coefficient
  }

  private var space: SequenceSpace { reference.space }

  /// J(π)
  package func value(of policy: TabularPolicy) -> Double {
    policy.expectation(of: rewards) - coefficient * policy.divergenceByStates(from: reference)
  }

  /// J(p) of any distribution over responses.
  package func value(of distribution: SequenceDistribution) -> Double {
    distribution.expectation(of: rewards) - coefficient
      * distribution.divergence(from: SequenceDistribution(reference.sequenceProbabilities))
  }

  /// J* = β log Z, Z = Σ_y π_ref(y) exp(r(y) / β): no policy reaches more.
  var optimalValue: Double {
    coefficient
      * logSumExp(zip(reference.sequenceLogProbabilities, rewards).map { $0 + $1 / coefficient })
  }

  /// V*(s) = β log E_π_ref[exp(r / β) | s], by backward recursion.
  var softValues: [Double] {
    space.backward(from: rewards) { state, after in
      coefficient
        * logSumExp(zip(reference.logProbabilities[state], after).map { $0 + $1 / coefficient })
    }
  }

  /// π*(a | s) = π_ref(a | s) exp((V*(s a) − V*(s)) / β), so that π*(y) = π_ref(y) exp(r(y) / β) / Z.
  package var optimum: TabularPolicy {
    let values = softValues
    return TabularPolicy(
      space,
      logits: space.states.indices.map { state in
        let after = space.after(state, values: values, leaves: rewards)
        return zip(reference.logProbabilities[state], after).map { $0 + $1 / coefficient }
      })
  }
}

/// V, Q and A of a policy whose reward is −β log(π / π_ref) at every token plus r(y) at the last one: the
/// targets of a value model and of advantage estimates.
package struct PolicyValues: Sendable {
  package let policy: TabularPolicy
  package let objective: RegularizedObjective
  /// V(s) = Σ_a π(a | s) Q(s, a).
  package let values: [Double]

  package init(of policy: TabularPolicy, in objective: RegularizedObjective) {
    self.policy = policy
    self.objective = objective
    values = policy.space.backward(from: objective.rewards) { state, after in
      zip(policy.probabilities(state), Self.actionValues(state, after, policy, objective))
        .reduce(0) { $1.0 > 0 ? $0 + $1.0 * $1.1 : $0 }
    }
  }

  /// Q(s, a) = −β log(π(a | s) / π_ref(a | s)) + V(s a), the reward in place of V where a response is
  /// over.
  func actionValues(_ state: Int) -> [Double] {
    let after = policy.space.after(state, values: values, leaves: objective.rewards)
    return Self.actionValues(state, after, policy, objective)
  }

  /// A(s, a) = Q(s, a) − V(s); Σ_a π(a | s) A(s, a) = 0.
  package func advantages(_ state: Int) -> [Double] {
    actionValues(state).map { $0 - values[state] }
  }

  /// ∂J / ∂θ(s, a) for a policy softmax(θ(s, ·)): P(s) π(a | s) A(s, a) (Sutton et al. 2000).
  var logitGradient: [[Double]] {
    let visits = policy.visits
    return policy.space.states.indices.map { state in
      zip(policy.probabilities(state), advantages(state)).map { visits[state] * $0 * $1 }
    }
  }

  private static func actionValues(
    _ state: Int, _ after: [Double], _ policy: TabularPolicy, _ objective: RegularizedObjective
  ) -> [Double] {
    after.indices.map { token in
      let ratio =
        policy.logProbabilities[state][token] - objective.reference.logProbabilities[state][token]
      return after[token] - objective.coefficient * ratio
    }
  }
}
