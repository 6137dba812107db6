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

  /// The bytes of a file.
  ///
  /// - Throws: `RunRecordsError.unreadable`.
  package static func read(_ url: URL) throws(RunRecordsError) -> Data {
    do {
      return try Data(contentsOf: url)
    } catch {
      throw .unreadable(path: url.path, reason: FileWritingError.reason(of: error))
    }
  }
}
