package import Numerics

/// L = w Σ_prompts 1/C(K, 2) Σ_{i < j} ℓ(r_i, r_j), ℓ as in ``PairTerm``
///
/// All pairs of a prompt's ranking as one element of the batch, so that a response is computed once
/// and a prompt with many responses weighs no more than another (InstructGPT 2022, section 3.5).
///
/// rewards `[Σ K]`: those of prompt 0 from best to worst, of prompt 1, …; w weight, 1 over the
/// prompts of the whole batch: C(K, 2) is divided out here and nowhere else.
package struct GroupedPairsLoss: DifferentiableOperation {
  let slopes: Tensor  // [Σ K] ∂L/∂rewards

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    inputs.add(slopes: slopes, scaledBy: outputGradient)
  }

  package static let gradientChecks = [
    GradientCheck("grouped pairs loss", inputs: [[9]]) {
      $0.groupedPairsLoss(
        $1[0], sizes: [4, 2, 3], margins: [0, 0.5, 0], probability: 0.9, centering: 0.1,
        weight: 1.0 / 3)
    }
  ]
}

extension Tape {
  /// The loss of ``GroupedPairsLoss``, a scalar.
  ///
  /// - Parameters:
  ///   - sizes: K of every prompt.
  ///   - margins: m of every prompt's pairs.
  ///   - probability: p of every pair.
  ///   - choices: P, with how often judges slip.
  package func groupedPairsLoss(
    _ rewards: Variable, sizes: [Int], margins: [Double], probability: Double = 1,
    choices: ChoiceProbability = ChoiceProbability(), centering: Double, weight: Double
  ) -> Variable {
    precondition(
      rewards.value.shape == [sizes.reduce(0, +)] && margins.count == sizes.count
        && sizes.allSatisfy { $0 >= 2 },
      "grouped pairs loss: rewards of \(rewards.value.shape) for rankings of \(sizes)")
    let values = rewards.value.values.map(Double.init)
    var loss = LinearizedLoss(rewards: values.count)
    var start = 0
    for (size, margin) in zip(sizes, margins) {
      let share = weight / Double(size * (size - 1) / 2)
      for better in start..<start + size {
        for worse in better + 1..<start + size {
          let term = PairTerm(
            chosen: values[better], rejected: values[worse], margin: margin,
            probability: probability, choices: choices, centering: centering)
          loss.add(share * term.loss)
          loss.add(share * term.chosenSlope, at: better)
          loss.add(share * term.rejectedSlope, at: worse)
        }
      }
      start += size
    }
    return record(GroupedPairsLoss(slopes: loss.tensor), inputs: [rewards], output: loss.scalar)
  }
}
