import ArgumentParser
import Formats
import Foundation

/// How an error ends the program: one line on standard error and an exit code.
struct Failure {
  let message: String
  let status: ExitStatus

  /// Nil for what the argument parser says itself: wrong usage, help, version.
  init?(_ error: any Error) {
    if let error = error as? any EndingError {
      status = error.exitStatus
    } else if error is CocoaError {
      status = .inputOutput
    } else {
      // The argument parser's own errors have no public type; it knows their codes.
      guard RLHFSim.exitCode(for: error) == .failure, !(error is ExitCode) else { return nil }
      status = .failure
    }
    message = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  func exit() -> Never {
    FileHandle.standardError.write(Data("error: \(message)\n".utf8))
    Foundation.exit(status.rawValue)
  }
}

/// An error of a library, which knows no options, with what to do in those of a command.
struct AdvisedError: EndingError, CustomStringConvertible {
  let error: any EndingError
  let advice: String

  var exitStatus: ExitStatus { error.exitStatus }
  var description: String { "\(error); \(advice)" }

  /// Runs `body`, and adds `advice` to an error that it has some for.
  static func during<Output>(
    _ advice: (any EndingError) -> String?, _ body: () throws -> Output
  ) throws -> Output {
    do { return try body() } catch let error as any EndingError {
      throw advice(error).map { AdvisedError(error: error, advice: $0) } ?? error
    }
  }
}

/// Results that could not be written.
enum OutputError: EndingError, CustomStringConvertible {
  case unwritable(place: String, reason: String)

  var exitStatus: ExitStatus { .inputOutput }

  var description: String {
    switch self {
    case .unwritable(let place, let reason):
      "cannot write \(place): \(reason); check free space and permissions"
    }
  }
}
