import ArgumentParser
import Foundation
import RunRecords

/// `export`: a run's records as tables.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a run's metrics, figures and samples as CSV files.",
    discussion: """
      sft.csv, reward.csv and ppo.csv have a row a step; evaluation.csv a row a figure; samples.csv \
      a row a prompt; tokens.csv a row for each token of the rollouts that were kept. (The JSON lines \
      in metrics/ of a run need no export: pandas.read_json(path, lines=True).)

      Example: rlhf-sim export runs/demo --csv --out tables
      """)

  @Argument(help: "The run directory.", completion: .directory)
  var runDirectory: String

  @Flag(help: "As comma-separated values.")
  var csv = false

  @Option(
    help: "Where the files go. (default: the run's name and -csv, beside it)",
    completion: .directory)
  var out: String?

  @Flag(help: "Replace files of these names that are there.")
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
