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
  package var optimalValue: Double {
    coefficient
      * LogSum.of(
        zip(reference.sequenceLogProbabilities, rewards).map { $0 + $1 / coefficient })
  }

  /// V*(s) = β log E_π_ref[exp(r / β) | s], by backward recursion.
  package var softValues: [Double] {
    space.backward(from: rewards) { state, after in
      coefficient
        * LogSum.of(
          zip(reference.logProbabilities[state], after).map { $0 + $1 / coefficient })
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
