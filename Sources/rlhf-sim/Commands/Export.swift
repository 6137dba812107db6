import ArgumentParser
import Foundation
import RunRecords

/// `export`: a run's records as tables.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a run's metrics, figures and samples as CSV files.",
    discussion: """
      sft.csv, reward.csv and ppo.csv have one row per step; evaluation.csv one per figure; \
      samples.csv one per prompt; tokens.csv one per token of the saved rollouts. (The JSON lines in \
      metrics/ need no export: pandas.read_json(path, lines=True).)

      Example: rlhf-sim export runs/demo --csv --out tables
      """)

  @Argument(help: "The run directory.", completion: .directory)
  var runDirectory: String

  @Flag(help: "Write comma-separated values.")
  var csv = false

  @Option(
    help: "Directory for the files. (default: the run's name and -csv, beside it)",
    completion: .directory)
  var out: String?

  @Flag(help: "Replace existing files.")
  var force = false

  func validate() throws {
    if !csv { throw ValidationError("Say in what form: --csv.") }
  }

  func run() throws {
    let run = try RunDirectory.open(URL(filePath: runDirectory))
    let tables = try run.tables()
    let place =
      out.map { URL(filePath: $0) }
      ?? run.url.deletingLastPathComponent().appending(path: run.url.lastPathComponent + "-csv")
    let files = tables.map { (file: place.appending(path: $0.name + ".csv"), table: $0.table) }
    if !force, let taken = files.first(where: { AtomicFile.exists($0.file) }) {
      throw RunRecordsError.alreadyExists(path: taken.file.path)
    }
    for (file, table) in files {
      try AtomicFile.write(table.text, to: file)
      try Output.write(file.path + "\n")
    }
  }

}
