/// Rows in tokens, as many as a file may hold: all tokens lie in one array, a few bytes a row are
/// added to them, and a row is unpacked when it is asked for.
package struct TokenizedRows: RandomAccessCollection, Sendable {
  /// Of every row its number of responses K, the lengths of its prompt and of the responses, then
  /// their tokens: [1 + 1 + K + tokens].
  private var numbers = CompactNumbers()
  private var starts: [Int] = []
  // What few rows have is empty until the first row with it.
  private var margins: [Double] = []
  private var probabilities: [Double] = []  // not a number where a row has none
  private var ratings = Lists<Double>()
  private var stepEnds = Lists<Int32>()

  package init() {}

  package var startIndex: Int { 0 }
  package var endIndex: Int { starts.count }

  package mutating func append(_ row: RankedResponses) {
    keep(row.margin == 0 ? nil : row.margin, in: &margins, or: 0)
    keep(row.probability, in: &probabilities, or: .nan)
    ratings.append(row.ratings, toRow: count)
    stepEnds.append(row.stepEnds?.map(Int32.init), toRow: count)
    starts.append(numbers.count)
    numbers.append(Int32(row.responses.count))
    numbers.append(Int32(row.prompt.count))
    for response in row.responses { numbers.append(Int32(response.count)) }
    for token in row.prompt { numbers.append(token) }
    for response in row.responses { for token in response { numbers.append(token) } }
  }

  package subscript(index: Int) -> RankedResponses {
    let start = starts[index]
    let (count, promptLength) = (Int(numbers[start]), Int(numbers[start + 1]))
    var end = start + 2 + count
    func next(_ length: Int) -> [Int32] {
      defer { end += length }
      return numbers[end..<end + length]
    }
    var row = RankedResponses(
      prompt: next(promptLength),
      responses: numbers[start + 2..<start + 2 + count].map { next(Int($0)) })
    if !margins.isEmpty { row.margin = margins[index] }
    if !probabilities.isEmpty, !probabilities[index].isNaN {
      row.probability = probabilities[index]
    }
    row.ratings = ratings[index]
    row.stepEnds = stepEnds[index]?.map(Int.init)
    return row
  }

  /// A list of some of the rows, none of which is empty; those of all rows lie end to end.
  private struct Lists<Value: Sendable>: Sendable {
    private var values: [Value] = []
    private var ends: [Int] = []  // of every row, from the first with a list on

    /// - Parameter row: how many rows there are already.
    mutating func append(_ list: [Value]?, toRow row: Int) {
      guard list != nil || !ends.isEmpty else { return }
      if ends.isEmpty { ends = Array(repeating: 0, count: row) }
      values += list ?? []
      ends.append(values.count)
    }

    subscript(row: Int) -> [Value]? {
      guard row < ends.count else { return nil }
      let own = values[(row > 0 ? ends[row - 1] : 0)..<ends[row]]
      return own.isEmpty ? nil : Array(own)
    }
  }

  /// The length of a row's prompt in tokens, without unpacking the row.
  package func promptLength(at index: Int) -> Int { Int(numbers[starts[index] + 1]) }

  /// Adds the value of the next row to a column.
  private func keep<Value>(_ value: Value?, in column: inout [Value], or absent: Value) {
    if column.isEmpty {
      guard value != nil else { return }
      column = Array(repeating: absent, count: count)
    }
    column.append(value ?? absent)
  }
}

/// Numbers from 0 in one, two or four bytes each, by the largest of them: token ids of a small
/// vocabulary take a quarter of what `[Int32]` does. They lie in pieces, for an array that grows as
/// a whole is there twice while it does.
struct CompactNumbers: Sendable {
  private enum Width { case one, two, four }
  private static let pieceLength = 1 << 18

  private(set) var count = 0
  private var width = Width.one
  // Only those of the width hold any: an enumeration of them would be copied at every addition.
  private var bytes: [[UInt8]] = []
  private var halves: [[UInt16]] = []
  private var words: [[Int32]] = []

  mutating func append(_ number: Int32) {
    widen(for: number)
    switch width {
    case .one: Self.append(UInt8(number), to: &bytes)
    case .two: Self.append(UInt16(number), to: &halves)
    case .four: Self.append(number, to: &words)
    }
    count += 1
  }

  subscript(index: Int) -> Int32 {
    let (piece, place) = index.quotientAndRemainder(dividingBy: Self.pieceLength)
    return switch width {
    case .one: Int32(bytes[piece][place])
    case .two: Int32(halves[piece][place])
    case .four: words[piece][place]
    }
  }

  subscript(range: Range<Int>) -> [Int32] { range.map { self[$0] } }

  private mutating func widen(for number: Int32) {
    if width == .one, UInt8(exactly: number) == nil {
      (width, halves) = (.two, bytes.map { $0.map(UInt16.init) })
      bytes = []
    }
    if width == .two, UInt16(exactly: number) == nil {
      (width, words) = (.four, halves.map { $0.map(Int32.init) })
      halves = []
    }
  }

  private static func append<Number>(_ number: Number, to pieces: inout [[Number]]) {
    if pieces.last.map({ $0.count == pieceLength }) ?? true {
      pieces.append([])
      pieces[pieces.count - 1].reserveCapacity(pieceLength)
    }
    pieces[pieces.count - 1].append(number)
  }
}
