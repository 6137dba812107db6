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
    _ rows: [PreferenceRow], positions: Int, purpose: String
  ) throws -> [RankedResponses] {
    var (long, promptless, alike) = (0, 0, 0)
    var usable: [RankedResponses] = []
    for (index, row) in rows.enumerated() {
      let element = rankedResponses(row, index: index)
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
    if usable.count < rows.count {
      observer.note(
        "\(rows.count - usable.count) of \(rows.count) \(purpose) comparisons are left out: "
          + "\(long) longer than the model's \(positions) positions, \(promptless) without a "
          + "prompt, \(alike) with responses alike in tokens")
    }
    guard !usable.isEmpty else {
      throw LoopError.empty(file: "\(purpose) comparisons", what: "row")
    }
    return usable
  }

  /// Makes sure of what `tokenize(_:positions:purpose:)` demands, without keeping any tokens.
  func requireUsable(
    _ rows: [PreferenceRow], positions: Int, purpose: String
  ) throws(LoopError) {
    let hasUsable = rows.enumerated().contains { index, row in
      let element = rankedResponses(row, index: index)
      return !element.prompt.isEmpty && Set(element.responses).count == element.responses.count
        && element.exchanges.allSatisfy { $0.count <= positions }
    }
    guard hasUsable else { throw .empty(file: "\(purpose) comparisons", what: "row") }
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
      element.probability = row.probability
      element.ratings = ratings(of: row, index: index)
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
