package import Foundation

/// Standard input, output and error as the system hands them over: perhaps closed, full or gone.
package enum StandardStreams {
  /// Puts something in the place of those that are closed, so that no file of a run gets their
  /// numbers. As in gnulib's `stdopen`, it is open the wrong way: reading and writing still fail.
  ///
  /// Call once, before anything is opened.
  package static func reserve() {
    for descriptor in 0...2 as ClosedRange<Int32> where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number is the one that is missing.
      _ = open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY)
    }
  }

  /// Writes progress, a note or an error. Nobody can be told when that fails, and no work is lost
  /// for it.
  package static func writeError(_ text: String) {
    try? write(Data(text.utf8), to: STDERR_FILENO)
  }

  /// Writes all of it to an open descriptor. `FileHandle`'s `write(_:)` ends the program where this
  /// throws, and its `write(contentsOf:)` takes twice the time.
  ///
  /// - Throws: `POSIXError`
  package static func write(_ data: Data, to descriptor: Int32) throws(POSIXError) {
    var written = 0
    while written < data.count {
      let count = data.withUnsafeBytes { bytes in
        Foundation.write(
          descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
      }
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
      }
    }
  }
}
