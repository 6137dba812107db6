package import Formats

/// Rows that do not go with the settings of the reward model.
package struct RewardModelingError: EndingError, Sendable, CustomStringConvertible {
  /// The key to change, such as `reward.objective`.
  package let key: String
  package let problem: String
  package let advice: String

  package var exitStatus: ExitStatus { .badData }

  package var description: String { "\(key): \(problem); \(advice)" }
}

extension RewardConfiguration {
  /// The elements of a batch that these rows make under the objective: with `pairwise`, a ranking
  /// becomes all its pairs.
  ///
  /// - Throws: ``RewardModelingError`` when rows lack what the objective needs or say what it would
  ///   not use.
  package func elements<Rows>(of rows: Rows) throws(RewardModelingError) -> RewardElements<Rows> {
    func refuse(
      _ key: String, _ isRefused: (RankedResponses) -> Bool, _ problem: String, _ advice: String
    ) throws(RewardModelingError) {
      let count = rows.count(where: isRefused)
      guard count > 0 else { return }
      throw RewardModelingError(
        key: "reward.\(key)", problem: "\(count) of \(rows.count) training rows \(problem)",
        advice: advice)
    }
    let name = objective.rawValue
    if objective == .regression {
      try refuse(
        "objective", { $0.ratings?.count != $0.responses.count },
        "have no ratings, and `regression` learns nothing else",
        "give rows ratings (or `chosen_gold` and `rejected_gold`), or choose `pairwise`")
    } else {
      try refuse(
        "objective", { $0.responses.count < 2 }, "have one response, and `\(name)` compares",
        "give rows at least two, or choose `regression`")
    }
    if objective == .pairwiseTokens {
      try refuse(
        "objective", { $0.responses.count > 2 },
        "are rankings, and `pairwise-tokens` holds two responses against each other",
        "choose `pairwise`, which takes all pairs of a ranking, or an objective for rankings")
    }
    if softLabels {
      try refuse(
        "soft_labels", { $0.probability == nil }, "do not say how sure their choice is",
        "give every row a `chosen_probability`, or set `reward.soft_labels` to false")
    }
    if !objective.isSumOfPairs {
      try refuse(
        "objective", { $0.margin != 0 }, "have a margin, which `\(name)` cannot keep",
        "choose `pairwise`, or leave `margin` out of the rows")
    }
    return RewardElements(of: rows, takesPairs: objective == .pairwise)
  }
}
