import Foundation

extension TabularPolicy {
  /// KL(π(·|s) ‖ π_ref(·|s)) of every state, in nats.
  package func stateDivergences(from reference: TabularPolicy) -> [Double] {
    zip(logProbabilities, reference.logProbabilities).map { own, other in
      zip(own, other).reduce(0) { sum, pair in
        pair.0 > -.infinity ? sum + exp(pair.0) * (pair.0 - pair.1) : sum
      }
    }
  }

  /// KL(π ‖ π_ref) = Σ_y π(y) log(π(y) / π_ref(y)) over whole responses, in nats.
  package func divergence(from reference: TabularPolicy) -> Double {
    SequenceDistribution(sequenceProbabilities).divergence(
      from: SequenceDistribution(reference.sequenceProbabilities))
  }

  /// The same by the chain rule: Σ_s P(s) KL(π(·|s) ‖ π_ref(·|s)), which keeps its digits where whole
  /// responses have vanishing probabilities.
  package func divergenceByStates(from reference: TabularPolicy) -> Double {
    zip(visits, stateDivergences(from: reference)).reduce(0) { $0 + $1.0 * $1.1 }
  }
}

/// Probabilities of whole responses, whether or not any policy wrote them token by token.
package struct SequenceDistribution: Sendable, Equatable {
  /// One per sequence, summing to 1.
  package let probabilities: [Double]

  package init(_ probabilities: [Double]) { self.probabilities = probabilities }

  /// Σ_y p(y) log(p(y) / q(y)); infinite where q is 0 and p is not.
  package func divergence(from other: SequenceDistribution) -> Double {
    zip(probabilities, other.probabilities).reduce(0) { sum, pair in
      pair.0 > 0 ? sum + pair.0 * log(pair.0 / pair.1) : sum
    }
  }

  /// E_p[f(y)]
  package func expectation(of values: [Double]) -> Double {
    zip(probabilities, values).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
