import ArgumentParser
import Experiments
import Foundation
import Preferences
import RunRecords

/// Options of commands that add keys to the rows of a file.
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
