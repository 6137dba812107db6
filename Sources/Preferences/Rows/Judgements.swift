/// What rows say about two responses to one prompt: comparisons, all pairs of rankings, and, after
/// those, pairs of different ratings.
package struct Judgements<Rows: RowStream<PreferenceRow>>: RowStream {
  private let rows: Rows
  private let isUsable: (@Sendable (Rating) -> Bool)?

  /// - Parameter isUsable: which ratings are paired, for a partner that is left out afterwards would
  ///   be lost with its pair; nil pairs none.
  package init(
    of rows: Rows, pairingRatings isUsable: (@Sendable (Rating) -> Bool)? = { _ in true }
  ) {
    (self.rows, self.isUsable) = (rows, isUsable)
  }

  package func forEachRow(_ body: (Comparison) throws -> Void) throws {
    var hasRatings = false
    try rows.forEachRow { row in
      if case .rating = row { hasRatings = true }
      try row.comparisons.forEach(body)
    }
    guard hasRatings, let isUsable else { return }
    var pairs = RatingPairs()
    try rows.forEachRow { row in
      guard case .rating(let rating) = row, isUsable(rating) else { return }
      if let pair = pairs.add(rating) { try body(pair) }
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
