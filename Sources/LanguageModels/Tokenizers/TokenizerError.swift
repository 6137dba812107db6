package import Formats

/// What can be wrong with the files of a tokenizer; each says where, and what to do next.
package enum TokenizerError: EndingError, Sendable, Equatable, CustomStringConvertible {
  /// A file is missing, is not JSON, or cannot be written.
  case file(path: String, problem: String)
  /// A part of `tokenizer.json` that is valid but not implemented here.
  case unsupported(path: String, part: String)
  /// A key is missing or contradicts another.
  case invalid(path: String, key: String, problem: String)

  package var exitStatus: ExitStatus {
    if case .file(let path, _) = self { .ofReading(path) } else { .badData }
  }

  package var description: String {
    switch self {
    case .file(let path, let problem): "\(path): \(problem)"
    case .unsupported(let path, let part):
      "\(path): \(part) is not supported; use a WordLevel or BPE tokenizer"
    case .invalid(let path, let key, let problem): "\(path): key `\(key)`: \(problem)"
    }
  }
}
