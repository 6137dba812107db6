package import Autodiff
import Foundation
package import Tensors

/// L = w Σ_pairs softplus(−(r_chosen − r_rejected − m)) + w η Σ_pairs (r_chosen + r_rejected)²
///
/// Bradley–Terry ranking: −log σ(Δ − m), as softplus so that nothing overflows (InstructGPT 2022,
/// eq. 1), and a centering term that pins the constant which ranking leaves free (Eisenstein et al.
/// 2023).
///
/// rewards `[2 B]`: chosen and rejected of pair 0, of pair 1, …; m margins `[B]`; w weight, 1 over the
/// pairs of the whole batch; η centering.
package struct PairwiseLoss: DifferentiableOperation {
  let slopes: Tensor  // [2 B] ∂L/∂rewards

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    var gradient = slopes
    gradient.multiply(by: outputGradient[0])
    inputs.add(gradient, to: 0)
  }

  package static let gradientChecks = [
    GradientCheck("pairwise loss", inputs: [[6]]) {
      $0.pairwiseLoss($1[0], margins: [0, 0.5, 2], centering: 0.1, weight: 0.5)
    }
  ]
}

extension Tape {
  /// The loss of ``PairwiseLoss``, a scalar.
  package func pairwiseLoss(
    _ rewards: Variable, margins: [Double], centering: Double, weight: Double
  ) -> Variable {
    precondition(
      rewards.value.shape == [2 * margins.count],
      "pairwise loss: rewards of \(rewards.value.shape) for \(margins.count) pairs")
    let values = rewards.value.values.map(Double.init)
    var slopes = Tensor(zeros: rewards.value.shape)
    var loss = 0.0
    for (pair, margin) in margins.enumerated() {
      let (chosen, rejected) = (values[2 * pair], values[2 * pair + 1])
      let difference = chosen - rejected - margin
      loss += max(-difference, 0) + log1p(exp(-abs(difference)))
      loss += centering * (chosen + rejected) * (chosen + rejected)
      let pull = -1 / (1 + exp(difference))  // −σ(−Δ)
      let center = 2 * centering * (chosen + rejected)
      slopes[2 * pair] = Float(weight * (pull + center))
      slopes[2 * pair + 1] = Float(weight * (-pull + center))
    }
    return record(
      PairwiseLoss(slopes: slopes), inputs: [rewards],
      output: Tensor([Float(weight * loss)], shape: []))
  }
}
