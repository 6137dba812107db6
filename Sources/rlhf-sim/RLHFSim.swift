import ArgumentParser
import Formats
import Foundation
import Numerics

/// The whole RLHF loop on a laptop.
@main
struct RLHFSim: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rlhf-sim",
    abstract: "The whole RLHF loop on a laptop, with a known gold reward.",
    discussion: """
      Example: rlhf-sim demo
      Then open the report that it names. Results go to standard output, progress and notes to \
      standard error. Exit codes: 0 done, 3 stopped by --strict or an exercise not solved, 64 wrong \
      usage, 65 bad input data, 74 input or output failed, 1 anything else.
      """,
    version: programVersion,
    groupedSubcommands: [
      CommandGroup(
        name: "Loop",
        subcommands: [
          Demo.self, TrainPolicy.self, Annotate.self, Label.self, TrainReward.self,
          OptimizePolicy.self, OptimizeDirectly.self, SampleBest.self, Resume.self, Evaluate.self,
        ]),
      CommandGroup(
        name: "Many runs",
        subcommands: [RunLesson.self, Lessons.self, Sweep.self, Compare.self]),
      CommandGroup(
        name: "Data and model",
        subcommands: [
          DescribeData.self, Generate.self, Score.self, LogProbabilities.self,
        ]),
      CommandGroup(
        name: "Record and machine",
        subcommands: [
          Trace.self, WriteReport.self, Export.self, Scenarios.self, Check.self,
          Bench.self, Tokenize.self,
        ]),
    ])

  /// The one place where commands begin and where their errors end.
  static func main() {
    StandardStreams.reserve()
    // Help and the like are printed into a buffer, which is written last of all.
    atexit { if fflush(nil) != 0 { _exit(ExitStatus.inputOutput.rawValue) } }
    // A reader that goes away (`| head`) ends the program quietly, also where the parent ignores it.
    signal(SIGPIPE, SIG_DFL)
    // A file that grows beyond `ulimit -f` is an error of writing, after which nothing is left over.
    signal(SIGXFSZ, SIG_IGN)
    do {
      try requireArgumentsInUTF8()
      var command = try parseAsRoot()
      NumericalLibraries.prepare()
      try command.run()
    } catch {
      guard let failure = Failure(error) else { exit(withError: error) }
      failure.exit()
    }
  }
}

extension RLHFSim {
  /// An argument in other bytes, such as a path in Latin-1, would name another file than was meant.
  private static func requireArgumentsInUTF8() throws {
    for index in 1..<max(1, Int(CommandLine.argc)) {
      guard let argument = CommandLine.unsafeArgv[index], String(validatingCString: argument) == nil
      else { continue }
      throw ValidationError(
        "Argument \(index), `\(String(cString: argument).withVisibleControls)`, is not UTF-8; rename "
          + "the file, or give a link to it.")
    }
  }
}

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
    message =
      "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
      .shortened(to: Output.longestMessage).withVisibleControls
  }

  func exit() -> Never {
    StandardStreams.writeError("error: \(message)\n")
    // Not `exit`, which waits for the threads of OpenBLAS: where the address space is too small, one of
    // them asks for memory for ever.
    fflush(nil)
    _exit(status.rawValue)
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
