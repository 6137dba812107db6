package import LanguageModels

/// A comparison in tokens; both responses as ``RewardModel/ended(_:)`` makes them.
package struct TokenizedComparison: Sendable, Equatable {
  package var prompt: [Int32]
  package var chosen: [Int32]
  package var rejected: [Int32]
  /// m of the loss: by how much the chosen reward should be above the other.
  package var margin: Double

  package init(prompt: [Int32], chosen: [Int32], rejected: [Int32], margin: Double = 0) {
    self.prompt = prompt
    self.chosen = chosen
    self.rejected = rejected
    self.margin = margin
  }

  /// - Parameter pair: of two responses.
  package init(_ pair: RankedResponses) {
    precondition(pair.responses.count == 2, "a comparison has two responses")
    self.init(
      prompt: pair.prompt, chosen: pair.responses[0], rejected: pair.responses[1],
      margin: pair.margin)
  }

  /// Chosen, then rejected; neighbours, so that their prompt is computed once.
  package var exchanges: [Exchange] {
    [Exchange(prompt: prompt, response: chosen), Exchange(prompt: prompt, response: rejected)]
  }

  package var count: Int { prompt.count + chosen.count + rejected.count }
}
