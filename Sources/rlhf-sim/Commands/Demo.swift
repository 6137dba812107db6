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

  @Flag(
    help: """
      Stop before PPO when the reward model has an alert; the exit code is then 3, and \
      `rlhf-sim resume` goes on all the same.
      """)
  var strict = false

  @OptionGroup var options: LoopOptions

  func run() throws {
    let (scenario, notes) = try options.scenario.read(for: .demo)
    try recorded(options, scenario: scenario, command: .demo, notes: notes, isStrict: strict) {
      try $0.demo()
    }
  }
}
