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
