package import Numerics

/// L = w Σ_prompts −Σ_i log softmax(r_i, …, r_K)_i + η (2 r̄)²
///
/// The ranking as a row of choices: the best of all, then the best of those that are left (Plackett
/// 1975; Zhu et al. 2023). With two responses it is Bradley–Terry.
///
/// rewards `[Σ K]`: those of prompt 0 from best to worst, of prompt 1, …; w weight, 1 over the
/// prompts of the whole batch; η centering.
package struct PlackettLuceLoss: DifferentiableOperation {
  let slopes: Tensor  // [Σ K] ∂L/∂rewards

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    inputs.add(slopes: slopes, scaledBy: outputGradient)
  }

  package static let gradientChecks = [
    GradientCheck("Plackett–Luce loss", inputs: [[9]]) {
      $0.plackettLuceLoss($1[0], sizes: [4, 2, 3], centering: 0.1, weight: 1.0 / 3)
    }
  ]
}

extension Tape {
  /// The loss of ``PlackettLuceLoss``, a scalar.
  ///
  /// - Parameter sizes: K of every prompt.
  package func plackettLuceLoss(
    _ rewards: Variable, sizes: [Int], centering: Double, weight: Double
  ) -> Variable {
    let loss = LinearizedLoss(
      rewards, sizes: sizes, choices: { $0 - 1 }, centering: centering, weight: weight)
    return record(PlackettLuceLoss(slopes: loss.tensor), inputs: [rewards], output: loss.scalar)
  }
}
