package import Numerics

/// The operations of this room; each has finite-difference checks.
package enum RewardModelingOperations {
  package static var all: [any DifferentiableOperation.Type] {
    [
      PairwiseLoss.self, PairwiseTokensLoss.self, GroupedPairsLoss.self, PlackettLuceLoss.self,
      BestOfKLoss.self, RegressionLoss.self,
    ]
  }
}
