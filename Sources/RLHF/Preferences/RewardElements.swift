/// The elements of batches that rows make: the rows themselves, or every pair of every row, better
/// before worse, unpacked when it is asked for.
package struct RewardElements<Rows: RandomAccessCollection<RankedResponses>>:
  RandomAccessCollection
where Rows.Index == Int {
  private let rows: Rows
  /// How many pairs there are in the rows up to each, itself included; nil where a row is an element.
  private let ends: [Int]?

  /// - Parameter takesPairs: whether a ranking becomes its pairs.
  init(of rows: Rows, takesPairs: Bool) {
    self.rows = rows
    guard takesPairs, rows.contains(where: { $0.responses.count > 2 }) else {
      ends = nil
      return
    }
    var total = 0
    ends = rows.map {
      total += $0.pairCount
      return total
    }
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int { ends.map { $0.last ?? 0 } ?? rows.count }

  package subscript(index: Int) -> RankedResponses {
    guard let ends else { return rows[rows.startIndex + index] }
    // The first row that ends behind the index.
    var (low, high) = (0, ends.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if ends[middle] > index { high = middle } else { low = middle + 1 }
    }
    return rows[rows.startIndex + low].pair(index - (low > 0 ? ends[low - 1] : 0))
  }
}

extension RankedResponses {
  /// A pair of the ranking: (0, 1), (0, 2), …, (1, 2), …; a pair is itself.
  fileprivate func pair(_ number: Int) -> RankedResponses {
    guard responses.count > 2 else { return self }
    var (better, rest) = (0, number)
    while rest >= responses.count - 1 - better {
      rest -= responses.count - 1 - better
      better += 1
    }
    return RankedResponses(
      prompt: prompt, responses: [responses[better], responses[better + 1 + rest]])
  }
}
