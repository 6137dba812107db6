import ArgumentParser
import Experiments
import Foundation
import LanguageModels
import RLHF
import RunRecords

/// `dpo`: a policy from comparisons, without a reward model in between.
struct OptimizeDirectly: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dpo",
    abstract: "Fine-tune a policy by DPO on comparisons.",
    discussion: """
      The reference is the policy at the start. The reward model scores the result, and the pairs \
      where `dpo.pairs` is on-policy. The policy is saved in ppo/policy of the run.

      Example: rlhf-sim dpo --set dpo.beta=0.3
      Example: rlhf-sim dpo --set dpo.pairs=on-policy
      """)

  @OptionGroup var models: StartingModels

  @Option(help: "Comparisons as JSON lines. (default: the scenario's annotators make them)")
  var preferences: String?

  @OptionGroup var options: LoopOptions

  func run() throws {
    let models = try models.load(options, for: .dpo)
    try models.requireWorld(remedy: "train models of it with `rlhf-sim demo`")
    if preferences != nil, models.scenario.dpo.pairs == .onPolicy {
      throw LoopError.input(
        "--preferences: with `dpo.pairs` on-policy the policy's own responses are compared; leave it "
          + "out, or set dpo.pairs to offline")
    }
    let given = try AdvisedError.during {
      if case LoopError.unusable = $0 { "give other rows with --preferences" } else { nil }
    } _: {
      try preferences.map {
        try GivenPreferences(
          $0, for: models.policy, scenario: models.scenario, options: options)
      }
    }
    try recorded(
      options, scenario: models.scenario, command: .dpo, tokenizer: models.policy.tokenizer,
      inputs: models.directories + [preferences].compactMap { $0.map { URL(filePath: $0) } },
      notes: models.notes + (given?.notes ?? [])
    ) {
      try $0.dpo(models.policy.model, reward: models.reward.model, given: given)
    }
  }
}
