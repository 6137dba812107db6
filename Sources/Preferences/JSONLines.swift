import AtomicFiles
import Foundation
import OrderedJSON

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Files of one JSON object a line, read and written piece by piece: memory does not grow with
/// the file.
enum JSONLines {
  /// Calls `body` with every line that is not blank; lines are numbered from 1.
  ///
  /// - Parameter file: what ``RowSource`` can open.
  static func forEach(
    in file: URL, standardInput: FileHandle = .standardInput,
    _ body: (RowFields) throws(PreferenceError) -> Void
  ) throws(PreferenceError) {
    let source = try RowSource(file, standardInput: standardInput)
    var line = 0
    var pending: [UInt8] = []
    var isAtEnd = false
    while !isAtEnd {
      let chunk = try source.read()
      isAtEnd = chunk.isEmpty
      pending.append(contentsOf: chunk)
      var start = 0
      while let end = pending[start...].firstIndex(of: UInt8(ascii: "\n"))
        ?? (isAtEnd && start < pending.count ? pending.count : nil)
      {
        line += 1
        if let fields = try fields(of: pending[start..<end], source.name, line) {
          try body(fields)
        }
        start = min(end + 1, pending.count)
      }
      pending.removeFirst(start)
    }
  }

  private static func fields(
    of bytes: ArraySlice<UInt8>, _ path: String, _ line: Int
  ) throws(PreferenceError) -> RowFields? {
    if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return nil }
    let value: JSONValue
    do { value = try JSONValue(parsing: bytes) } catch {
      throw .line(path: path, line: line, problem: "\(error); write one JSON object a line")
    }
    guard case .object(let object) = value else {
      throw .line(
        path: path, line: line, problem: "is \(value.kind); write one JSON object a line")
    }
    return RowFields(path: path, line: line, object: object)
  }

  /// Writes the objects in order. The file appears whole or not at all; equal objects give equal
  /// bytes.
  static func write(
    _ objects: some Sequence<JSONObject>, to file: URL
  ) throws(FileWritingError) {
    try writeFileAtomically(to: file) { handle in
      var buffer = Data()
      for object in objects {
        buffer.append(contentsOf: try JSONValue.object(object).text().utf8)
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= 1 << 18 {
          try handle.write(contentsOf: buffer)
          buffer.removeAll(keepingCapacity: true)
        }
      }
      try handle.write(contentsOf: buffer)
    }
  }
}
