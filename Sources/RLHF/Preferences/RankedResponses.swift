package import LanguageModels

/// What one prompt teaches a reward model: its responses in tokens, from the best to the worst, each
/// as ``RewardModel/ended(_:)`` makes it. Two make a pair; one alone teaches only by its rating.
package struct RankedResponses: Sendable, Equatable {
  package var prompt: [Int32]
  package var responses: [[Int32]]
  /// m of the loss of a pair: by how much the better reward should be above the other.
  package var margin = 0.0
  /// p of a soft label: the probability that the first response of a pair is the better one.
  package var probability: Double?
  /// One rating per response, in the units that rewards shall have.
  package var ratings: [Double]?

  package init(prompt: [Int32], responses: [[Int32]]) {
    self.prompt = prompt
    self.responses = responses
  }

  package init(_ comparison: TokenizedComparison) {
    self.init(prompt: comparison.prompt, responses: [comparison.chosen, comparison.rejected])
    margin = comparison.margin
  }

  /// Best to worst; neighbours, so that their prompt is computed once.
  package var exchanges: [Exchange] {
    responses.map { Exchange(prompt: prompt, response: $0) }
  }

  package var count: Int { responses.reduce(prompt.count) { $0 + $1.count } }

  /// C(K, 2), the number of pairs in the ranking.
  package var pairCount: Int { responses.count * (responses.count - 1) / 2 }
}
