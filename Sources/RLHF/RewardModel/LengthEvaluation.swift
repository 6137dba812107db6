package import Statistics

/// What rewards and judgements make of length.
package struct LengthEvaluation: Sendable, Equatable {
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

  init(_ comparisons: some RandomAccessCollection<TokenizedComparison>, rewards: [Double]) {
    correlation = Statistics.correlation(
      rewards, comparisons.flatMap { [Double($0.chosen.count), Double($0.rejected.count)] })
    let differences = comparisons.map { $0.chosen.count - $0.rejected.count }
    let margins = differences.indices.map { rewards[2 * $0] - rewards[2 * $0 + 1] }
    let unequal = differences.indices.filter { differences[$0] != 0 }
    longerChosen = RewardEvaluation.share(ofPositive: unequal.map { Double(differences[$0]) })
    longerPreferred = RewardEvaluation.share(
      ofPositive: unequal.map { differences[$0] > 0 ? margins[$0] : -margins[$0] })
    balancedAccuracy = RewardEvaluation.share(
      ofPositive: Self.balanced(differences).map { margins[$0] })
  }

  /// The pairs to keep, in order, given by how much the chosen response of each is longer.
  static func balanced(_ differences: [Int]) -> [Int] {
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
