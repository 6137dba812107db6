import ArgumentParser
import Experiments
import RunRecords

/// The whole loop of one scenario into one run directory, then the report.
struct Demo: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the whole loop of a scenario and write its report.",
    discussion: """
      Trains the SFT policy, has annotators compare its responses, trains the reward model, runs PPO \
      against it and evaluates on new samples.

      Example: rlhf-sim demo --seed 2 --out runs/second
      """)

  @OptionGroup var options: LoopOptions

  func run() throws {
    let (scenario, notes) = try options.scenario.read(for: .demo)
    try recorded(options, scenario: scenario, command: .demo, notes: notes) { try $0.demo() }
  }
}
