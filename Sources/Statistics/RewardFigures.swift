/// What rewards and judgements make of length.
package struct LengthEvaluation: Codable, Sendable, Equatable {
  /// Correlation of a response's reward with its length in tokens.
  package let correlation: Double
  /// Share of the pairs of unequal length in which the judgement chose the longer.
  package let longerChosen: Proportion
  /// Share of the same pairs in which the longer has the higher reward; a tie counts as half.
  package let longerPreferred: Proportion
  /// Accuracy on pairs among which length says nothing.
  ///
  /// All pairs of equal length are kept, and of those whose lengths differ by d tokens as many in
  /// which the longer was chosen as in which the shorter was, the first of each. To keep pairs of
  /// equal length alone would leave few, and the longest texts least of all; matched by d, a reward
  /// that only counts tokens is right on exactly half of the pairs.
  package let balancedAccuracy: Proportion
  /// Some responses to draw: tokens and normalized reward of each.
  package var sampleLengths: [Int] = []
  package var sampleScores: [Double] = []

  /// - Parameters:
  ///   - lengths: tokens of the chosen and the rejected response of pair 0, of pair 1, …
  ///   - rewards: of the same responses.
  package init(lengths: [Int], rewards: [Double]) {
    correlation = Statistics.correlation(rewards, lengths.map(Double.init))
    let pairs = 0..<lengths.count / 2
    let differences = pairs.map { lengths[2 * $0] - lengths[2 * $0 + 1] }
    let margins = pairs.map { rewards[2 * $0] - rewards[2 * $0 + 1] }
    let unequal = pairs.filter { differences[$0] != 0 }
    longerChosen = Proportion(ofPositive: unequal.map { Double(differences[$0]) })
    longerPreferred = Proportion(
      ofPositive: unequal.map { differences[$0] > 0 ? margins[$0] : -margins[$0] })
    balancedAccuracy = Proportion(ofPositive: Self.balanced(differences).map { margins[$0] })
  }

  package init(
    correlation: Double, longerChosen: Proportion, longerPreferred: Proportion,
    balancedAccuracy: Proportion, sampleLengths: [Int], sampleScores: [Double]
  ) {
    self.correlation = correlation
    self.longerChosen = longerChosen
    self.longerPreferred = longerPreferred
    self.balancedAccuracy = balancedAccuracy
    self.sampleLengths = sampleLengths
    self.sampleScores = sampleScores
  }

  /// The pairs to keep, in order, given by how much the chosen response of each is longer.
  private static func balanced(_ differences: [Int]) -> [Int] {
    var available: [Int: Int] = [:]
    for difference in differences { available[difference, default: 0] += 1 }
    var taken: [Int: Int] = [:]
    return differences.indices.filter { index in
      let difference = differences[index]
      if difference == 0 { return true }
      taken[difference, default: 0] += 1
      return taken[difference, default: 0] <= available[-difference, default: 0]
    }
  }

  private enum CodingKeys: String, CodingKey {
    case correlation
    case longerChosen = "longer_chosen"
    case longerPreferred = "longer_preferred"
    case balancedAccuracy = "balanced_accuracy"
    case sampleLengths = "sample_lengths"
    case sampleScores = "sample_scores"
  }
}

/// Accuracy on pairs that are about equally hard to judge.
package struct DifficultyBin: Codable, Sendable, Equatable {
  /// How easy a pair is.
  package enum Measure: String, Codable, Sendable {
    /// |gold of one − gold of the other|
    case goldDifference = "gold_difference"
    /// max(p, 1 − p) of an ideal predictor.
    case certainty
  }

  package let measure: Measure
  /// The least and the greatest ease in the bin.
  package let low: Double
  package let high: Double
  /// Mean ease.
  package let mean: Double
  package let accuracy: Proportion
  /// Mean max(p, 1 − p) of these pairs; nil when it is not known.
  package let ceiling: Double?

  package init(
    measure: Measure, low: Double, high: Double, mean: Double, accuracy: Proportion,
    ceiling: Double?
  ) {
    (self.measure, self.low, self.high, self.mean) = (measure, low, high, mean)
    (self.accuracy, self.ceiling) = (accuracy, ceiling)
  }

  /// Five bins of about as many pairs each, hardest first; equal ease is never cut in two.
  ///
  /// - Parameters:
  ///   - margins: reward of the chosen response minus reward of the other.
  ///   - goldMargins: the same of gold, which says how easy a pair is where it is known.
  ///   - ceilings: max(p, 1 − p), which says it elsewhere; with neither there are no bins.
  package static func bins(
    _ margins: [Double], goldMargins: [Double]?, ceilings: [Double]?, count: Int = 5
  ) -> [DifficultyBin] {
    guard let ease = goldMargins.map({ $0.map(abs) }) ?? ceilings else { return [] }
    let order = ease.indices.sorted { (ease[$0], $0) < (ease[$1], $1) }
    var bins: [DifficultyBin] = []
    var start = 0
    for bin in 1...count {
      var end = order.count * bin / count
      guard end > start else { continue }
      while end < order.count, ease[order[end]] == ease[order[end - 1]] { end += 1 }
      let members = order[start..<end]
      bins.append(
        DifficultyBin(
          measure: goldMargins == nil ? .certainty : .goldDifference, low: ease[order[start]],
          high: ease[order[end - 1]], mean: Summary(members.map { ease[$0] }).mean,
          accuracy: Proportion(ofPositive: members.map { margins[$0] }),
          ceiling: ceilings.map { ceilings in Summary(members.map { ceilings[$0] }).mean }))
      start = end
    }
    return bins
  }
}

/// What a change to responses did to their rewards.
package struct ProbeResult: Codable, Sendable, Equatable {
  /// `filler`, `repetition`, `truncation` or `swapped_prompt`.
  package let name: String
  /// Of the normalized reward: in standard deviations of the rewards of the reference policy.
  package let change: MeanInterval
  /// Of gold, in standard deviations of it over the same responses; nil where no world knows it.
  /// What the reward model should have seen.
  package let goldChange: MeanInterval?
  /// Responses that were changed.
  package let count: Int

  package init(name: String, change: MeanInterval, goldChange: MeanInterval?, count: Int) {
    (self.name, self.change, self.goldChange, self.count) = (name, change, goldChange, count)
  }

  private enum CodingKeys: String, CodingKey {
    case name, change
    case goldChange = "gold_change"
    case count = "n"
  }
}
