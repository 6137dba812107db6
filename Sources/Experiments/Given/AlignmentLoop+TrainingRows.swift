import LanguageModels
import Numerics
import Preferences
import RLHF
import Statistics

extension AlignmentLoop {
  /// Preference rows in tokens, every response with its end; rows that the model cannot hold or
  /// learn from are left out and counted aloud, by kind.
  ///
  /// - Throws: ``LoopError/empty(file:what:)`` when no row is left.
  func tokenize(
    _ rows: some RowStream<PreferenceRow>, positions: Int, purpose: String
  ) throws -> TokenizedRows {
    var tally = RowTally("\(purpose) rows", positions: positions, tokenizer: tokenizer)
    var usable = TokenizedRows()
    try rows.forEachRow { row in
      let element = rankedResponses(row, index: tally.count)
      if tally.add(element, of: [row.prompt] + row.responses) { usable.append(element) }
    }
    tally.notes.forEach(observer.note)
    try tally.requireUsable()
    return usable
  }

  /// Makes sure of what `tokenize(_:positions:purpose:)` demands, up to the first usable row.
  func requireUsable(
    _ rows: some RowStream<PreferenceRow>, positions: Int, purpose: String
  ) throws {
    var tally = RowTally("\(purpose) rows", positions: positions, tokenizer: tokenizer)
    try rows.forRows { row in
      !tally.add(rankedResponses(row, index: 0), of: [])
    }
    try tally.requireUsable()
  }

  private func rankedResponses(_ row: PreferenceRow, index: Int) -> RankedResponses {
    switch row {
    case .ranking(let row):
      return RankedResponses(
        prompt: row.prompt, bestFirst: row.ranking.map { row.responses[$0] },
        tokenizer: tokenizer)
    case .rating(let row):
      return RankedResponses(row, tokenizer: tokenizer)
    case .comparison(let row):
      var element = RankedResponses(row, tokenizer: tokenizer)
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

extension RankedResponses {
  /// Texts in tokens, every response with its end.
  fileprivate init(prompt: String, bestFirst responses: [String], tokenizer: Tokenizer) {
    let specialTokens = tokenizer.specialTokens
    self.init(
      prompt: tokenizer.encodePrompt(prompt),
      responses: responses.map { specialTokens.ended(tokenizer.encode($0)) })
  }

  init(_ row: Comparison, tokenizer: Tokenizer) {
    self.init(prompt: row.prompt, bestFirst: [row.chosen, row.rejected], tokenizer: tokenizer)
    margin = row.margin ?? 0
  }

  init(_ row: Rating, tokenizer: Tokenizer) {
    self.init(prompt: row.prompt, bestFirst: [row.response], tokenizer: tokenizer)
    ratings = [row.rating]
  }
}
