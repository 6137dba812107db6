import ArgumentParser
import Experiments
import RunRecords

/// `sft`: the base policy and the SFT policy of a scenario.
struct TrainPolicy: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sft",
    abstract: "Train the base and SFT policy from the scenario's corpus.",
    discussion: """
      The policy is saved in sft/ of the run.

      Example: rlhf-sim sft --scenario sentiment --set fine_tuning.steps=800
      """)

  @OptionGroup var options: LoopOptions

  func run() throws {
    let (scenario, notes) = try options.scenario.read(for: .sft)
    try recorded(options, scenario: scenario, command: .sft, notes: notes) {
      try $0.sft()
    }
  }
}
