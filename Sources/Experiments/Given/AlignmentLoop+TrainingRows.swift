package import LanguageModels
import Numerics
import Preferences
import RLHF
import Statistics

extension AlignmentLoop {
  /// Preference rows in tokens, every response with its end; rows that the model cannot hold or
  /// learn from are left out and counted aloud, by kind.
  ///
  /// Ratings and labels of single responses make pairs, unless the objective learns them themselves.
  ///
  /// - Parameters:
  ///   - objective: what they are for, which decides what of a row matters; nil for that of
  ///     `reward.objective`.
  ///   - limit: usable rows after which the others are not looked at.
  /// - Throws: ``LoopError/empty(file:what:)`` when no row is left.
  func tokenize(
    _ rows: some RowStream<PreferenceRow>, for objective: RewardObjective? = nil,
    upTo limit: Int? = nil, positions: Int, purpose: String
  ) throws -> TokenizedRows {
    var tally = RowTally("\(purpose) rows", positions: positions, tokenizer: tokenizer)
    var usable = TokenizedRows()
    var pairs = RatingPairs()
    try rows.forRows { row in
      for element in rankedResponses(row, for: objective, index: tally.count, &pairs) {
        if tally.add(element, of: [row.prompt] + row.responses) { usable.append(element) }
      }
      return usable.count < limit ?? .max
    }
    tally.unpaired = pairs.unpaired
    tally.notes.forEach(observer.note)
    try tally.requireUsable()
    return usable
  }

  /// Makes sure of what `tokenize(_:positions:purpose:)` demands, up to the first usable row.
  func requireUsable(
    _ rows: some RowStream<PreferenceRow>, for objective: RewardObjective? = nil, positions: Int,
    purpose: String
  ) throws {
    var tally = RowTally("\(purpose) rows", positions: positions, tokenizer: tokenizer)
    var pairs = RatingPairs()
    var isUsable = false
    try rows.forRows { row in
      for element in rankedResponses(row, for: objective, index: 0, &pairs)
      where tally.add(element, of: []) {
        isUsable = true
      }
      return !isUsable
    }
    tally.unpaired = pairs.unpaired
    try tally.requireUsable()
  }

  /// What a row teaches: nothing yet where it is a rating that waits for another of its prompt.
  func rankedResponses(
    _ row: PreferenceRow, for objective: RewardObjective? = nil, index: Int,
    _ pairs: inout RatingPairs
  ) -> [RankedResponses] {
    let objective = objective ?? scenario.reward.objective
    let learnsRatings = objective.isAbsolute
    switch row {
    case .steps(let row):
      return [
        RankedResponses(row, separator: scenario.reward.stepSeparator, tokenizer: tokenizer)
      ]
    case .ranking(let row):
      if learnsRatings, row.ratings != nil { return [RankedResponses(row, tokenizer: tokenizer)] }
      let responses = row.responses.count
      guard row.pairs.count < responses * (responses - 1) / 2 else {
        var element = RankedResponses(row, tokenizer: tokenizer)
        element.ratings = nil
        return [element]
      }
      // Ties make no order of all of them.
      return row.comparisons.map { RankedResponses($0, tokenizer: tokenizer) }
    case .rating(let row):
      if learnsRatings { return [RankedResponses(row, tokenizer: tokenizer)] }
      return pairs.add(row).map { [RankedResponses($0, tokenizer: tokenizer)] } ?? []
    case .comparison(let row):
      var element = RankedResponses(row, tokenizer: tokenizer)
      // What the objective does not look at is not kept, for there may be a million rows.
      if scenario.reward.softLabels { element.probability = row.probability }
      if objective == .regression {
        element.ratings = row.scores ?? ratings(of: row, index: index)
      } else if row.margin == nil, let scores = row.scores, objective.isSumOfPairs {
        element.margin = scores[0] - scores[1]
      }
      return [element]
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
  private init(
    prompt: String, bestFirst responses: [String], isRendered: Bool, tokenizer: Tokenizer
  ) {
    self.init(
      prompt: tokenizer.encode(prompt: prompt, isRendered: isRendered),
      responses: responses.map { tokenizer.ended(tokenizer.encode($0)) })
  }

  init(_ row: Comparison, tokenizer: Tokenizer) {
    self.init(
      prompt: row.prompt, bestFirst: [row.chosen, row.rejected], isRendered: row.isRendered,
      tokenizer: tokenizer)
    margin = row.margin ?? 0
  }

  init(_ row: Rating, tokenizer: Tokenizer) {
    self.init(
      prompt: row.prompt, bestFirst: [row.response], isRendered: row.isRendered,
      tokenizer: tokenizer)
    ratings = [row.rating]
  }

  init(_ row: StepLabels, separator: String, tokenizer: Tokenizer) {
    self.init(
      prompt: row.prompt, steps: row.steps, separator: separator, tokenizer: tokenizer)
    ratings = row.labels.map { $0 ? 1 : 0 }
  }

  /// A response of steps, and where they end.
  ///
  /// - Parameter separator: text behind every step but the last, which ends as a response does.
  init(prompt: String, steps: [String], separator: String, tokenizer: Tokenizer) {
    let separator = tokenizer.encode(separator)
    var response: [Int32] = []
    var ends: [Int] = []
    for step in steps.dropLast() {
      response += tokenizer.encode(step) + separator
      ends.append(max(0, response.count - 1))
    }
    response = tokenizer.ended(response + tokenizer.encode(steps.last ?? ""))
    self.init(prompt: tokenizer.encode(prompt: prompt, isRendered: false), responses: [response])
    stepEnds = ends + [response.count - 1]
  }

  fileprivate init(_ row: Ranking, tokenizer: Tokenizer) {
    self.init(
      prompt: row.prompt, bestFirst: row.ranking.map { row.responses[$0] },
      isRendered: row.isRendered, tokenizer: tokenizer)
    ratings = row.ratings.map { ratings in row.ranking.map { ratings[$0] } }
  }
}

extension Tokenizer {
  /// The ids of a row's prompt: with what the post-processor puts before a text, or as it stands where
  /// a chat template wrote it, which writes its own special tokens.
  package func encode(prompt: String, isRendered: Bool) -> [Int32] {
    isRendered ? encode(prompt) : encodePrompt(prompt)
  }

  /// A response with its end, which is put behind it unless it is there already, white space aside:
  /// many chat templates write a newline behind the end of a message.
  package func ended(_ response: [Int32]) -> [Int32] {
    var end = response.endIndex
    while end > 0, response[end - 1] != endOfSequence {
      let text = decode([response[end - 1]][...], skippingSpecialTokens: false)
      guard !text.isEmpty, text.allSatisfy(\.isWhitespace) else { break }
      end -= 1
    }
    return end > 0 && response[end - 1] == endOfSequence ? response : response + [endOfSequence]
  }
}
