import ArgumentParser
import Experiments
import Formats
import Foundation
import LanguageModels
import Numerics
import Preferences
import RLHF
import RunRecords
import Settings

/// How an error ends the program: one line on standard error and an exit code of sysexits.h.
struct Failure {
  let message: String
  let code: Int32

  private static let badData: Int32 = 65  // EX_DATAERR
  private static let inputOutput: Int32 = 74  // EX_IOERR

  /// Nil for what the argument parser says itself: wrong usage, help, version.
  init?(_ error: any Error) {
    switch error {
    case is ValidationError, is CleanExit, is ExitCode: return nil
    case OutputError.unwritable, CheckpointError.unwritable, RunRecordsError.unwritable,
      FileWritingError.unwritable:
      code = Self.inputOutput
    case RunRecordsError.notFinite, is NonFiniteError: code = EXIT_FAILURE
    case is SettingsError, is CheckpointError, is TokenizerError, is PreferenceError,
      is ModelError, is LoopError, is RewardModelingError, is RunRecordsError,
      is FileWritingError, is TrainingStateError:
      code = Self.badData
    case is CocoaError: code = Self.inputOutput
    default:
      // The argument parser's own errors have no public type; it knows their codes.
      guard RLHFSim.exitCode(for: error) == .failure else { return nil }
      code = EXIT_FAILURE
    }
    message = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
  }

  func exit() -> Never {
    FileHandle.standardError.write(Data("error: \(message)\n".utf8))
    Foundation.exit(code)
  }
}

/// Results that could not be written.
enum OutputError: Error, CustomStringConvertible {
  case unwritable(place: String, reason: String)

  var description: String {
    switch self {
    case .unwritable(let place, let reason):
      "cannot write \(place): \(reason); check free space and permissions"
    }
  }
}
