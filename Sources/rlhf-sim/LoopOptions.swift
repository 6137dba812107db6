import AlignmentLoop
import ArgumentParser
import Foundation
import RunRecords
import Settings
import Tensors

/// The options that every command which runs stages of the loop has.
struct LoopOptions: ParsableArguments {
  @Option(help: "A scenario by name, or the path of its YAML file.")
  var scenario = "sentiment"

  @Option(help: "Where the run is kept. (default: runs/NAME of the command)")
  var out: String?

  @Flag(help: "Replace the run that is in --out.")
  var force = false

  @Option(help: "Decides every random number: the same seed gives the same bytes.")
  var seed: UInt64 = 1

  @Option(help: "Threads; they change the speed and never the results. (default: all cores)")
  var threads: Int?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Override a key of the scenario.", valueName: "key.path=value"))
  var overrides: [String] = []

  @Flag(help: "No progress, no notes.")
  var quiet = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads is \(threads); it must be from 1 to 1024.")
    }
  }

  var workers: Workers {
    Workers(count: threads ?? ProcessInfo.processInfo.activeProcessorCount)
  }

  func readScenario() throws -> Scenario {
    try ProjectFiles.scenario(scenario, overrides: overrides)
  }
}
