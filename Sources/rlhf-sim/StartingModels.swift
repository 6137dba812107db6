import ArgumentParser
import Experiments
import Foundation
import LanguageModels
import RLHF
import RunRecords

/// Prompts that take the place of the scenario's.
struct PromptOptions: ParsableArguments {
  @Option(
    help: """
      Prompts: rows with "prompt" (a text or messages) or "prompt_ids", or plain text, one a line; \
      repeatable. (default: the scenario's)
      """)
  var prompts: [String] = []

  @OptionGroup var reading: ReadingOptions

  func validate() throws {
    try ReadingOptions.requireOneStandardInput(("--prompts", prompts))
  }

  var files: [URL] { prompts.map { URL(filePath: $0) } }
}

/// The policy and the reward model that a command goes on from.
struct StartingModels: ParsableArguments {
  @Option(help: "Directory of the policy to start from. (default: the one that ships)")
  var policy: String?

  @Option(
    help: """
      Directory of the reward model, where `ppo.reward` has one. (default: the one that ships)
      """)
  var reward: String?

  /// Models that go together, and the scenario with their shape.
  struct Loaded {
    let scenario: Scenario
    let policy: LoadedModel<LanguageModel>
    /// Nil where `ppo.reward` has commands and no reward model among its sources.
    let reward: LoadedModel<RewardModel>?
    /// What the person should know of them.
    let notes: [String]

    var directories: [URL] { [policy.directory] + [reward?.directory].compactMap(\.self) }

    /// Refuses models that do not speak the words of the scenario's world.
    func requireWorld(remedy: String) throws {
      try Shipped.requireWorld(
        of: scenario, remedy: remedy, policy.requireWorld, { try reward?.requireWorld(of: $0) })
    }

    /// Whether both models have the words of the scenario's world.
    var knowsWorld: Bool { (try? requireWorld(remedy: "")) != nil }

    /// The prompts of files; without one those of the world, whose words the models must know.
    func prompts(_ options: PromptOptions) throws -> (source: PromptSource, notes: [String]) {
      guard !options.prompts.isEmpty else {
        try requireWorld(remedy: "give prompts with --prompts")
        return (.world, [])
      }
      return try PromptSource.reading(
        options.files, as: options.reading.reading(policy.chatFormat), for: policy,
        reward: reward, scenario: scenario)
    }
  }

  func load(_ options: LoopOptions, for command: ScenarioCommand) throws -> Loaded {
    let (scenario, unused) = try options.scenario.read(for: command, goingOnFrom: policy)
    let policy = try Shipped.policy(or: policy, option: "--policy")
    if let reward, !scenario.ppo.reward.needsRewardModel {
      throw LoopError.input(
        "--reward \(reward): `ppo.reward` has a command and no reward model among its sources; leave "
          + "--reward out, or add the source model to `ppo.reward.sources`")
    }
    let judge =
      scenario.ppo.reward.needsRewardModel
      ? try Shipped.reward(or: reward, option: "--reward") : nil
    if let judge { try policy.requireVocabulary(of: judge) }
    let (adopted, notes) = try policy.adopted(
      by: scenario, overrides: options.scenario.overrides)
    let padding = [judge?.model.model.paddingNote].compactMap(\.self)
    return Loaded(
      scenario: adopted, policy: policy, reward: judge, notes: unused + notes + padding)
  }
}

/// The models that a command works with when none are named.
enum Shipped {
  static func policy(
    or directory: String?, option: String
  ) throws -> LoadedModel<LanguageModel> {
    try LoadedModel(policy: place(directory, "checkpoints/sentiment/sft", option))
  }

  static func reward(or directory: String?, option: String) throws -> LoadedModel<RewardModel> {
    try LoadedModel(reward: place(directory, "checkpoints/sentiment/reward", option))
  }

  /// Refuses a whole run as a model.
  ///
  /// - Parameters:
  ///   - name: what its checkpoints are that will do, with a verb.
  ///   - checkpoints: those, the likeliest first.
  static func refuse(
    run model: String, called name: String, _ checkpoints: RunCheckpoint...
  ) throws(LoopError) {
    guard let run = try? RunDirectory.open(URL(filePath: model)) else { return }
    let place = model.hasSuffix("/") ? model : model + "/"
    let found = checkpoints.filter(run.has).map { "--model \(place)\($0.rawValue)" }
    throw .input(
      "\(model) is a run; its \(name) "
        + (found.isEmpty ? "not saved yet" : found.joined(separator: ", ")))
  }

  /// Refuses models that do not have the words of a scenario's world.
  ///
  /// - Parameter remedy: what to do instead of needing the world.
  static func requireWorld(
    of scenario: Scenario, remedy: String, _ check: (Scenario) throws -> Void...
  ) throws {
    try AdvisedError.during {
      guard case LoopError.world = $0 else { return nil }
      return "name the scenario it was trained on with --scenario, or \(remedy)"
    } _: {
      for check in check { try check(scenario) }
    }
  }

  private static func place(
    _ directory: String?, _ shipped: String, _ option: String
  ) throws(LoopError) -> URL {
    if let directory { return URL(filePath: directory) }
    if let place = ProjectFiles.find(shipped) { return place }
    throw .input(
      "\(shipped) is neither here nor above the program; name a checkpoint with \(option), or work "
        + "in the project's directory")
  }
}

extension GivenPreferences {
  /// Reads preference rows under a bar that goes when they are read; a million take a while.
  init(
    _ files: [String], heldOut: [String] = [], as reading: ReadingOptions,
    for base: LoadedModel<LanguageModel>, scenario: Scenario,
    objective: RewardObjective? = nil, options: LoopOptions
  ) throws {
    let bar = ProgressBar(
      stage: "reading rows", total: 0, unit: "rows", terminal: options.machine.terminal)
    defer { bar.abandon() }
    try self.init(
      files.map { URL(filePath: $0) }, heldOut: heldOut.map { URL(filePath: $0) },
      as: reading.reading(base.chatFormat), for: base, scenario: scenario, objective: objective,
      seed: options.seed,
      progress: { bar.update($0) })
  }
}
