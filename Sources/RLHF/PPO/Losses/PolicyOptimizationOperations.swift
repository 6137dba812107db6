package import Numerics

/// The operations of this room; each has finite-difference checks.
package enum PolicyOptimizationOperations {
  package static var all: [any DifferentiableOperation.Type] {
    [
      ClippedPolicyLoss.self, ClippedValueLoss.self, KLPenaltyLoss.self, ExactKLLoss.self,
      DirectPreferenceLoss.self,
    ]
  }
}
