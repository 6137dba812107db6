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

  @Option(
    help: """
      Preference rows, in any shape that `rlhf-sim data` reads; repeatable. (default: the scenario's \
      annotators make them)
      """)
  var preferences: [String] = []

  @OptionGroup var reading: ReadingOptions

  @OptionGroup var options: LoopOptions

  func validate() throws {
    try ReadingOptions.requireOneStandardInput(("--preferences", preferences))
  }

  func run() throws {
    let models = try AdvisedError.during {
      guard case LoopError.vocabulary = $0, !preferences.isEmpty, self.models.reward == nil else {
        return nil
      }
      return "name a --reward; `rlhf-sim train-reward --base POLICY --preferences FILE` trains one"
    } _: {
      try self.models.load(options, for: .dpo)
    }
    if preferences.isEmpty {
      try models.requireWorld(remedy: "give rows with --preferences")
    }
    if !preferences.isEmpty, models.scenario.dpo.pairs == .onPolicy {
      throw LoopError.input(
        "--preferences: with `dpo.pairs` on-policy the policy's own responses are compared; leave it "
          + "out, or set dpo.pairs to offline")
    }
    let given = try AdvisedError.during {
      if case LoopError.unusable = $0 { "give other rows with --preferences" } else { nil }
    } _: {
      preferences.isEmpty
        ? nil
        : try GivenPreferences(
          preferences, as: reading, for: models.policy, scenario: models.scenario,
          objective: models.scenario.dpo.rowsObjective, options: options)
    }
    var (source, notes) = (PromptSource.world, models.notes + (given?.notes ?? []))
    if let given, !models.knowsWorld {
      // No world says prompts to measure the policy on; the rows have some that are not trained on.
      let prompts = try given.prompts(for: models.policy, models.reward, scenario: models.scenario)
      source = .files(prompts)
      notes.append(
        "the models do not have the vocabulary of the scenario `\(models.scenario.name)`: policies are "
          + "measured on \(prompts.count) prompts of held-out rows, without gold")
    }
    try recorded(
      options, scenario: models.scenario, command: .dpo, tokenizer: models.policy.tokenizer,
      prompts: source,
      inputs: models.directories + preferences.map { URL(filePath: $0) }, notes: notes
    ) {
      try $0.dpo(models.policy.model, reward: models.reward?.model, given: given)
    }
  }
}
