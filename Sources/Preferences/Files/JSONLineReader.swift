import Formats
import Foundation

/// The objects of a file of JSON lines, one at a time: memory does not grow with the file.
final class JSONLineReader {
  private let source: RowSource
  private var pending: [UInt8] = []
  private var start = 0  // of the next line in `pending`
  private var searched = 0  // up to here `pending` holds no end of that line
  private var isAtEnd = false
  private var line = 0

  init(_ source: RowSource) { self.source = source }

  /// - Parameter file: what ``RowSource`` can open.
  convenience init(
    _ file: URL, standardInput: FileHandle = .standardInput
  ) throws(PreferenceError) {
    self.init(try RowSource(file, standardInput: standardInput))
  }

  /// The checked fields of the next line that is not blank, lines being numbered from 1; nil at the
  /// end.
  func next() throws(PreferenceError) -> RowFields? {
    guard let bytes = try nextLine() else { return nil }
    let value: JSONValue
    do { value = try JSONValue(parsing: bytes) } catch {
      throw .line(
        path: source.name, line: line, problem: "\(error); write one JSON object a line")
    }
    guard case .object(let object) = value else {
      throw .line(
        path: source.name, line: line, problem: "is \(value.kind); write one JSON object a line")
    }
    return RowFields(path: source.name, line: line, object: object)
  }

  /// The bytes of the next line that is not blank; nil at the end.
  func nextLine() throws(PreferenceError) -> ArraySlice<UInt8>? {
    while true {
      if let end = pending[searched...].firstIndex(of: UInt8(ascii: "\n"))
        ?? (isAtEnd && start < pending.count ? pending.count : nil)
      {
        let bytes = pending[start..<end]
        line += 1
        start = min(end + 1, pending.count)
        searched = start
        if bytes.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) { return bytes }
      } else if isAtEnd {
        return nil
      } else {
        pending.removeFirst(start)
        start = 0
        searched = pending.count
        let chunk = try source.read()
        isAtEnd = chunk.isEmpty
        pending.append(contentsOf: chunk)
      }
    }
  }
}
