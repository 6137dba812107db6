import ArgumentParser
import Experiments
import Foundation
import LanguageModels
import RunRecords

/// A reward model, from annotators or from files.
struct TrainReward: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a reward model on comparisons.",
    discussion: """
      Without files, the scenario's annotators compare samples of the base policy. The model is saved \
      in reward/ of the run.

      Example: rlhf-sim train-reward
      With your own rows: rlhf-sim train-reward --preferences pairs.jsonl --set reward.epochs=3
      """)

  @Option(help: "Directory of the policy whose trunk it starts from. (default: the one that ships)")
  var base: String?

  @Option(help: "Preference rows to train on, in any shape that `rlhf-sim data` reads. Repeatable.")
  var preferences: [String] = []

  @Option(help: "Held-out preference rows; repeatable. (default: some prompts of --preferences)")
  var eval: [String] = []

  @OptionGroup var reading: ReadingOptions

  @Flag(help: "Print all figures, and what each alert means and what to try.")
  var verbose = false

  @OptionGroup var options: LoopOptions

  func validate() throws {
    if !eval.isEmpty, preferences.isEmpty {
      throw ValidationError("--eval needs --preferences to train on.")
    }
    try ReadingOptions.requireOneStandardInput(("--preferences", preferences), ("--eval", eval))
  }

  func run() throws {
    let (written, unused) = try options.scenario.read(for: .trainReward, goingOnFrom: base)
    let base = try Shipped.policy(or: base, option: "--base")
    let (scenario, notes) = try base.adopted(
      by: written, overrides: options.scenario.overrides)
    let given = try AdvisedError.during {
      guard case LoopError.unusable = $0 else { return nil }
      return "give other rows with --preferences or --eval, or a --base that can hold them"
    } _: {
      preferences.isEmpty
        ? nil
        : try GivenPreferences(
          preferences, heldOut: eval, as: reading, for: base, scenario: scenario,
          options: options)
    }
    if given == nil || scenario.hasRewardTrunk {
      try Shipped.requireWorld(
        of: scenario,
        remedy: given == nil ? "give rows with --preferences" : "leave out `reward.model`",
        base.requireWorld)
    }
    try recorded(
      options, scenario: scenario, command: .trainReward, tokenizer: base.tokenizer,
      inputs: [base.directory] + (preferences + eval).map { URL(filePath: $0) },
      notes: unused + notes + (given?.notes ?? []), isVerbose: verbose
    ) {
      try $0.trainReward(base: base.model, given: given)
    }
  }
}
