/// How rewards and judgements depend on length.
package struct LengthEvaluation: Codable, Sendable, Equatable {
  /// Correlation of a response's reward with its length in tokens.
  package let correlation: Double
  /// The same of gold; nil where it is not known.
  package var goldCorrelation: Double?
  /// Share of the pairs of unequal length in which the judgement chose the longer.
  package let longerChosen: Proportion
  /// Share of the same pairs in which the longer has the higher reward; a tie counts as half.
  package let longerPreferred: Proportion
  /// Accuracy on pairs among which length says nothing.
  ///
  /// All pairs of equal length count, and of those whose lengths differ by d tokens as many in
  /// which the longer was chosen as in which the shorter was, the first of each. Pairs of
  /// equal length alone would be few, and the longest texts least of all; matched by d, a reward
  /// that only counts tokens is right on exactly half of the pairs.
  package let balancedAccuracy: Proportion
  /// Some responses to draw: tokens and normalized reward of each.
  package var sampleLengths: [Int] = []
  package var sampleScores: [Double] = []

  /// By how much the correlation is above 0, and above that of gold where it is known.
  package var excess: Double { min(correlation, correlation - (goldCorrelation ?? 0)) }
  /// By how much it is below 0, and below that of gold.
  package var shortfall: Double { min(-correlation, (goldCorrelation ?? 0) - correlation) }

  private enum CodingKeys: String, CodingKey {
    case correlation
    case goldCorrelation = "gold_correlation"
    case longerChosen = "longer_chosen"
    case longerPreferred = "longer_preferred"
    case balancedAccuracy = "balanced_accuracy"
    case sampleLengths = "sample_lengths"
    case sampleScores = "sample_scores"
  }
}

extension LengthEvaluation {
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

  /// The pairs that count, in order, given by how much the chosen response of each is longer.
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
  /// What a perfect reward model would have measured.
  package let goldChange: MeanInterval?
  /// Responses that were changed.
  package let count: Int

  /// `swapped prompt`
  package var title: String { name.replacing("_", with: " ") }

  package init(name: String, change: MeanInterval, goldChange: MeanInterval?, count: Int) {
    (self.name, self.change, self.goldChange, self.count) = (name, change, goldChange, count)
  }

  private enum CodingKeys: String, CodingKey {
    case name, change
    case goldChange = "gold_change"
    case count = "n"
  }
}

/// How the order of responses by reward agrees with orders that somebody gave.
package struct RankingAgreement: Sendable, Equatable {
  private var rightPairs = 0.0
  private var pairCount = 0
  private var rightTops = 0.0
  /// Rows that say of two responses or more which is better.
  package private(set) var count = 0

  package init() {}

  /// Indices of the responses, that of the highest reward first; equal rewards stay in their order.
  package static func order(of rewards: [Double]) -> [Int] {
    rewards.indices.sorted { (rewards[$1], $0) < (rewards[$0], $1) }
  }

  /// Takes note of one row; equal rewards count as if they were ordered by lot.
  ///
  /// - Parameter ranking: indices of the responses as somebody ordered them, the best first.
  package mutating func add(rewards: [Double], ranking: [Int]) {
    precondition(rewards.count == ranking.count, "an order names every response once")
    var ratings = [Double](repeating: 0, count: ranking.count)
    for (place, index) in ranking.enumerated() { ratings[index] = -Double(place) }
    add(rewards: rewards, ratings: ratings)
  }

  /// The same of ratings, more for better; equal ones say nothing of each other.
  package mutating func add(rewards: [Double], ratings: [Double]) {
    precondition(rewards.count == ratings.count, "ratings are of every response")
    guard let best = ratings.max(), let highest = rewards.max(), Set(ratings).count > 1 else {
      return
    }
    for first in ratings.indices {
      for second in ratings.indices where ratings[first] > ratings[second] {
        let margin = rewards[first] - rewards[second]
        rightPairs += margin > 0 ? 1 : margin == 0 ? 0.5 : 0
        pairCount += 1
      }
    }
    let leaders = ratings.indices.filter { rewards[$0] == highest }
    rightTops += Double(leaders.count { ratings[$0] == best }) / Double(leaders.count)
    count += 1
  }

  /// Share of the pairs of responses that the rewards order as given. Pairs of one row hang
  /// together, so with many responses to a row the interval is too narrow.
  package var pairs: Proportion { Proportion(successes: rightPairs, of: pairCount) }

  /// Share of the rows whose best response by reward is the one that was given as the best.
  package var top: Proportion { Proportion(successes: rightTops, of: count) }
}

/// How well rewards agree with held-out labels of single responses, or of steps.
package struct LabelEvaluation: Codable, Sendable, Equatable {
  /// Share of labels whose reward is on their side of 0; 0 itself counts as half.
  package let accuracy: Proportion
  /// The probability that what is labelled true has a higher reward than what is labelled false, of
  /// whatever prompts, ties half; nil where all labels are alike.
  package let areaUnderCurve: Double?
  /// Mean −log P(±r) of the labels; P is σ without label noise.
  package let loss: Double

  /// - Parameters:
  ///   - labels: one for each reward.
  ///   - negativeLogLikelihood: −log P.
  package init(
    rewards: [Double], labels: [Bool],
    negativeLogLikelihood: (Double) -> Double = { softplus(-$0) }
  ) {
    let margins = zip(rewards, labels).map { $1 ? $0 : -$0 }
    accuracy = Proportion(ofPositive: margins)
    areaUnderCurve = Statistics.areaUnderCurve(rewards, labels)
    loss = Summary(margins.map(negativeLogLikelihood)).mean
  }

  private enum CodingKeys: String, CodingKey {
    case accuracy, loss
    case areaUnderCurve = "auc"
  }
}
