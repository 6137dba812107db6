import ArgumentParser
import Experiments
import Foundation
import Numerics
import Preferences
import RunRecords

/// Options of every command that computes.
struct MachineOptions: ParsableArguments {
  @Option(help: "Threads. They change the speed, never the results. (default: all cores)")
  var threads: Int?

  @Flag(help: "Print no progress and no notes.")
  var quiet = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads); it must be from 1 to 1024.")
    }
  }

  var workers: Workers {
    Workers(count: threads ?? ProcessInfo.processInfo.activeProcessorCount)
  }

  var terminal: Terminal { .standardError(isQuiet: quiet) }

  /// Prints a note to standard error.
  func note(_ text: String) {
    if !quiet { FileHandle.standardError.write(Data("note: \(text)\n".utf8)) }
  }

  /// Shows progress and notes and saves nothing.
  func observer() throws -> RunRecorder { try RunRecorder(directory: nil, terminal: terminal) }
}

/// The scenario and the seed.
struct ScenarioOptions: ParsableArguments {
  @Option(
    help: "A scenario by name, or the path of its YAML file.",
    completion: .file(extensions: ["yaml"]))
  var scenario = "sentiment"

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Override a key of the scenario.", valueName: "key.path=value"))
  var overrides: [String] = []

  @Option(help: "Seed of all random numbers: the same seed gives the same bytes.")
  var seed: UInt64 = 1

  /// The scenario, and notes about keys that the command does not use.
  func read(for command: ScenarioCommand) throws -> (scenario: Scenario, notes: [String]) {
    try ProjectFiles.scenario(scenario, overrides: overrides, for: command)
  }
}

/// Options of every command that runs stages of the loop and saves a run.
struct LoopOptions: ParsableArguments {
  @OptionGroup var scenario: ScenarioOptions

  @Option(
    help: "The run directory. (default: runs/COMMAND, or the first free runs/COMMAND-N)",
    completion: .directory)
  var out: String?

  @Flag(help: "Replace the run that is in --out.")
  var force = false

  @OptionGroup var machine: MachineOptions

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    if out?.isEmpty == true { throw ValidationError("--out is empty; name a directory.") }
  }

  var seed: UInt64 { scenario.seed }
  var workers: Workers { machine.workers }
}

/// What commands have that complete the rows of a file.
struct RowOptions: ParsableArguments {
  @Option(help: "Rows as JSON lines: .jsonl, .jsonl.gz, or - for standard input.")
  var input: String

  @Option(help: "File for the rows; an existing one is replaced. (default: standard output)")
  var output: String?

  @OptionGroup var machine: MachineOptions

  /// Shows a bar named `stage` meanwhile.
  func complete(_ stage: String, by rows: ResponseRows) throws -> ResponseRows.Summary {
    let input = URL(filePath: input)
    let terminal = terminal
    // Counted only for someone who watches: it takes reading the file once more.
    let total = terminal.isInteractive && !terminal.isQuiet ? try ResponseRow.count(in: input) : nil
    let bar = ProgressBar(stage: stage, total: total ?? 0, unit: "rows", terminal: terminal)
    var summary = ResponseRows.Summary()
    do {
      try Output.writeLines(to: output) { line in
        summary = try rows.complete(input, progress: { bar.update($0) }) { try line($0.line()) }
      }
    } catch {
      bar.abandon()
      throw error
    }
    bar.finish()
    if summary.unknownWords > 0 {
      machine.note(
        "\(summary.unknownWords) words of \(self.input == "-" ? "standard input" : self.input) "
          + "are not in the vocabulary and are read as `<unk>`")
    }
    return summary
  }

  /// Rows that scroll by on a terminal are progress enough; a bar would be drawn into them.
  private var terminal: Terminal {
    var terminal = machine.terminal
    if output == nil, isatty(STDOUT_FILENO) == 1 { terminal.isInteractive = false }
    return terminal
  }
}
