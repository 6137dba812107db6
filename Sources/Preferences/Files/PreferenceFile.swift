import Formats
package import Foundation

/// Files of preference rows as runs write them: JSON lines.
package enum PreferenceFile {
  /// Writes rows in order, atomically; equal rows give equal bytes.
  ///
  /// - Throws: `FileWritingError`, and whatever the rows throw.
  package static func write(_ rows: some RowStream<PreferenceRow>, to file: URL) throws {
    try writeLines(to: file) { write in try rows.forEachRow { try write($0.json) } }
  }

  /// Writes comparisons in order, and labels after them, in the same way.
  package static func write(
    comparisons: some RowStream<Comparison>, labels: some RowStream<PreferenceRow>, to file: URL
  ) throws {
    try writeLines(to: file) { write in
      try comparisons.forEachRow { try write(PreferenceRow.comparison($0).json) }
      try labels.forEachRow { try write($0.json) }
    }
  }
}

/// Writes what `body` hands over, an object a line. The file appears whole or not at all; equal objects
/// give equal bytes, and memory does not grow with the file.
///
/// - Throws: `FileWritingError`, and whatever `body` throws.
func writeLines(
  to file: URL, _ body: (_ write: (JSONObject) throws -> Void) throws -> Void
) throws {
  var interruption: (any Error)?
  do throws(FileWritingError) {
    try writeFileAtomically(to: file) { handle in
      var buffer = Data()
      func flush() throws {
        do { try handle.write(contentsOf: buffer) } catch {
          throw FileWritingError.unwritable(
            path: file.path, reason: FileWritingError.reason(of: error))
        }
        buffer.removeAll(keepingCapacity: true)
      }
      do {
        try body { object in
          buffer.append(contentsOf: try JSONValue.object(object).text().utf8)
          buffer.append(UInt8(ascii: "\n"))
          if buffer.count >= 1 << 18 { try flush() }
        }
      } catch {
        // What the caller throws is not about writing.
        interruption = error
        throw error
      }
      try flush()
    }
  } catch {
    throw interruption ?? error
  }
}
