package import Numerics

/// L = w Σ_pairs −p log P(Δ − m) − (1 − p) log P(m − Δ) + η (r_chosen + r_rejected)²
///
/// Bradley–Terry ranking (InstructGPT 2022, eq. 1), as softplus so that nothing overflows, with the
/// terms of ``PairTerm``; P is σ, or ``ChoiceProbability`` where judges slip.
///
/// rewards `[2 B]`: chosen and rejected of pair 0, of pair 1, …; Δ their difference; m margins `[B]`;
/// p probabilities `[B]`; w weight, 1 over the pairs of the whole batch; η centering.
package struct PairwiseLoss: DifferentiableOperation {
  let slopes: Tensor  // [2 B] ∂L/∂rewards

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    inputs.add(slopes: slopes, scaledBy: outputGradient)
  }

  package static let gradientChecks = [
    GradientCheck("pairwise loss", inputs: [[6]]) {
      $0.pairwiseLoss($1[0], margins: [0, 0.5, 2], centering: 0.1, weight: 0.5)
    },
    GradientCheck("pairwise loss with soft labels", inputs: [[6]]) {
      $0.pairwiseLoss(
        $1[0], margins: [0, 0.5, 2], probabilities: [0.9, 0.3, 0.5], centering: 0.1, weight: 0.5)
    },
    GradientCheck("pairwise loss of judges who slip", inputs: [[6]]) {
      $0.pairwiseLoss(
        $1[0], margins: [0, 0.5, 2], probabilities: [1, 0.3, 0.5],
        choices: ChoiceProbability(slips: 0.1), centering: 0.1, weight: 0.5)
    },
  ]
}

extension Tape {
  /// The loss of ``PairwiseLoss``, a scalar.
  ///
  /// - Parameters:
  ///   - probabilities: p of every pair; nil where every choice is taken as right.
  ///   - choices: P, with how often judges slip.
  package func pairwiseLoss(
    _ rewards: Variable, margins: [Double], probabilities: [Double]? = nil,
    choices: ChoiceProbability = ChoiceProbability(), centering: Double, weight: Double
  ) -> Variable {
    precondition(
      rewards.value.shape == [2 * margins.count]
        && (probabilities?.count ?? margins.count) == margins.count,
      "pairwise loss: rewards of \(rewards.value.shape) for \(margins.count) pairs")
    let values = rewards.value.values.map(Double.init)
    var loss = LinearizedLoss(rewards: values.count)
    for (pair, margin) in margins.enumerated() {
      let term = PairTerm(
        chosen: values[2 * pair], rejected: values[2 * pair + 1], margin: margin,
        probability: probabilities?[pair] ?? 1, choices: choices, centering: centering)
      loss.add(weight * term.loss)
      loss.add(weight * term.chosenSlope, at: 2 * pair)
      loss.add(weight * term.rejectedSlope, at: 2 * pair + 1)
    }
    return record(PairwiseLoss(slopes: loss.tensor), inputs: [rewards], output: loss.scalar)
  }
}
