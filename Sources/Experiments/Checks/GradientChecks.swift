import LanguageModels
package import Numerics
import RLHF

/// The finite-difference checks of every operation of the tape and of every loss.
package enum GradientChecks {
  package static var operations: [any DifferentiableOperation.Type] {
    AutodiffOperations.all + TransformerOperations.all
  }

  package static var all: [GradientCheck] {
    operations.flatMap { $0.gradientChecks } + RewardModelLosses.gradientChecks
      + PPOLosses.gradientChecks + DPOLosses.gradientChecks
  }
}
