import Experiments
import Foundation
import LanguageModels
import RLHF

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
