package import Statistics

/// How often a person judges as the simulated annotators do, and as gold does.
package struct LabelAgreement: Codable, Sendable, Equatable {
  /// Pairs with a choice.
  package var judged: Int
  package var ties: Int
  package var skipped: Int
  /// With the annotator who was drawn for each pair.
  package var annotators: Proportion
  /// Two annotators drawn for the same pair would agree this often: Σ p² + (1 − p)², over the pairs.
  package var annotatorsAmongThemselves: Double
  /// With gold, where the answers differ in it.
  package var gold: Proportion
  /// The annotators' own agreement with gold on those pairs.
  package var annotatorsWithGold: Proportion
  /// How often the left answer was chosen: far from a half is a habit, for sides are drawn by lot.
  package var left: Proportion

  /// `nil` when nothing was judged.
  package init?(_ answers: [LabelledPair]) {
    let judged = answers.filter { $0.answer == .left || $0.answer == .right }
    guard !judged.isEmpty else { return nil }
    func share(of pairs: [LabelledPair], _ isCounted: (LabelledPair) -> Bool) -> Proportion {
      Proportion(successes: Double(pairs.count(where: isCounted)), of: pairs.count)
    }
    self.judged = judged.count
    ties = answers.count { $0.answer == .tie }
    skipped = answers.count { $0.answer == .skip }
    annotators = share(of: judged) { ($0.answer == .left) == $0.pair.annotatorChoseLeft }
    annotatorsAmongThemselves =
      judged.reduce(0) { sum, answer in
        let p = answer.pair.leftProbability
        return sum + p * p + (1 - p) * (1 - p)
      } / Double(judged.count)
    let different = judged.filter { $0.pair.leftGold != $0.pair.rightGold }
    gold = share(of: different) {
      ($0.answer == .left) == ($0.pair.leftGold > $0.pair.rightGold)
    }
    annotatorsWithGold = share(of: different) {
      $0.pair.annotatorChoseLeft == ($0.pair.leftGold > $0.pair.rightGold)
    }
    left = share(of: judged) { $0.answer == .left }
  }

  private enum CodingKeys: String, CodingKey {
    case judged, ties, skipped, annotators, gold, left
    case annotatorsAmongThemselves = "annotators_among_themselves"
    case annotatorsWithGold = "annotators_with_gold"
  }
}
