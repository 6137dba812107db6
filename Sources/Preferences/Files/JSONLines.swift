import Formats
import Foundation

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
    let reader = try JSONLineReader(file, standardInput: standardInput)
    while let fields = try reader.next() { try body(fields) }
  }

  /// How many lines of a file are not blank; nil for what can be read only once.
  ///
  /// - Throws: ``PreferenceError`` when the file cannot be read.
  static func count(in file: URL) throws(PreferenceError) -> Int? {
    guard RowSource.canBeReadAgain(file) else { return nil }
    let reader = try JSONLineReader(file)
    var count = 0
    while try reader.nextLine() != nil { count += 1 }
    return count
  }

  /// Writes what `body` hands over, an object a line. The file appears whole or not at all; equal
  /// objects give equal bytes.
  ///
  /// - Throws: `FileWritingError`, and whatever `body` throws.
  static func write(
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
}
