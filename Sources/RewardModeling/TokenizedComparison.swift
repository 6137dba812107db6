package import Transformer

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

  /// Chosen, then rejected; neighbours, so that their prompt is computed once.
  package var exchanges: [Exchange] {
    [Exchange(prompt: prompt, response: chosen), Exchange(prompt: prompt, response: rejected)]
  }

  package var count: Int { prompt.count + chosen.count + rejected.count }
}
