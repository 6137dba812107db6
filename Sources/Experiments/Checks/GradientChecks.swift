import LanguageModels
package import Numerics
import RLHF

/// The gradient checks of every operation that any room has.
package enum GradientChecks {
  package static var all: [GradientCheck] {
    let operations =
      AutodiffOperations.all + TransformerOperations.all + RewardModelingOperations.all
      + PolicyOptimizationOperations.all
    return operations.flatMap { $0.gradientChecks }
  }
}
