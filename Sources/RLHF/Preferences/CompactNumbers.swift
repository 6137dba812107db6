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
