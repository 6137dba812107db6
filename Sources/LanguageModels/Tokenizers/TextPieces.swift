/// A text cut into pieces, on its way from the normalizer to the model.
struct TextPieces {
  var scalars: [Unicode.Scalar]
  /// In order and not empty; what lies between them was removed.
  var ranges: [Range<Int>]
  /// Whether the first piece begins where the whole text did, before added tokens were cut out.
  var startsText: Bool

  init(_ scalars: [Unicode.Scalar], startsText: Bool) {
    self.scalars = scalars
    ranges = scalars.isEmpty ? [] : [0..<scalars.count]
    self.startsText = startsText
  }

  /// What becomes of the matches of a pattern; the names are those of `tokenizers`.
  enum Behavior: String, Sendable, CaseIterable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"
  }

  struct Match {
    var range: Range<Int>
    var isMatch: Bool
  }

  /// Cuts every piece.
  ///
  /// - Parameter find: the matches in a piece, and what lies between them, in order.
  mutating func split(
    _ behavior: Behavior, inverted: Bool = false,
    _ find: ([Unicode.Scalar], Range<Int>, inout [Match]) -> Void
  ) {
    var cut: [Range<Int>] = []
    cut.reserveCapacity(ranges.count)
    var matches: [Match] = []
    for range in ranges {
      matches.removeAll(keepingCapacity: true)
      find(scalars, range, &matches)
      if inverted { for index in matches.indices { matches[index].isMatch.toggle() } }
      Self.cut(matches, behavior, into: &cut)
    }
    if let first = ranges.first, cut.first?.lowerBound != first.lowerBound { startsText = false }
    ranges = cut
  }

  private static func cut(_ matches: [Match], _ behavior: Behavior, into cut: inout [Range<Int>]) {
    let first = cut.count
    var previous = false
    switch behavior {
    case .isolated: cut += matches.lazy.map(\.range)
    case .removed: cut += matches.lazy.filter { !$0.isMatch }.map(\.range)
    case .contiguous, .mergedWithPrevious:
      for match in matches {
        let joins = behavior == .contiguous ? match.isMatch == previous : match.isMatch && !previous
        if joins, cut.count > first {
          cut[cut.count - 1] = cut[cut.count - 1].lowerBound..<match.range.upperBound
        } else {
          cut.append(match.range)
        }
        previous = match.isMatch
      }
    case .mergedWithNext:
      for match in matches.reversed() {
        if match.isMatch, !previous, cut.count > first {
          cut[cut.count - 1] = match.range.lowerBound..<cut[cut.count - 1].upperBound
        } else {
          cut.append(match.range)
        }
        previous = match.isMatch
      }
      cut[first...].reverse()
    }
  }

  /// Cuts at the scalars of a kind.
  mutating func split(_ behavior: Behavior, at isMatch: (Unicode.Scalar) -> Bool) {
    split(behavior) { scalars, range, matches in
      var start = range.lowerBound
      for index in range where isMatch(scalars[index]) {
        if start < index { matches.append(Match(range: start..<index, isMatch: false)) }
        matches.append(Match(range: index..<(index + 1), isMatch: true))
        start = index + 1
      }
      if start < range.upperBound {
        matches.append(Match(range: start..<range.upperBound, isMatch: false))
      }
    }
  }

  /// Writes every piece anew.
  mutating func rewrite(
    _ write: (ArraySlice<Unicode.Scalar>, _ startsText: Bool, inout [Unicode.Scalar]) -> Void
  ) {
    var written: [Unicode.Scalar] = []
    written.reserveCapacity(scalars.count + scalars.count / 4)
    for (index, range) in ranges.enumerated() {
      let start = written.count
      write(scalars[range], startsText && index == 0, &written)
      ranges[index] = start..<written.count
    }
    scalars = written
  }
}
