/// Rows that can be gone through again and again, wherever they are: of rows in a file, no more than
/// one is in memory.
package protocol RowStream<Row> {
  associatedtype Row

  /// Calls `body` with every row in order.
  ///
  /// - Throws: what reading the rows throws, and whatever `body` throws.
  func forEachRow(_ body: (Row) throws -> Void) throws
}

extension RowStream {
  /// Calls `body` with the rows in order until it returns false.
  package func forRows(while body: (Row) throws -> Bool) throws {
    do {
      try forEachRow { if try !body($0) { throw Enough() } }
    } catch is Enough {}
  }
}

private struct Enough: Error {}

extension Array: RowStream {
  package func forEachRow(_ body: (Element) throws -> Void) throws { try forEach(body) }
}

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

  /// - Parameter pairsRatings: whether ratings are paired at all.
  package init(of rows: Rows, pairsRatings: Bool) {
    if pairsRatings { self.init(of: rows) } else { self.init(of: rows, pairingRatings: nil) }
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

/// The rows that say of single responses, or of their steps, whether they are good.
package struct LabelledRows<Rows: RowStream<PreferenceRow>>: RowStream {
  private let rows: Rows
  private let isWanted: Bool

  /// - Parameter isWanted: whether labels are of use; there are none where they are not.
  package init(of rows: Rows, where isWanted: Bool) {
    (self.rows, self.isWanted) = (rows, isWanted)
  }

  package func forEachRow(_ body: (PreferenceRow) throws -> Void) throws {
    guard isWanted else { return }
    try rows.forEachRow { row in
      switch row {
      case .rating, .steps: try body(row)
      case .comparison, .ranking: return
      }
    }
  }
}

extension LabelledRows: Sendable where Rows: Sendable {}

extension PreferenceRow {
  /// The comparison itself, or every pair of a ranking, better before worse.
  fileprivate var comparisons: [Comparison] {
    switch self {
    case .comparison(let comparison): [comparison]
    case .rating, .steps: []  // says nothing about another response by itself
    case .ranking(let ranking): ranking.comparisons
    }
  }
}

/// Pairs ratings as they come: each with an earlier one of its prompt that rates another response
/// otherwise. A rating is used once at most, so that pairs stay independent of each other.
package struct RatingPairs {
  /// Of each prompt those that wait for a partner; they all say the same number.
  private var waiting: [[UInt8]: [Rating]] = [:]
  /// How many ratings have no partner so far.
  package private(set) var unpaired = 0

  package init() {}

  /// The pair that a rating completes, better before worse; nil when it has to wait for another, or
  /// contradicts what an earlier one says of the same response.
  package mutating func add(_ rating: Rating) -> Comparison? {
    unpaired += 1
    let prompt = Array(rating.prompt.utf8)  // texts that look alike may differ in tokens
    guard let value = waiting[prompt]?.last?.rating, value != rating.rating else {
      waiting[prompt, default: []].append(rating)
      return nil
    }
    let place = waiting[prompt]?.lastIndex {
      !$0.response.utf8.elementsEqual(rating.response.utf8)
    }
    guard let place, let other = waiting[prompt]?.remove(at: place) else { return nil }
    unpaired -= 2
    let (better, worse) = other.rating > rating.rating ? (other, rating) : (rating, other)
    var pair = Comparison(
      prompt: rating.prompt, chosen: better.response, rejected: worse.response)
    pair.isRendered = rating.isRendered
    return pair
  }
}
