package import Formats

/// What can go wrong while a run is recorded or read back.
package enum RunRecordsError: EndingError, CustomStringConvertible, Sendable, Equatable {
  /// The directory of a new run already holds something.
  case alreadyExists(path: String)
  /// Replacing it would destroy something that is not a run.
  case notReplaceable(path: String, reason: String)
  /// The run in the directory is still going on.
  case stillRunning(path: String, process: Int32?)
  /// The run directory was removed or moved while the run went on.
  case vanished(path: String)
  /// A file is not as the run has written it; `what` says what is known beside that.
  case changed(path: String, what: String?, advice: String)
  /// The path is taken by something that is not a directory.
  case notADirectory(path: String)
  /// The directory is not a run.
  case notARun(path: String)
  /// A file could not be read.
  case unreadable(path: String, reason: String)
  /// A file could not be written.
  case unwritable(path: String, reason: String)
  /// A record does not have the form it should have; `line` counts from 1.
  case malformed(path: String, line: Int?, reason: String)
  /// A final figure is infinite or not a number.
  case notFinite(path: String, key: String)

  package var exitStatus: ExitStatus {
    switch self {
    case .unwritable, .vanished: .inputOutput
    case .unreadable(let path, _): .ofReading(path)
    case .notFinite: .failure
    default: .badData
    }
  }

  /// The thing, the place, and what to do next.
  package var description: String {
    switch self {
    case .alreadyExists(let path):
      "\(path) already exists"
    case .notReplaceable(let path, let reason):
      "\(path) is not replaced, because \(reason)"
    case .stillRunning(let path, let process):
      "\(path): the run is still going on"
        + (process.map { " as process \($0)" } ?? "") + "; wait for it, or stop that first"
    case .vanished(let path):
      "\(path): was removed or moved while the run went on; begin it again"
    case .changed(let path, let what, let advice):
      "\(path): \(what ?? "is not as the run has written it: its checksum is another"); \(advice)"
    case .notADirectory(let path):
      "\(path) is not a directory"
    case .notARun(let path):
      "\(path) is not a run directory (it has no run.json); name a directory written by this program"
    case .unreadable(let path, let reason):
      "cannot read \(path): \(reason); check that the file exists and may be read"
    case .unwritable(let path, let reason):
      "cannot write \(path): \(reason); check free space and permissions"
    case .malformed(let path, let line, let reason):
      "\(path)\(line.map { ":\($0)" } ?? ""): \(reason); repair or remove the file"
    case .notFinite(let path, let key):
      "\(path): `\(key)` is not a finite number; look at the stage that computed it"
    }
  }
}

extension RunRecordsError {
  init(_ error: FileWritingError) {
    switch error {
    case .exists(let path): self = .alreadyExists(path: path)
    case .unwritable(let path, let reason): self = .unwritable(path: path, reason: reason)
    }
  }
}
