import Foundation

/// How the program ends after an error, by the codes of `sysexits.h`.
package enum ExitStatus: Int32, Sendable {
  case failure = 1
  /// Stopped by `--strict`, because something that the person wanted to know of was found.
  case strict = 3
  case usage = 64
  case badData = 65
  case inputOutput = 74

  /// Of an error about a file. Where it can be read, its content is at fault; where there is none,
  /// what was asked for; anything else is a failure of input.
  package static func ofReading(_ path: String) -> ExitStatus {
    let descriptor = open(path, O_RDONLY | O_NONBLOCK)
    defer { close(descriptor) }
    var byte: UInt8 = 0
    if descriptor >= 0, read(descriptor, &byte, 1) >= 0 { return .badData }
    return [ENOENT, ENOTDIR, EISDIR, EAGAIN].contains(errno) ? .badData : .inputOutput
  }
}

/// An error that knows how it ends the program; all others end it with ``ExitStatus/failure``.
package protocol EndingError: Error {
  var exitStatus: ExitStatus { get }
}

/// Why something was not written; what was there before is untouched.
package enum FileWritingError: EndingError, Sendable, Equatable, CustomStringConvertible {
  /// Something stands there already.
  case exists(path: String)
  case unwritable(path: String, reason: String)

  package var exitStatus: ExitStatus {
    switch self {
    case .unwritable: .inputOutput
    case .exists: .badData
    }
  }

  package var description: String {
    switch self {
    case .exists(let path):
      "\(path): exists already and is left as it is; choose another place"
    case .unwritable(let path, let reason):
      "\(path): cannot be written (\(reason)); check permissions and free space"
    }
  }

  /// The cause of a file's error in the system's words, without Foundation's lengthy wrapping.
  package static func reason(of error: any Error) -> String {
    if let error = error as? POSIXError { return String(cString: strerror(error.code.rawValue)) }
    let error = error as NSError
    if let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError,
      cause.domain == NSPOSIXErrorDomain
    {
      return String(cString: strerror(Int32(truncatingIfNeeded: cause.code)))
    }
    if error.domain == NSCocoaErrorDomain, error.code == CocoaError.fileWriteUnknown.rawValue {
      return "a part of the path may be a file"
    }
    let words = error.localizedDescription
      .replacing("The operation could not be completed. ", with: "")
    return words.hasSuffix(".") ? String(words.dropLast()) : words
  }
}
