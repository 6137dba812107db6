package import Formats

/// What can be wrong with the files of a checkpoint; each says where, and what to do next.
package enum CheckpointError: EndingError, Sendable, Equatable, CustomStringConvertible {
  /// A file that should be there is not, or cannot be opened.
  case unreadable(path: String, reason: String, remedy: String)
  /// What is there is the pointer that Git Large File Storage keeps in the place of a file.
  case gitPointer(path: String)
  /// A file is there and is not what its format says.
  case damaged(file: String, tensor: String?, problem: String)
  /// A tensor's numbers are stored in a way that is not read here.
  case unsupportedType(file: String, tensor: String, type: String)
  /// A tensor that the model needs is not in the checkpoint.
  case missingTensor(file: String, tensor: String, nearest: String?)
  /// A tensor has another shape than the configuration says.
  case wrongShape(file: String, tensor: String, found: [Int], expected: [Int])
  /// A key of a configuration is missing or has the wrong type.
  case configuration(file: String, key: String, problem: String)
  /// Writing failed; what was there before is untouched.
  case unwritable(path: String, reason: String)

  package var exitStatus: ExitStatus {
    switch self {
    case .unwritable: .inputOutput
    case .unreadable(let path, _, _): .ofReading(path)
    default: .badData
    }
  }

  package var description: String {
    switch self {
    case .unreadable(let path, let reason, let remedy):
      return "\(path): \(reason); \(remedy)"
    case .gitPointer(let path):
      return
        "\(path): is a pointer of Git Large File Storage, not the file itself; run `git lfs pull` "
        + "where it was cloned, or download the file"
    case .damaged(let file, let tensor, let problem):
      let place = tensor.map { "\(file): tensor `\($0)`" } ?? file
      return "\(place): \(problem); the file is damaged or incomplete: copy or save it again"
    case .unsupportedType(let file, let tensor, let type):
      return "\(file): tensor `\(tensor)`: numbers of type \(type) are not read here; "
        + "save the model as F32, F16 or BF16"
    case .missingTensor(let file, let tensor, let nearest):
      let remedy =
        nearest.map { "the nearest name in the file is `\($0)`: " }
        ?? ""
      return "\(file): tensor `\(tensor)` is missing; \(remedy)"
        + "check that config.json belongs to this checkpoint"
    case .wrongShape(let file, let tensor, let found, let expected):
      return "\(file): tensor `\(tensor)` has shape \(found) and \(expected) is needed; "
        + "check that config.json belongs to this checkpoint"
    case .configuration(let file, let key, let problem):
      return "\(file): key `\(key)`: \(problem)"
    case .unwritable(let path, let reason):
      return "\(path): cannot be written (\(reason)); check permissions and free space"
    }
  }
}

extension CheckpointError {
  init(_ error: FileWritingError) {
    switch error {
    case .exists(let path): self = .unwritable(path: path, reason: "something is there")
    case .unwritable(let path, let reason): self = .unwritable(path: path, reason: reason)
    }
  }
}
