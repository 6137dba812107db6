import ArgumentParser
import Experiments
import Foundation
import LanguageModels
import RunRecords

extension StoredNumber: ExpressibleByArgument {}

/// `export`: a run's records as tables, or a checkpoint in 16-bit numbers.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a run's metrics, figures and samples as CSV files, or a checkpoint anew.",
    discussion: """
      sft.csv, reward.csv and ppo.csv have one row per step; evaluation.csv one per figure; \
      samples.csv one per prompt; tokens.csv one per token of the saved rollouts. A text that begins \
      with = + - @ has ' before it there, or spreadsheets would compute it. (The JSON lines in \
      metrics/ need no export: pandas.read_json(path, lines=True).)

      With --dtype, a checkpoint is written in numbers of that type; a PEFT adapter is merged into its \
      base model. Runs keep float32, so that they can go on to the same bytes.

      Example: rlhf-sim export runs/demo --csv --out tables
      Example: rlhf-sim export runs/demo/ppo/policy --dtype bfloat16 --out policy-bf16
      """)

  @Argument(
    help: "The run directory; with --dtype, a checkpoint's directory.", completion: .directory)
  var runDirectory: String

  @Flag(help: "Write comma-separated values.")
  var csv = false

  @Option(help: "As a checkpoint of such numbers: float32, bfloat16 or float16.")
  var dtype: StoredNumber?

  @Option(
    help: "Where the files go. (default: the run's name and -csv, beside it; needed for --dtype)",
    completion: .directory)
  var out: String?

  @Flag(help: "Replace existing files.")
  var force = false

  func validate() throws {
    if csv == (dtype != nil) { throw ValidationError("Say in what form: --csv, or --dtype.") }
    if dtype != nil, out == nil { throw ValidationError("Say where with --out.") }
    if dtype != nil, force { throw ValidationError("--force goes with --csv.") }
  }

  func run() throws {
    if let dtype, let out {
      let place = URL(filePath: out)
      try CheckpointCopy.write(URL(filePath: runDirectory), as: dtype, to: place)
      return try Output.write(place.path + "\n")
    }
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
