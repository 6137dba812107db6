import AlignmentLoop
import ArgumentParser
import Foundation
import Reports
import RunRecords
import Tensors

/// The whole loop of one scenario into one run directory, then the report.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the whole loop of a scenario and write its report.")

  @OptionGroup var options: LoopOptions

  func run() throws {
    let scenario = try options.readScenario()
    try recorded(options, scenario: scenario, command: "demo") { recorder, directory in
      let loop = try AlignmentLoop(
        scenario, seed: options.seed, workers: options.workers, observer: recorder)
      let run = try LoopRun(loop, in: directory)
      let summary = try run.demo()
      try print(result: summary, of: directory, seconds: recorder.stageSeconds, options)
    }
  }
}
