/// What rows say about two responses to one prompt: comparisons, all pairs of rankings, and, after
/// those, pairs of different ratings. Ratings of a prompt are paired in their order, each once at
/// most, so that pairs stay independent of each other.
package struct Judgements<Rows: RowStream<PreferenceRow>>: RowStream {
  private let rows: Rows
  private let pairsRatings: Bool

  /// - Parameter pairsRatings: whether ratings are paired, or left out.
  package init(of rows: Rows, pairingRatings pairsRatings: Bool = true) {
    (self.rows, self.pairsRatings) = (rows, pairsRatings)
  }

  package func forEachRow(_ body: (Comparison) throws -> Void) throws {
    var hasRatings = false
    try rows.forEachRow { row in
      if case .rating = row { hasRatings = true }
      try row.comparisons.forEach(body)
    }
    guard hasRatings, pairsRatings else { return }
    var unpaired: [String: Rating] = [:]
    try rows.forEachRow { row in
      guard case .rating(let row) = row else { return }
      guard let other = unpaired[row.prompt], other.rating != row.rating,
        other.response != row.response
      else {
        unpaired[row.prompt] = row
        return
      }
      unpaired[row.prompt] = nil
      let (better, worse) = other.rating > row.rating ? (other, row) : (row, other)
      try body(Comparison(prompt: row.prompt, chosen: better.response, rejected: worse.response))
    }
  }
}

extension Judgements: Sendable where Rows: Sendable {}

extension PreferenceRow {
  /// The comparison itself, or every pair of a ranking, better before worse.
  fileprivate var comparisons: [Comparison] {
    switch self {
    case .comparison(let comparison): return [comparison]
    case .rating: return []  // says nothing about another response by itself
    case .ranking(let row):
      let ordered = row.ranking.map { row.responses[$0] }
      return ordered.indices.flatMap { better in
        ordered[(better + 1)...].map {
          Comparison(prompt: row.prompt, chosen: ordered[better], rejected: $0)
        }
      }
    }
  }
}
