import Foundation

/// What is still to be earned under a policy when every token is charged β log(π / π_ref) and the reward
/// comes with the last one: the targets of a value model and of advantage estimates.
package struct PolicyValues: Sendable {
  package let policy: TabularPolicy
  package let objective: RegularizedObjective
  /// V(s) = Σ_a π(a | s) Q(s, a).
  package let values: [Double]

  package init(of policy: TabularPolicy, in objective: RegularizedObjective) {
    self.policy = policy
    self.objective = objective
    values = policy.space.backward(from: objective.rewards) { state, after in
      zip(policy.probabilities(state), Self.worth(state, after, policy, objective))
        .reduce(0) { $1.0 > 0 ? $0 + $1.0 * $1.1 : $0 }
    }
  }

  /// Q(s, a) = −β log(π(a | s) / π_ref(a | s)) + V(s a), the reward in place of V where a response is
  /// over.
  package func actionValues(_ state: Int) -> [Double] {
    let after = policy.space.after(state, values: values, leaves: objective.rewards)
    return Self.worth(state, after, policy, objective)
  }

  /// A(s, a) = Q(s, a) − V(s); Σ_a π(a | s) A(s, a) = 0.
  package func advantages(_ state: Int) -> [Double] {
    actionValues(state).map { $0 - values[state] }
  }

  /// ∂J / ∂θ(s, a) for a policy softmax(θ(s, ·)): P(s) π(a | s) A(s, a) (Sutton et al. 2000).
  package var logitGradient: [[Double]] {
    let visits = policy.visits
    return policy.space.states.indices.map { state in
      zip(policy.probabilities(state), advantages(state)).map { visits[state] * $0 * $1 }
    }
  }

  private static func worth(
    _ state: Int, _ after: [Double], _ policy: TabularPolicy, _ objective: RegularizedObjective
  ) -> [Double] {
    after.indices.map { token in
      let ratio =
        policy.logProbabilities[state][token] - objective.reference.logProbabilities[state][token]
      return after[token] - objective.coefficient * ratio
    }
  }
}
