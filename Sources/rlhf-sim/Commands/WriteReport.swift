import ArgumentParser
import Foundation
import Reports
import RunRecords

/// `report`: report.html again, from the records of a run.
struct WriteReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write report.html of a run again from its records.",
    discussion: "Example: rlhf-sim report runs/demo")

  @Argument(help: "The run directory.", completion: .directory)
  var runDirectory: String

  func run() throws {
    let directory = try RunDirectory.open(URL(filePath: runDirectory))
    try Report.write(runDirectory: directory)
    try Output.write(directory.report.path + "\n")
  }
}
