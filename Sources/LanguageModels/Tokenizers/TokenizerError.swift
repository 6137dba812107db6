package import Formats

/// What can be wrong with the files of a tokenizer; each says where, and what to do next.
package enum TokenizerError: EndingError, Sendable, Equatable, CustomStringConvertible {
  /// A file is missing, cannot be read, or is not JSON.
  case file(path: String, problem: String)
  /// Writing failed.
  case unwritable(path: String, reason: String)
  /// A part of `tokenizer.json` that is valid but not implemented here.
  case unsupported(path: String, part: String)
  /// A key is missing or contradicts another.
  case invalid(path: String, key: String, problem: String)

  package var exitStatus: ExitStatus {
    switch self {
    case .unwritable: .inputOutput
    case .file(let path, _): .ofReading(path)
    default: .badData
    }
  }

  package var description: String {
    switch self {
    case .file(let path, let problem): "\(path): \(problem)"
    case .unwritable(let path, let reason):
      "\(path): cannot be written (\(reason)); check permissions and free space"
    case .unsupported(let path, let part):
      "\(path): \(part) is not supported; use a WordLevel or BPE tokenizer"
    case .invalid(let path, let key, let problem): "\(path): key `\(key)`: \(problem)"
    }
  }
}
