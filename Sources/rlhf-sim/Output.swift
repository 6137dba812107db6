import Formats
import Foundation
import RunRecords

/// Results: on standard output, or in a file that appears whole or not at all.
enum Output {
  /// Characters of a message or note; texts of files that it names may be of any length.
  static let longestMessage = 4_000

  /// A note on standard error.
  static func note(_ text: String) {
    let text = text.shortened(to: longestMessage).withVisibleControls
    StandardStreams.writeError("note: \(text)\n")
  }

  /// Writes for people, with control characters of texts made visible.
  ///
  /// - Throws: ``OutputError`` when standard output does not take it.
  static func write(_ text: String) throws(OutputError) {
    try writeExactly(text.withVisibleControls)
  }

  private static func writeExactly(_ text: String) throws(OutputError) {
    do { try FileHandle.standardOutput.write(contentsOf: Data(text.utf8)) } catch {
      throw .unwritable(place: "standard output", reason: FileWritingError.reason(of: error))
    }
  }

  /// Writes lines as `body` hands them over, to standard output or to `file`.
  ///
  /// - Throws: what `body` throws, ``OutputError`` or `FileWritingError.unwritable`.
  static func writeLines(
    to file: String?, _ body: (_ line: (String) throws -> Void) throws -> Void
  ) throws {
    guard let file else { return try lines(into: .standardOutput, "standard output", body) }
    if isDevice(file) {
      guard let handle = FileHandle(forWritingAtPath: file) else {
        throw OutputError.unwritable(place: file, reason: "it cannot be opened")
      }
      return try lines(into: handle, file, body)
    }
    removeAbandoned(of: URL(filePath: file))
    var interruption: (any Error)?
    do {
      try writeFileAtomically(to: URL(filePath: file)) { handle in
        do { try lines(into: handle, file, body) } catch {
          interruption = error
          throw error
        }
      }
    } catch {
      throw interruption ?? error
    }
  }

  /// Whether something stands there that is neither a file nor a directory, such as /dev/null or a
  /// named pipe: renaming a file over it would destroy it.
  private static func isDevice(_ file: String) -> Bool {
    var status = stat()
    guard stat(file, &status) == 0 else { return false }
    return ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
  }

  /// Lines in pieces of some size: a call to the system for each would be slow.
  private static func lines(
    into handle: FileHandle, _ place: String,
    _ body: (_ line: (String) throws -> Void) throws -> Void
  ) throws {
    var buffer = Data()
    func flush() throws {
      do { try handle.write(contentsOf: buffer) } catch {
        throw OutputError.unwritable(place: place, reason: FileWritingError.reason(of: error))
      }
      buffer.removeAll(keepingCapacity: true)
    }
    try body { line in
      buffer.append(contentsOf: line.utf8)
      buffer.append(UInt8(ascii: "\n"))
      if buffer.count >= 1 << 16 { try flush() }
    }
    try flush()
  }

  /// One line of JSON with sorted keys.
  static func writeJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try writeExactly(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n")
  }

  /// The figures of a run: the object of evaluation.json, or tables and sentences and, at the end, the
  /// verdict.
  static func write(
    _ summary: EvaluationSummary, after method: String? = nil, asJSON: Bool,
    isVerbose: Bool = false, footer: String = ""
  ) throws {
    if asJSON { return try writeJSON(summary) }
    try write(summary.text(after: method, isVerbose: isVerbose) + footer + summary.verdictText)
  }
}
