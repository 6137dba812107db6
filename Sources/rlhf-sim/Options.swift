import ArgumentParser
import Experiments
import Foundation
import LanguageModels
import Numerics
import Preferences
import RunRecords
import Settings

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

  /// As many threads as were given, or fewer where the address space is limited.
  ///
  /// - Throws: ``AddressSpaceError`` where there is none for a single one.
  var workers: Workers {
    get throws {
      var count = threads ?? ProcessInfo.processInfo.activeProcessorCount
      while !NumericalLibraries.hasAddressSpace(forThreads: count) {
        count -= 1
        if count == 0 { throw AddressSpaceError() }
      }
      NumericalLibraries.reserve(forThreads: count)
      return Workers(count: count)
    }
  }

  var terminal: Terminal { .standardError(isQuiet: quiet) }

  /// Prints a note to standard error.
  func note(_ text: String) {
    if !quiet { Output.note(text) }
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
  ///
  /// - Parameter checkpoint: the directory that the run goes on from, whose positions count; nil for the
  ///   one that ships.
  func read(
    for command: ScenarioCommand, goingOnFrom checkpoint: String? = nil
  ) throws -> (scenario: Scenario, notes: [String]) {
    do { return try ProjectFiles.scenario(scenario, overrides: overrides, for: command) } catch {
      guard let checkpoint, error.path == "model.maximum_positions",
        let positions = try? DecoderConfiguration.positions(of: URL(filePath: checkpoint)),
        let read = try? ProjectFiles.scenario(
          scenario, overrides: overrides + ["model.maximum_positions=\(positions)"], for: command)
      else { throw error }
      return read
    }
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
  var workers: Workers { get throws { try machine.workers } }
}

/// What every command has that reads rows.
struct ReadingOptions: ParsableArguments {
  @Option(
    name: .customLong("column"),
    help: ArgumentHelp(
      """
      What a column of the rows is, such as prompt=question; ignore=NAME passes over one. Repeatable; \
      `rlhf-sim data FILE` says what is read without it.
      """, valueName: "role=name"))
  var columns: [String] = []

  @Flag(help: "Pass over rows that cannot be read, and count them.")
  var skip = false

  func validate() throws {
    for column in columns where NamedColumn(column) == nil {
      throw ValidationError(
        "--column \(column) must be ROLE=NAME, with one of these roles: "
          + ColumnNames.roles.joined(separator: ", ") + ".")
    }
    let named = columns.compactMap { NamedColumn($0) }
    for (index, column) in named.enumerated() {
      if let other = named[..<index].first(where: {
        $0.name == column.name || ($0.role == column.role && column.role != "ignore")
      }) {
        throw ValidationError(
          "--column \(column.role)=\(column.name) and \(other.role)=\(other.name) contradict each "
            + "other.")
      }
    }
  }

  /// - Parameter format: how messages become text.
  func reading(_ format: ChatFormat) -> RowReading {
    RowReading(columns: columns.compactMap { NamedColumn($0) }, format: format, skips: skip)
  }

  /// Refuses standard input named twice: it can be read once.
  static func requireOneStandardInput(_ options: (name: String, files: [String])...) throws {
    guard options.flatMap(\.files).count(where: { $0 == "-" }) > 1 else { return }
    let names = options.map(\.name).joined(separator: " or ")
    throw ValidationError("Standard input can be read once: give \(names) a file.")
  }
}

/// What commands have that complete the rows of files.
struct RowOptions: ParsableArguments {
  @Option(
    help: """
      Rows to complete: JSON lines, a JSON list or CSV, also as .gz; - is standard input. Repeatable.
      """)
  var input: [String] = []

  @Option(help: "File for the rows; an existing one is replaced. (default: standard output)")
  var output: String?

  @OptionGroup var reading: ReadingOptions
  @OptionGroup var machine: MachineOptions

  func validate() throws {
    try ReadingOptions.requireOneStandardInput(("--input", input))
  }

  /// Refuses a command without rows.
  func requireInput() throws {
    if input.isEmpty { throw ValidationError("Missing expected argument '--input <input> ...'") }
  }

  /// Shows a bar named `stage` meanwhile.
  func complete(_ stage: String, by rows: ResponseRows) throws -> ResponseRows.Summary {
    rows.notes.forEach(machine.note)
    let input = input.map { URL(filePath: $0) }
    let terminal = terminal
    // Counted only for someone who watches: it takes reading the files once more.
    let total =
      terminal.isInteractive && !terminal.isQuiet ? try ResponseRowReader.count(in: input) : nil
    let bar = ProgressBar(stage: stage, total: total ?? 0, unit: "rows", terminal: terminal)
    var summary = ResponseRows.Summary()
    do {
      try Output.writeLines(to: output) { line in
        summary = try rows.complete(
          input, as: reading.reading(rows.format), progress: { bar.update($0) }
        ) { try line($0.line) }
      }
    } catch {
      bar.abandon()
      throw error
    }
    bar.finish()
    summary.columns.notes.forEach(machine.note)
    for (taken, name) in summary.renamed.sorted(by: { $0.key < $1.key }) {
      machine.note("rows that have `\(taken)` keep it; what is added to them is `\(name)`")
    }
    if let note = summary.formatNote { machine.note(note) }
    if let fault = summary.firstFault {
      machine.note("\(summary.skipped) rows are passed over, the first: \(fault)")
    }
    if summary.unknownWords > 0 {
      let names = self.input.map { $0 == "-" ? "standard input" : $0 }.joined(separator: ", ")
      machine.note(
        "\(summary.unknownWords) words of \(names) are not in the vocabulary and are read as `<unk>`"
      )
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
