package import Statistics

/// How often each prompt of some rows occurs, in a few bytes each: prompts are told apart by 64 bits
/// of what they say, white space between words being as good as any other.
package struct PromptCounts: Sendable {
  private var places: [UInt64: UInt32] = [:]
  private var digests: [UInt64] = []  // in order of first appearance
  private var counts: [UInt32] = []
  private var rows = 0

  package init() {}

  package mutating func add(_ prompt: String) {
    let digest = RowDigest(ofWordsOf: prompt).value
    rows += 1
    if let place = places[digest] {
      counts[Int(place)] += 1
    } else {
      places[digest] = UInt32(digests.count)
      digests.append(digest)
      counts.append(1)
    }
  }

  package func contains(_ prompt: String) -> Bool {
    places[RowDigest(ofWordsOf: prompt).value] != nil
  }

  /// Chooses prompts whose rows are held out, so that no prompt is on both sides: a model that
  /// remembers prompts gains nothing by it.
  ///
  /// Prompts are drawn in random order until at least `heldOutFraction` of the rows are held out;
  /// one prompt always stays for training.
  package func split(
    heldOutFraction: Double, generator: inout SeededGenerator
  ) -> PromptSplit {
    precondition((0...1).contains(heldOutFraction), "a fraction is from 0 to 1")
    let wanted = Double(rows) * heldOutFraction
    var split = PromptSplit()
    for index in generator.permutation(of: digests.count).dropLast() {
      if Double(split.heldOutRows) >= wanted { break }
      split.heldOut.insert(digests[index])
      split.heldOutRows += Int(counts[index])
    }
    return split
  }
}

/// Which prompts are held out.
package struct PromptSplit: Sendable {
  fileprivate var heldOut: Set<UInt64> = []
  package fileprivate(set) var heldOutRows = 0

  /// Holds none out.
  package init() {}

  package func isHeldOut(_ prompt: String) -> Bool {
    heldOut.contains(RowDigest(ofWordsOf: prompt).value)
  }
}

/// The rows of one side of a split, in their order.
package struct SplitRows<Rows: RowStream<PreferenceRow>>: RowStream {
  private let rows: Rows
  private let split: PromptSplit
  private let isHeldOut: Bool

  /// - Parameter isHeldOut: which side.
  package init(_ rows: Rows, by split: PromptSplit, heldOut isHeldOut: Bool) {
    (self.rows, self.split, self.isHeldOut) = (rows, split, isHeldOut)
  }

  package func forEachRow(_ body: (PreferenceRow) throws -> Void) throws {
    try rows.forEachRow { if split.isHeldOut($0.prompt) == isHeldOut { try body($0) } }
  }
}

extension SplitRows: Sendable where Rows: Sendable {}
