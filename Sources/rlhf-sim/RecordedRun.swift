import AlignmentLoop
import Foundation
import Reports
import RunRecords
import Tensors
import Tokenizers

/// Runs `body` with a new run directory and its records, writes the report and prints the figures.
///
/// Everything that may be refused is read before this is called: only here is an earlier run in
/// --out replaced.
///
/// - Parameters:
///   - command: names the default directory, runs/COMMAND.
///   - tokenizer: that of the checkpoints to go on from; nil makes one from the world's words.
///   - notes: what reading the inputs met.
func recorded(
  _ options: LoopOptions, scenario: Scenario, command: String, tokenizer: Tokenizer? = nil,
  notes: [String] = [], _ body: (LoopRun) throws -> EvaluationSummary
) throws {
  let directory = try RunDirectory.create(
    at: options.out.map { URL(filePath: $0) } ?? freePlace(command), force: options.force)
  let information = RunInformation(
    version: version, commandLine: ["rlhf-sim"] + CommandLine.arguments.dropFirst(),
    scenario: scenario.name, seed: options.seed, threads: options.workers.count,
    cpu: Machine.processor, blasCore: NumericalLibraries.blasCore,
    allocator: "jemalloc " + NumericalLibraries.allocatorVersion, started: Date())
  let recorder = try RunRecorder(
    directory: directory, information: information, terminal: options.machine.terminal)
  let summary: EvaluationSummary
  do {
    notes.forEach(recorder.note)
    let loop = try AlignmentLoop(
      scenario, tokenizer: tokenizer, seed: options.seed, workers: options.workers,
      observer: recorder)
    summary = try body(LoopRun(loop, in: directory))
    try recorder.close()
    try Report.write(runDirectory: directory)
  } catch {
    try? recorder.close(error: error)
    throw error
  }
  try Output.write(summary, asJSON: options.json)
  if !options.json {
    let seconds = String(format: "%.1f", recorder.stageSeconds)
    try Output.write("The stages took \(seconds) s. Report: \(directory.report.path)\n")
  }
}

/// The first of runs/COMMAND, runs/COMMAND-2, … that is not there yet.
private func freePlace(_ command: String) -> URL {
  var place = URL(filePath: "runs/\(command)")
  var number = 2
  while FileManager.default.fileExists(atPath: place.path) {
    place = URL(filePath: "runs/\(command)-\(number)")
    number += 1
  }
  return place
}
