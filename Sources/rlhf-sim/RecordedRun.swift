import AlignmentLoop
import Foundation
import Reports
import RunRecords
import Tensors

/// Runs `body` with a new run directory and its records, and writes the report at the end.
///
/// - Parameter command: names the default directory, runs/COMMAND.
func recorded(
  _ options: LoopOptions, scenario: Scenario, command: String,
  _ body: (RunRecorder, RunDirectory) throws -> Void
) throws {
  NumericalLibraries.prepare()
  let directory = try RunDirectory.create(
    at: URL(filePath: options.out ?? "runs/\(command)"), force: options.force)
  let information = RunInformation(
    version: version, commandLine: ["rlhf-sim"] + CommandLine.arguments.dropFirst(),
    scenario: scenario.name, seed: options.seed, threads: options.workers.count,
    cpu: Machine.processor, blasCore: NumericalLibraries.blasCore,
    allocator: "jemalloc " + NumericalLibraries.allocatorVersion, started: Date())
  let recorder = try RunRecorder(
    directory: directory, information: information,
    terminal: .standardError(isQuiet: options.quiet))
  do {
    try body(recorder, directory)
    try recorder.close()
    try Report.write(runDirectory: directory)
  } catch {
    try? recorder.close(error: error)
    throw error
  }
}
