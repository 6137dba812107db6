package import Foundation

/// Files that are either the old content or the new one, never half of either.
package enum AtomicFile {
  /// Writes beside `url`, then renames over it; directories on the way are made.
  ///
  /// - Throws: `RunRecordsError.unwritable`.
  package static func write(_ data: Data, to url: URL) throws(RunRecordsError) {
    do {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try data.write(to: url, options: .atomic)
    } catch {
      throw .unwritable(path: url.path, reason: reason(of: error))
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
      throw .unreadable(path: url.path, reason: reason(of: error))
    }
  }

  /// The cause in the system's words, without Foundation's lengthy wrapping.
  static func reason(of error: any Error) -> String {
    let error = error as NSError
    if let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError,
      cause.domain == NSPOSIXErrorDomain
    {
      return String(cString: strerror(Int32(truncatingIfNeeded: cause.code)))
    }
    let words = error.localizedDescription
      .replacing("The operation could not be completed. ", with: "")
    return words.hasSuffix(".") ? String(words.dropLast()) : words
  }
}
