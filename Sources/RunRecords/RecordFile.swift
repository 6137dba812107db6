import Formats
package import Foundation

/// The small files of a run, whole in memory, with this module's errors.
package enum AtomicFile {
  /// Writes beside `url`, then renames over it; directories on the way are made.
  ///
  /// - Throws: `RunRecordsError.unwritable`.
  package static func write(_ data: Data, to url: URL) throws(RunRecordsError) {
    do throws(FileWritingError) { try writeFileAtomically(data, to: url) } catch {
      throw RunRecordsError(error)
    }
  }

  /// As `write(_:to:)`, for UTF-8 text.
  package static func write(_ text: String, to url: URL) throws(RunRecordsError) {
    try write(Data(text.utf8), to: url)
  }

  /// Whether there is a file or directory.
  package static func exists(_ url: URL) -> Bool {
    FileManager.default.fileExists(atPath: url.path)
  }

  /// The bytes of a file.
  ///
  /// - Throws: `RunRecordsError.unreadable`.
  package static func read(_ url: URL) throws(RunRecordsError) -> Data {
    do throws(FileReadingError) {
      return try readFile(url, atMost: LargestFile.record)
    } catch {
      let reason = if case .unreadable(let reason) = error { reason } else { "it \(error)" }
      throw .unreadable(path: url.path, reason: reason)
    }
  }
}

/// A file that is only ever appended to, without a buffer of its own.
final class RecordFile {
  private let handle: FileHandle
  private let path: String

  /// - Throws: `alreadyExists` or `unwritable`.
  convenience init(creating url: URL) throws(RunRecordsError) {
    guard !AtomicFile.exists(url) else {
      throw .alreadyExists(path: url.path)
    }
    try self.init(replacing: url, with: Data())
  }

  /// Puts `data` in place of whatever is there, and goes on behind it.
  ///
  /// - Throws: `unwritable`
  init(replacing url: URL, with data: Data) throws(RunRecordsError) {
    path = url.path
    try AtomicFile.write(data, to: url)
    do {
      handle = try FileHandle(forWritingTo: url)
      try handle.seekToEnd()
    } catch {
      throw .unwritable(path: url.path, reason: FileWritingError.reason(of: error))
    }
  }

  deinit {
    try? handle.close()
  }

  // A run writes thousands of short rows; the file handle's own way takes twice the time of the
  // system call that it comes to.
  func append(_ data: Data) throws(RunRecordsError) {
    do throws(POSIXError) {
      try StandardStreams.write(data, to: handle.fileDescriptor)
    } catch {
      throw .unwritable(path: path, reason: String(cString: strerror(error.code.rawValue)))
    }
  }
}

/// JSON as this program writes it: keys sorted, slashes plain, times in ISO 8601, numbers finite.
enum RecordJSON {
  static func encode(
    _ value: some Encodable, pretty: Bool, for url: URL
  ) throws(RunRecordsError) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    encoder.dateEncodingStrategy = .iso8601
    do {
      return try encoder.encode(value)
    } catch EncodingError.invalidValue(_, let context) {
      throw .notFinite(path: url.path, key: dotted(context.codingPath))
    } catch {
      throw .unwritable(path: url.path, reason: FileWritingError.reason(of: error))
    }
  }

  static func decode<Value: Decodable>(
    _ type: Value.Type, from data: Data, at url: URL, line: Int? = nil
  ) throws(RunRecordsError) -> Value {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    do {
      return try decoder.decode(type, from: data)
    } catch {
      throw .malformed(path: url.path, line: line, reason: reason(of: error))
    }
  }

  /// Writes one value as a file of its own, atomically.
  static func write(_ value: some Encodable, to url: URL) throws(RunRecordsError) {
    try AtomicFile.write(encode(value, pretty: true, for: url) + Data("\n".utf8), to: url)
  }

  /// Reads a file of one value.
  static func read<Value: Decodable>(
    _ type: Value.Type, at url: URL
  ) throws(RunRecordsError) -> Value {
    try decode(type, from: AtomicFile.read(url), at: url)
  }

  /// One value a line.
  static func encodeLines(
    _ rows: [some Encodable], for url: URL
  ) throws(RunRecordsError) -> Data {
    var lines = Data()
    for row in rows {
      lines.append(try encode(row, pretty: false, for: url))
      lines.append(UInt8(ascii: "\n"))
    }
    return lines
  }

  /// One value a line; empty lines are passed over, and so is a last line cut off by an
  /// interruption, which is one without its line end that does not parse.
  static func decodeLines<Value: Decodable>(
    _ type: Value.Type, at url: URL
  ) throws(RunRecordsError) -> [Value] {
    let data = try AtomicFile.read(url)
    let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    var rows: [Value] = []
    for (index, line) in lines.enumerated() where !line.isEmpty {
      do {
        rows.append(try decode(type, from: Data(line), at: url, line: index + 1))
      } catch {
        // What follows the last line end is empty unless a row was cut off.
        guard index == lines.count - 1 else { throw error }
      }
    }
    return rows
  }

  private static func reason(of error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      "the key `\(dotted(context.codingPath + [key]))` is missing"
    case DecodingError.typeMismatch(let type, let context):
      "`\(dotted(context.codingPath))` is not of type \(type)"
    case DecodingError.valueNotFound(let type, let context):
      "`\(dotted(context.codingPath))` is null where \(type) is expected"
    case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
      "`\(dotted(context.codingPath))`: \(context.debugDescription)"
    default:
      "this is not JSON"
    }
  }

  private static func dotted(_ path: [any CodingKey]) -> String {
    path.map(\.stringValue).joined(separator: ".")
  }
}
