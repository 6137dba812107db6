import Foundation
import TestSupport

/// The built program, run as a person would run it.
enum Program {
  struct Outcome {
    let code: Int32
    let output: String
    let errors: String

    /// Rows of JSON lines on standard output.
    func rows() throws -> [[String: Any]] {
      try output.split(separator: "\n").map {
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
      }
    }
  }

  struct NotFound: Error, CustomStringConvertible {
    var description: String { "rlhf-sim is not beside the tests; build the whole package" }
  }

  /// Stages small enough that the whole loop takes a fraction of a second.
  static let tiny = [
    "pretraining.steps=6", "fine_tuning.steps=6", "preferences.pairs=120",
    "preferences.held_out_pairs=1000", "reward.epochs=1", "ppo.iterations=2", "ppo.episodes=16",
    "evaluation.responses=24", "evaluation.best_of=16", "evaluation.normalization_responses=16",
    "model.width=16",
  ].flatMap { ["--set", $0] }

  /// The same with as many iterations, and as large an n, as the figures of lessons need.
  static let few =
    tiny + ["ppo.iterations=5", "evaluation.best_of=128"].flatMap { ["--set", $0] }

  /// The program lies where the tests were built.
  static func executable() throws -> URL {
    let starts = [Bundle.main.executableURL, URL(filePath: CommandLine.arguments[0])]
    for start in starts.compactMap({ $0?.resolvingSymlinksInPath() }) {
      var directory = start.deletingLastPathComponent()
      for _ in 0..<4 {
        let candidate = directory.appending(path: "rlhf-sim")
        if FileManager.default.isExecutableFile(atPath: candidate.path),
          !candidate.hasDirectoryPath
        {
          return candidate
        }
        directory.deleteLastPathComponent()
      }
    }
    throw NotFound()
  }

  /// Runs the program to its end.
  ///
  /// - Parameters:
  ///   - directory: where it runs; scenarios are found from the program's own place.
  ///   - input: what it reads from standard input; nil for nothing at all.
  ///   - command: what a shell does before it becomes the program, such as `ulimit`.
  static func run(
    _ arguments: [String], in directory: URL, input: String? = nil, after command: String? = nil
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = try executable()
    process.arguments = arguments
    if let command {
      process.executableURL = URL(filePath: "/bin/sh")
      // Sanitizers take more addresses than any limit leaves.
      let steps = command.split(separator: "; ").filter {
        !isSanitized || !$0.hasPrefix("ulimit -v")
      }
      process.arguments =
        ["-c", (steps + [#"exec "$0" "$@""#]).joined(separator: "; "), try executable().path]
        + arguments
    }
    process.currentDirectoryURL = directory
    let output = directory.appending(path: ".output-\(UUID().uuidString)")
    let errors = directory.appending(path: ".errors-\(UUID().uuidString)")
    // Files, not pipes: a pipe that nobody reads would stop the program.
    for file in [output, errors] { try Data().write(to: file) }
    defer { for file in [output, errors] { try? FileManager.default.removeItem(at: file) } }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = FileHandle.nullDevice
    if let input {
      let keys = Pipe()
      try keys.fileHandleForWriting.write(contentsOf: Data(input.utf8))
      try keys.fileHandleForWriting.close()
      process.standardInput = keys
    }
    try process.run()
    process.waitUntilExit()
    return Outcome(
      code: process.terminationReason == .exit ? process.terminationStatus : -1,
      output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self))
  }
}
