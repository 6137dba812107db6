import AlignmentLoop
import ArgumentParser
import Foundation
import Preferences

/// What commands have that complete the rows of a file.
struct RowOptions: ParsableArguments {
  @Option(help: "Rows to complete, as JSON lines.")
  var input: String

  @Option(help: "Where the completed rows go; a file there is replaced. (default: standard output)")
  var output: String?

  @OptionGroup var machine: MachineOptions

  @Flag(help: "Nothing changes: rows are JSON lines anyway.")
  var json = false

  func complete(by rows: ResponseRows) throws {
    var unknown = 0
    try Output.writeLines(to: output) { line in
      unknown = try rows.complete(URL(filePath: input)) { try line($0.line()) }
    }
    if unknown > 0 {
      try machine.observer().note(
        "\(unknown) words of \(input) are not in the vocabulary and are read as `<unk>`")
    }
  }
}
