import ArgumentParser
import Experiments
import Foundation
import LanguageModels
import RLHF

/// The policy and the reward model that a command goes on from.
struct StartingModels: ParsableArguments {
  @Option(help: "Directory of the policy to start from. (default: the one that ships)")
  var policy: String?

  @Option(help: "Directory of the reward model. (default: the one that ships)")
  var reward: String?

  /// Models that go together, and the scenario with their shape.
  struct Loaded {
    let scenario: Scenario
    let policy: LoadedModel<LanguageModel>
    let reward: LoadedModel<RewardModel>
    /// What the person should know of them.
    let notes: [String]

    var directories: [URL] { [policy.directory, reward.directory] }

    /// Refuses models that do not speak the words of the scenario's world.
    func requireWorld(remedy: String) throws {
      try Shipped.requireWorld(
        of: scenario, remedy: remedy, policy.requireWorld, reward.requireWorld)
    }

    /// The prompts of a file; without one those of the world, whose words the models must know.
    func prompts(_ file: String?) throws -> (source: PromptSource, notes: [String]) {
      guard let file else {
        try requireWorld(remedy: "give prompts with --prompts")
        return (.world, [])
      }
      return try PromptSource.reading(
        URL(filePath: file), for: policy, reward: reward, scenario: scenario)
    }
  }

  func load(_ options: LoopOptions, for command: ScenarioCommand) throws -> Loaded {
    let (scenario, unused) = try options.scenario.read(for: command)
    let policy = try Shipped.policy(or: policy, option: "--policy")
    let reward = try Shipped.reward(or: reward, option: "--reward")
    try policy.requireVocabulary(of: reward)
    let (adopted, notes) = try policy.adopted(
      by: scenario, overrides: options.scenario.overrides)
    return Loaded(scenario: adopted, policy: policy, reward: reward, notes: unused + notes)
  }
}
