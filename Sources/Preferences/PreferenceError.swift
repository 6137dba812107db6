package import Formats

/// What can be wrong with a file of rows; each says where, and what to do next.
package enum PreferenceError: EndingError, Sendable, Equatable, CustomStringConvertible {
  /// The file cannot be opened, read or written.
  case file(path: String, problem: String)
  /// A line is not a row.
  case line(path: String, line: Int, problem: String)
  /// A key of a row is missing or has a value that makes no sense.
  case key(path: String, line: Int, key: String, problem: String)

  package var exitStatus: ExitStatus {
    if case .file(let path, _) = self { .ofReading(path) } else { .badData }
  }

  /// Whether only one row is at fault, so that reading can go on after it.
  package var isOfOneRow: Bool { if case .file = self { false } else { true } }

  package var description: String {
    switch self {
    case .file(let path, let problem): "\(path): \(problem)"
    case .line(let path, let line, let problem): "\(path):\(line): \(problem)"
    case .key(let path, let line, let key, let problem):
      "\(path):\(line): key `\(key)`: \(problem)"
    }
  }
}
