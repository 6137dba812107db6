import Settings

/// What a reward model is trained to do with the rewards of one prompt's responses.
package enum RewardObjective: String, Sendable, CaseIterable, SettingValue {
  /// Bradley–Terry on pairs; a ranking becomes all its pairs, shuffled among the others.
  case pairwise
  /// Bradley–Terry at every token from the first difference on.
  case pairwiseTokens = "pairwise-tokens"
  /// All pairs of a ranking as one element of the batch.
  case groupedPairs = "grouped-pairs"
  /// The likelihood of the whole order.
  case plackettLuce = "plackett-luce"
  /// The best of each ranking against all others.
  case bestOfK = "best-of-k"
  /// Squared distance from ratings.
  case regression

  /// Whether the loss is a sum over pairs with a σ each, where labels can be smoothed.
  var isSumOfPairs: Bool {
    switch self {
    case .pairwise, .pairwiseTokens, .groupedPairs: true
    case .plackettLuce, .bestOfK, .regression: false
    }
  }

  /// Whether it knows pairs only, where a row can say how sure its judgement is.
  var isForPairs: Bool { self == .pairwise || self == .pairwiseTokens }
}
