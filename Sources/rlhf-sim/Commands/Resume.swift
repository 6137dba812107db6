import ArgumentParser
import Experiments
import Formats
import Foundation
import Numerics
import RunRecords

/// Goes on with an interrupted run.
struct Resume: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Continue an interrupted run.",
    discussion: """
      Takes scenario, seed and models from the run, skips finished stages and continues the \
      interrupted one. The files are then those of a run without interruption, except for times and \
      measured memory.

      Example: rlhf-sim resume runs/demo
      """)

  @Argument(help: "The run directory.")
  var runDirectory: String

  @OptionGroup var machine: MachineOptions

  @Flag(help: "Print the result as JSON.")
  var json = false

  func run() throws {
    let directory = try RunDirectory.open(URL(filePath: runDirectory), writing: true)
    guard directory.hasBegun else {
      throw LoopError.input(
        "\(directory.url.path): the run was interrupted before it had saved its settings; begin it "
          + "again, in the same place with --force")
    }
    var information = try RunInformation.read(from: directory)
    if information.status == .finished {
      machine.note("\(directory.url.path) is finished; these are its figures")
      return try Output.write(EvaluationSummary.read(from: directory), asJSON: json)
    }
    let scenario = try ProjectFiles.scenario(directory.scenario.path)
    try information.requireOrigin(settings: scenario.lines(), in: directory)
    for (what, before, now) in [
      ("version", information.version, programVersion),
      ("processor", information.cpu, Machine.processor),
      ("BLAS core", information.blasCore, NumericalLibraries.blasCore),
    ] where before != now {
      machine.note("the run began with \(what) \(before), and this is \(now): digits may differ")
    }
    information.status = .running
    information.process = ProcessInfo.processInfo.processIdentifier
    information.resumed.append(Date())
    information.ended = nil
    information.error = nil
    information.threads = try machine.workers.count
    let command = information.command
    try RecordedRun(
      directory: directory, information: information, scenario: scenario,
      tokenizer: directory.tokenizer(), prompts: directory.promptSource(), machine: machine,
      isResumed: true, printsJSON: json
    ).run { try $0.resume(command) }
  }
}
