package import Numerics

/// Where the two responses of a pair are held against each other token by token.
package struct TokenPair: Sendable, Equatable {
  /// Tokens of the chosen and of the rejected response.
  package var chosen: Int
  package var rejected: Int
  /// The first position at which they differ.
  package var firstDifference: Int

  package init(chosen: Int, rejected: Int, firstDifference: Int) {
    self.chosen = chosen
    self.rejected = rejected
    self.firstDifference = firstDifference
  }

  /// Measures two responses that are not the same.
  package init(chosen: [Int32], rejected: [Int32]) {
    let shared = zip(chosen, rejected).prefix { $0 == $1 }.count
    self.init(chosen: chosen.count, rejected: rejected.count, firstDifference: shared)
  }

  /// From the first difference to the end of the longer response.
  var positions: Range<Int> { firstDifference..<max(chosen, rejected) }
}

/// L = w Σ_pairs mean_t ℓ(r_w,t, r_l,t) over the positions t from the first token in which the two
/// responses differ to the end of the longer one, ℓ as in ``PairTerm``.
///
/// The rule of trlX's `GPTRewardModel` and of DeepSpeed-Chat. Where they go on into the padding after
/// the shorter response, there is none here: its last reward, that of its end-of-sequence token, is
/// held. So the score is still what is read at the end of a response.
///
/// rewards `[M]`: one per token of the chosen and of the rejected response of pair 0, of pair 1, …;
/// w weight, 1 over the pairs of the whole batch.
package struct PairwiseTokensLoss: DifferentiableOperation {
  let slopes: Tensor  // [M] ∂L/∂rewards

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    inputs.add(slopes: slopes, scaledBy: outputGradient)
  }

  package static let gradientChecks = [
    GradientCheck("pairwise loss at every token", inputs: [[11]]) {
      $0.pairwiseTokensLoss(
        $1[0],
        pairs: [
          TokenPair(chosen: 4, rejected: 2, firstDifference: 1),
          TokenPair(chosen: 2, rejected: 3, firstDifference: 0),
        ], margins: [0, 0.5], probabilities: [1, 0.7], centering: 0.1, weight: 0.5)
    }
  ]
}

extension Tape {
  /// The loss of ``PairwiseTokensLoss``, a scalar.
  ///
  /// - Parameters:
  ///   - probabilities: p of every pair; nil where every choice is taken as right.
  ///   - choices: P, with how often judges slip.
  package func pairwiseTokensLoss(
    _ rewards: Variable, pairs: [TokenPair], margins: [Double], probabilities: [Double]? = nil,
    choices: ChoiceProbability = ChoiceProbability(), centering: Double, weight: Double
  ) -> Variable {
    let tokens = pairs.reduce(0) { $0 + $1.chosen + $1.rejected }
    precondition(
      rewards.value.shape == [tokens] && margins.count == pairs.count
        && (probabilities?.count ?? pairs.count) == pairs.count
        && pairs.allSatisfy { !$0.positions.isEmpty && min($0.chosen, $0.rejected) > 0 },
      "pairwise loss at every token: rewards of \(rewards.value.shape) for \(tokens) tokens")
    let values = rewards.value.values.map(Double.init)
    var loss = LinearizedLoss(rewards: values.count)
    var start = 0
    for (index, pair) in pairs.enumerated() {
      let share = weight / Double(pair.positions.count)
      for position in pair.positions {
        let chosen = start + min(position, pair.chosen - 1)
        let rejected = start + pair.chosen + min(position, pair.rejected - 1)
        let term = PairTerm(
          chosen: values[chosen], rejected: values[rejected], margin: margins[index],
          probability: probabilities?[index] ?? 1, choices: choices, centering: centering)
        loss.add(share * term.loss)
        loss.add(share * term.chosenSlope, at: chosen)
        loss.add(share * term.rejectedSlope, at: rejected)
      }
      start += pair.chosen + pair.rejected
    }
    return record(PairwiseTokensLoss(slopes: loss.tensor), inputs: [rewards], output: loss.scalar)
  }
}
