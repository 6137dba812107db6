/// The operations of this module; each has finite-difference checks.
package enum AutodiffOperations {
  package static var all: [any DifferentiableOperation.Type] {
    [
      Addition.self, Entropy.self, EquationLoss.self, Flattening.self, Gather.self, GELU.self,
      LayerNorm.self,
      Linear.self,
      LogProbabilities.self, LowRankUpdate.self, RMSNorm.self,
      SegmentSums.self, SwiGLU.self, WeightedSum.self,
    ]
  }
}
