import Numerics
package import Statistics

/// What the world or the data say of a comparison beside its judgement; nil where they say nothing.
package struct PairGold: Sendable, Equatable {
  /// The probability of this choice, by the model of the annotator.
  package var probability: Double?
  /// The gold reward of the chosen response.
  package var chosen: Double?
  /// The gold reward of the rejected response.
  package var rejected: Double?

  package init(probability: Double? = nil, chosen: Double? = nil, rejected: Double? = nil) {
    (self.probability, self.chosen, self.rejected) = (probability, chosen, rejected)
  }
}

/// How well rewards agree with held-out judgements.
package struct RewardEvaluation: Sendable, Equatable {
  /// Share of pairs whose chosen response has the higher reward; a tie counts as half.
  package let accuracy: Proportion
  /// Mean −log P(Δ); P is σ, or ``ChoiceProbability`` with label noise.
  package let loss: Double
  /// P(Δ) against how often that side was chosen, each pair seen from a side that the judgement
  /// does not choose.
  package let reliability: ReliabilityCurve
  /// Mean Δ = r_chosen − r_rejected.
  package let meanMargin: Double
  /// Δ of all pairs; those below 0 are ranked against the judgement.
  package let margins: Histogram
  /// What the rewards make of length.
  package let length: LengthEvaluation
  /// The Bayes ceiling of accuracy: mean max(p, 1 − p); nil unless every pair says p.
  package let ceiling: Double?
  /// Agreement with the gold reward; nil unless every pair says it.
  package let gold: GoldEvaluation?
  /// Accuracy from the hardest pairs to the easiest; empty when nothing says how hard they are.
  package let difficulty: [DifficultyBin]

  /// Expected calibration error of P(Δ).
  package var calibrationError: Double { reliability.expectedError }
  /// Correlation of a response's reward with its length in tokens.
  package var lengthCorrelation: Double { length.correlation }

  /// - Parameters:
  ///   - comparisons: held-out pairs.
  ///   - rewards: chosen and rejected of pair 0, of pair 1, …
  ///   - golds: one for every pair, or none.
  ///   - choices: P, as the rewards were trained.
  package init(
    _ comparisons: some RandomAccessCollection<RankedResponses>, rewards: [Double],
    golds: [PairGold] = [], choices: ChoiceProbability = ChoiceProbability()
  ) {
    precondition(rewards.count == 2 * comparisons.count, "two rewards per comparison")
    precondition(golds.isEmpty || golds.count == comparisons.count, "one gold per comparison")
    let margins = (0..<comparisons.count).map { rewards[2 * $0] - rewards[2 * $0 + 1] }
    accuracy = Proportion(ofPositive: margins)
    loss = Summary(margins.map { choices.negativeLogLikelihood(Dual($0)).value }).mean
    meanMargin = Summary(margins).mean
    self.margins = Histogram(margins)
    // Always predicting "chosen" would hide miscalibration: every outcome would be true. So every
    // other pair is turned round.
    let turned = margins.enumerated().map { $0.offset.isMultiple(of: 2) ? $0.element : -$0.element }
    reliability = ReliabilityCurve(
      turned.map { choices($0) }, margins.indices.map { $0.isMultiple(of: 2) })
    length = LengthEvaluation(
      lengths: comparisons.flatMap { [$0.chosen.count, $0.rejected.count] }, rewards: rewards)

    let probabilities = golds.compactMap(\.probability)
    let ceilings =
      probabilities.count == margins.count && !margins.isEmpty
      ? probabilities.map { max($0, 1 - $0) } : nil
    ceiling = ceilings.map { Summary($0).mean }
    let values = golds.flatMap { [$0.chosen, $0.rejected].compactMap(\.self) }
    gold =
      values.count == rewards.count && !rewards.isEmpty
      ? GoldEvaluation(rewards: rewards, gold: values) : nil
    difficulty = DifficultyBin.bins(margins, goldMargins: gold?.margins, ceilings: ceilings)
  }
}

/// How rewards follow the gold reward.
package struct GoldEvaluation: Sendable, Equatable {
  /// Pearson's correlation over all responses.
  package let correlation: Double
  /// Spearman's correlation over all responses.
  package let rankCorrelation: Double
  /// Share of the pairs of different gold that the rewards order as gold does: accuracy without the
  /// annotators' noise. A tie of rewards counts as half.
  package let agreement: Proportion
  /// Gold of the chosen response minus gold of the other.
  let margins: [Double]

  init(rewards: [Double], gold: [Double]) {
    correlation = Statistics.correlation(rewards, gold)
    rankCorrelation = Statistics.rankCorrelation(rewards, gold)
    let margins = stride(from: 0, to: gold.count, by: 2).map { gold[$0] - gold[$0 + 1] }
    agreement = Proportion(
      ofPositive: margins.indices.filter { margins[$0] != 0 }.map { pair in
        let margin = rewards[2 * pair] - rewards[2 * pair + 1]
        return margins[pair] > 0 ? margin : -margin
      })
    self.margins = margins
  }
}
