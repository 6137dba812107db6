/// Cuts the bytes of a file into lines, elements of a JSON list, or records of CSV, and counts lines.
///
/// Lines end with LF or CR LF; with CR alone where a file has those and no LF in its first 256 KiB.
final class ByteScanner {
  private let source: RowSource
  private var buffer: [UInt8] = []
  private var start = 0  // of what is not yet given out
  private var isAtEnd = false
  private var line = 1  // of the byte at `start`
  private lazy var lineEnd: UInt8 = {
    buffer.contains(0x0D) && !buffer.contains(UInt8(ascii: "\n")) ? 0x0D : UInt8(ascii: "\n")
  }()

  /// A file without a line break would otherwise be read into memory whole, however long it is.
  private static let longestRow = 1 << 24
  private static let mostCells = 10_000

  init(_ source: RowSource) { self.source = source }

  var name: String { source.name }

  // MARK: - Lines

  /// The next line that is not blank, without its newline; nil at the end.
  func nextLine() throws(PreferenceError) -> (line: Int, bytes: ArraySlice<UInt8>)? {
    while let end = try endOfLine() {
      let (bytes, number) = (buffer[start..<end], line)
      line += 1
      start = min(end + 1, buffer.count)
      if bytes.contains(where: { !Self.isSpace($0) }) { return (number, bytes) }
    }
    return nil
  }

  /// What ``nextLine()`` would give, from its first byte that is no white space.
  func peekLine() throws(PreferenceError) -> ArraySlice<UInt8>? {
    while let end = try endOfLine() {
      let bytes = buffer[start..<end].drop(while: Self.isSpace)
      if !bytes.isEmpty { return bytes }
      line += 1
      start = min(end + 1, buffer.count)
    }
    return nil
  }

  private func endOfLine() throws(PreferenceError) -> Int? {
    if buffer.isEmpty, try !refill() { return nil }
    var searched = start
    while true {
      if let end = buffer[searched...].firstIndex(of: lineEnd) { return end }
      searched = buffer.count - start
      guard try refill() else { return start < buffer.count ? buffer.count : nil }
    }
  }

  // MARK: - Elements of a JSON list

  /// Passes over the bracket at the start of a list.
  func skipBracket() throws(PreferenceError) {
    _ = try peek()
    start += 1
  }

  /// The next element, nil behind the last one.
  func nextElement(
    isFirst: Bool
  ) throws(PreferenceError) -> (line: Int, bytes: ArraySlice<UInt8>)? {
    var next = try peek()
    if next == UInt8(ascii: "]") {
      start += 1
      guard try peek() == nil else {
        throw failure("something follows the list")
      }
      return nil
    }
    if !isFirst {
      guard next == UInt8(ascii: ",") else { throw failure("expected , or ] in the list") }
      start += 1
      next = try peek()
    }
    guard next != nil else { throw failure("the list is not closed") }
    let number = line
    var (depth, isInString, isEscaped) = (0, false, false)
    var offset = 0
    scan: while true {
      if start + offset == buffer.count, try !refill() { throw failure("the list is not closed") }
      let byte = buffer[start + offset]
      if isInString {
        if !isEscaped, byte == UInt8(ascii: "\"") { isInString = false }
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
      } else {
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: ",") where depth == 0: break scan
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
          if depth == 0 { break scan }
          depth -= 1
        default: break
        }
      }
      if byte == UInt8(ascii: "\n") { line += 1 }
      offset += 1
    }
    defer { start += offset }
    return (number, buffer[start..<start + offset])
  }

  private func failure(_ problem: String) -> PreferenceError {
    .file(path: name, problem: "line \(line): \(problem); save the file again as JSON")
  }

  // MARK: - Records of CSV

  /// The cells of the next record that is not blank; nil at the end. A cell in quotes may hold the
  /// separator, line breaks, and quotes, which are doubled (RFC 4180).
  func nextRecord(
    separator: UInt8
  ) throws(PreferenceError) -> (line: Int, cells: [[UInt8]])? {
    while true {
      let number = line
      guard let cells = try record(separator: separator) else { return nil }
      if cells.count > 1 || cells[0].contains(where: { !Self.isSpace($0) }) {
        return (number, cells)
      }
    }
  }

  private func record(separator: UInt8) throws(PreferenceError) -> [[UInt8]]? {
    let quote = UInt8(ascii: "\"")
    var cells: [[UInt8]] = []
    var cell: [UInt8] = []
    var (isQuoted, isClosed, isEmpty) = (false, false, true)
    let first = line
    var length = 0
    while true {
      length += 1
      if length > Self.longestRow { throw tooLong(first) }
      if start == buffer.count, try !refill() {
        if isQuoted, !isClosed {
          throw .file(path: name, problem: "line \(first): a quoted cell is not closed")
        }
        return isEmpty ? nil : cells + [cell]
      }
      let byte = buffer[start]
      start += 1
      isEmpty = false
      if byte == UInt8(ascii: "\n") { line += 1 }
      if isQuoted, !isClosed {
        if byte == quote { isClosed = true } else { cell.append(byte) }
      } else if byte == quote, isClosed {
        cell.append(quote)  // was doubled
        isClosed = false
      } else if byte == quote, cell.isEmpty {
        isQuoted = true
      } else if byte == separator {
        cells.append(cell)
        if cells.count == Self.mostCells {
          throw .file(
            path: name,
            problem: "line \(first): has more than \(Self.mostCells) cells; leave out "
              + "columns that are not needed")
        }
        (cell, isQuoted, isClosed) = ([], false, false)
      } else if byte == UInt8(ascii: "\n") {
        return cells + [cell]
      } else if byte == 0x0D {
        // Alone it ends a record, too.
        if start == buffer.count { _ = try refill() }
        if start < buffer.count, buffer[start] == UInt8(ascii: "\n") { start += 1 }
        line += 1
        return cells + [cell]
      } else if !isClosed {
        cell.append(byte)
      } else {
        throw .file(
          path: name,
          problem: "line \(line): something follows the quotes of a cell; double the quotes that "
            + "belong to it")
      }
    }
  }

  // MARK: - Bytes

  /// The next byte that is no white space, which is passed over; nil at the end.
  private func peek() throws(PreferenceError) -> UInt8? {
    while true {
      while start < buffer.count {
        let byte = buffer[start]
        if !Self.isSpace(byte), byte != UInt8(ascii: "\n") { return byte }
        if byte == UInt8(ascii: "\n") { line += 1 }
        start += 1
      }
      guard try refill() else { return nil }
    }
  }

  /// Reads a piece; what was given out leaves the buffer, so that `start` becomes 0.
  private func refill() throws(PreferenceError) -> Bool {
    buffer.removeFirst(start)
    start = 0
    if isAtEnd { return false }
    if buffer.count > Self.longestRow { throw tooLong(line) }
    let piece = try source.read()
    isAtEnd = piece.isEmpty
    buffer.append(contentsOf: piece)
    return !piece.isEmpty
  }

  private func tooLong(_ line: Int) -> PreferenceError {
    .file(
      path: name,
      problem: "line \(line): the row is longer than 16 MiB; write a row on a line of its own")
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0D
  }
}
