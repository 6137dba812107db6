import Preferences
import RewardModeling
import Tensors
import Tokenizers
import Transformer

extension AlignmentLoop {
  /// Preference rows in tokens, every response with its end; rows that the model cannot hold or
  /// learn from are left out and counted aloud, by kind.
  ///
  /// - Throws: ``LoopError/empty(file:what:)`` when no row is left.
  func tokenize(
    _ rows: some RowStream<PreferenceRow>, positions: Int, purpose: String
  ) throws -> TokenizedRows {
    var (count, long, promptless, alike) = (0, 0, 0, 0)
    var usable = TokenizedRows()
    try rows.forEachRow { row in
      let element = rankedResponses(row, index: count)
      count += 1
      if element.prompt.isEmpty {
        promptless += 1
      } else if Set(element.responses).count < element.responses.count {
        alike += 1
      } else if element.exchanges.contains(where: { $0.count > positions }) {
        long += 1
      } else {
        usable.append(element)
      }
    }
    if usable.count < count {
      observer.note(
        "\(count - usable.count) of \(count) \(purpose) comparisons are left out: "
          + "\(long) longer than the model's \(positions) positions, \(promptless) without a "
          + "prompt, \(alike) with responses alike in tokens")
    }
    guard !usable.isEmpty else {
      throw LoopError.empty(file: "\(purpose) comparisons", what: "row")
    }
    return usable
  }

  /// Makes sure of what `tokenize(_:positions:purpose:)` demands, up to the first usable row.
  func requireUsable(
    _ rows: some RowStream<PreferenceRow>, positions: Int, purpose: String
  ) throws {
    var hasUsable = false
    try rows.forRows { row in
      let element = rankedResponses(row, index: 0)
      hasUsable =
        !element.prompt.isEmpty && Set(element.responses).count == element.responses.count
        && element.exchanges.allSatisfy { $0.count <= positions }
      return !hasUsable
    }
    guard hasUsable else {
      throw LoopError.empty(file: "\(purpose) comparisons", what: "row")
    }
  }

  private func rankedResponses(_ row: PreferenceRow, index: Int) -> RankedResponses {
    func element(_ prompt: String, _ bestFirst: [String]) -> RankedResponses {
      RankedResponses(
        prompt: tokenizer.encodePrompt(prompt),
        responses: bestFirst.map { tokenizer.encode($0) + [tokenizer.endOfSequence] })
    }
    switch row {
    case .ranking(let row):
      return element(row.prompt, row.ranking.map { row.responses[$0] })
    case .rating(let row):
      var element = element(row.prompt, [row.response])
      element.ratings = [row.rating]
      return element
    case .comparison(let row):
      var element = element(row.prompt, [row.chosen, row.rejected])
      element.margin = row.margin ?? 0
      // What the objective does not look at is not kept, for there may be a million rows.
      if scenario.reward.softLabels { element.probability = row.probability }
      if scenario.reward.objective == .regression {
        element.ratings = ratings(of: row, index: index)
      }
      return element
    }
  }

  /// Ratings that an annotator might have given: the gold reward of each response, with noise.
  private func ratings(of row: Comparison, index: Int) -> [Double]? {
    guard let chosen = row.chosenGold, let rejected = row.rejectedGold else { return nil }
    var noise = generator.stream("ratings", index)
    return [chosen, rejected].map {
      $0 + scenario.preferences.ratingNoise * noise.gaussian()
    }
  }
}
