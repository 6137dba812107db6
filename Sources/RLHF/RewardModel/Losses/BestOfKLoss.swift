package import Numerics

/// L = w Σ_prompts −log softmax(r_1, …, r_K)_1 + η (2 r̄)²
///
/// Cross-entropy of the best of K responses; the order of the others does not count (Ziegler et al.
/// 2019). With two responses it is Bradley–Terry.
///
/// rewards `[Σ K]`: those of prompt 0 from best to worst, of prompt 1, …; w weight, 1 over the
/// prompts of the whole batch; η centering.
package struct BestOfKLoss: DifferentiableOperation {
  let slopes: Tensor  // [Σ K] ∂L/∂rewards

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    inputs.add(slopes: slopes, scaledBy: outputGradient)
  }

  package static let gradientChecks = [
    GradientCheck("best-of-K loss", inputs: [[9]]) {
      $0.bestOfKLoss($1[0], sizes: [4, 2, 3], centering: 0.1, weight: 1.0 / 3)
    }
  ]
}

extension Tape {
  /// The loss of ``BestOfKLoss``, a scalar.
  ///
  /// - Parameter sizes: K of every prompt.
  package func bestOfKLoss(
    _ rewards: Variable, sizes: [Int], centering: Double, weight: Double
  ) -> Variable {
    let loss = LinearizedLoss(
      rewards, sizes: sizes, choices: { _ in 1 }, centering: centering, weight: weight)
    return record(BestOfKLoss(slopes: loss.tensor), inputs: [rewards], output: loss.scalar)
  }
}
