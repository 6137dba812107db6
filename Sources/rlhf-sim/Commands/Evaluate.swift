import ArgumentParser
import Experiments
import Foundation
import LanguageModels
import Preferences
import RLHF
import RunRecords

/// The final figures of a run, or of three models, measured anew.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure gold and proxy reward, KL and win rate of a policy.",
    discussion: """
      With --run, checkpoints, scenario and seed are those of the run, and the figures are the same. \
      Nothing is written.

      Example: rlhf-sim evaluate --run runs/demo --json
      """)

  @Option(name: .customLong("run"), help: "A run directory.")
  var runDirectory: String?

  @Option(help: "Directory of the policy.")
  var policy: String?

  @Option(help: "Directory of the reference policy.")
  var reference: String?

  @Option(help: "Directory of the reward model.")
  var reward: String?

  @OptionGroup var prompts: PromptOptions

  @Option(help: "A scenario by name or file. (default: the run's, else sentiment)")
  var scenario: String?

  @Option(
    name: .customLong("set"), parsing: .singleValue,
    help: ArgumentHelp("Override a key of the scenario.", valueName: "key.path=value"))
  var overrides: [String] = []

  @Option(help: "Seed of all random numbers. (default: the run's, else 1)")
  var seed: UInt64?

  @OptionGroup var machine: MachineOptions

  @Flag(help: "Print the contents of evaluation.json.")
  var json = false

  func validate() throws {
    if runDirectory == nil, policy == nil || reference == nil {
      throw ValidationError("Give --run, or all of --policy, --reference and --reward.")
    }
  }

  func run() throws {
    let directory = try runDirectory.map { try RunDirectory.open(URL(filePath: $0)) }
    let (scenario, notes) = try ProjectFiles.scenario(
      scenario ?? directory?.scenario.path ?? "sentiment", overrides: overrides, for: .evaluate)
    notes.forEach(machine.note)
    let seed = try seed ?? directory.map { try RunInformation.read(from: $0).seed } ?? 1
    let needsReward = scenario.ppo.reward.needsRewardModel
    if needsReward, directory == nil, reward == nil {
      throw ValidationError("Give --run, or all of --policy, --reference and --reward.")
    }
    let reward =
      needsReward || reward != nil || directory?.has(.reward) == true
      ? try LoadedModel(reward: place(reward, directory, .reward)) : nil
    func loop(_ tokenizer: Tokenizer, _ prompts: PromptSource = .world) throws -> AlignmentLoop {
      try AlignmentLoop(
        scenario, tokenizer: tokenizer, prompts: prompts, seed: seed, workers: machine.workers,
        observer: machine.observer())
    }
    if let directory, let reward, policy == nil, !directory.has(.policy) {
      // A run of `train-reward`: its reward model is all there is to judge.
      let report = try rewardReport(loop(reward.tokenizer), reward.model, directory)
      try Output.write(EvaluationSummary(reward: report), asJSON: json, isVerbose: true)
      return
    }
    let policy = try LoadedModel(policy: place(policy, directory, .policy))
    let reference = try LoadedModel(policy: place(reference, directory, .reference))
    try policy.requireVocabulary(of: reference)
    if let reward { try policy.requireVocabulary(of: reward) }
    let source: PromptSource
    let kept = (directory?.keptPrompts).map { [$0] } ?? []
    let files = prompts.prompts.isEmpty ? kept : prompts.files
    if !files.isEmpty {
      let (given, notes) = try PromptSource.reading(
        files, as: prompts.reading.reading(policy.chatFormat), for: policy, reward: reward,
        reference: reference, scenario: scenario)
      source = given
      notes.forEach(machine.note)
    } else {
      source = .world
      try Shipped.requireWorld(
        of: scenario, remedy: "give prompts with --prompts", policy.requireWorld,
        reference.requireWorld, { try reward?.requireWorld(of: $0) })
    }
    let judge = try loop(policy.tokenizer, source)
    let (before, after) = try judge.compare(
      policy.model, with: reference.model, reward: reward?.model)
    let report = try reward.flatMap { reward in
      try directory.flatMap { try rewardReport(judge, reward.model, $0) }
    }
    var summary = EvaluationSummary(
      before: before, after: after, reward: report,
      scoredByModel: scenario.ppo.reward.isScoredByModel)
    summary.exact = try judge.compareWithOptimum(
      policy.model, reference: reference.model, reward: reward?.model)
    summary.bestOfN = try judge.bestOfN(reference.model, reward: reward?.model)
    try Output.write(summary, asJSON: json)
  }

  private func place(
    _ option: String?, _ directory: RunDirectory?, _ checkpoint: RunCheckpoint
  ) throws -> URL {
    if let option { return URL(filePath: option) }
    guard let directory, directory.has(checkpoint) else {
      throw LoopError.input(
        "\(directory?.url.path ?? "the run") has no \(checkpoint.rawValue)/; name a run of `demo` or "
          + "`ppo`, or the checkpoints themselves")
    }
    return directory.checkpoint(checkpoint)
  }

  /// The reward model on the comparisons that the run held out, if it did.
  private func rewardReport(
    _ loop: AlignmentLoop, _ reward: RewardModel, _ directory: RunDirectory
  ) throws -> EvaluationSummary.RewardModel? {
    func existing(_ rows: RunPreferences) -> URL? {
      let file = directory.preferences(rows)
      return AtomicFile.exists(file) ? file : nil
    }
    guard let heldOut = existing(.eval) else { return nil }
    var report = try loop.report(
      of: reward, onHeldOutRowsOf: heldOut, trainedOnRowsOf: existing(.train))
    try loop.addAlerts(to: &report, in: directory)
    return report
  }
}

extension RunDirectory {
  /// The prompts that the run was given; nil for a run on those of its world.
  fileprivate var keptPrompts: URL? {
    AtomicFile.exists(givenPrompts) ? givenPrompts : nil
  }
}
