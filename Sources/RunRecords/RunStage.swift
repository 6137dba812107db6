package import Foundation
package import Statistics

/// The stages of a run in their order, each under the name that people are shown.
package enum RunStage: String, Sendable, CaseIterable {
  /// The policy on whole noisy texts; its metrics are the beginning of those of ``sft``.
  case pretraining
  /// The policy on clean responses to prompts.
  case sft = "fine-tuning"
  /// Annotators judge samples of the policy.
  case annotation
  /// The trunk of a reward model that has a size of its own, on the texts of fine-tuning.
  case rewardTrunk = "reward trunk"
  /// The reward model on preference pairs.
  case reward = "reward model"
  /// The policy against the reward model.
  case ppo = "PPO"
  /// The policy on comparisons, without a reward model.
  case dpo = "DPO"
  case evaluation
  case bestOfN = "best of n"
  case exactOptimum = "exact optimum"

  /// Those that train something and have metrics of their own.
  package static let trained: [RunStage] = [.sft, .reward, .ppo, .dpo]

  /// What its metrics and events are called; nil where nothing is trained.
  package var records: String? {
    switch self {
    case .pretraining, .sft: "sft"
    case .reward: "reward"
    case .ppo: "ppo"
    case .dpo: "dpo"
    case .annotation, .rewardTrunk, .evaluation, .bestOfN, .exactOptimum: nil
    }
  }

  /// The metrics that it records.
  package var metrics: [Metric] {
    switch self {
    case .pretraining, .sft: Metric.supervisedTuning
    case .reward: Metric.rewardModel
    case .ppo: Metric.policyOptimization + Metric.costs
    case .dpo: Metric.directPreference
    case .annotation, .rewardTrunk, .evaluation, .bestOfN, .exactOptimum: []
    }
  }
}

/// A checkpoint that a run directory may hold.
package enum RunCheckpoint: String, Sendable, CaseIterable {
  /// The supervised policy, with which everything else starts.
  case sft
  /// The fine-tuned decoder that a reward model of its own size starts from.
  case rewardTrunk = "reward-trunk"
  /// The reward model.
  case reward
  /// The policy after optimization.
  case policy = "ppo/policy"
  /// The value model after optimization.
  case value = "ppo/value"
  /// The frozen policy that the KL penalty is measured against.
  case reference
}

/// A set of preference rows.
package enum RunPreferences: String, Sendable, CaseIterable {
  /// The rows the reward model is trained on.
  case train
  /// The held-out rows.
  case eval
}

/// `state/stage.json`: how far the stage that was running had come.
package struct StageState: Codable, Sendable, Equatable {
  /// The stage's name.
  package var stage: String
  /// Its steps that are done, as its metrics count them.
  package var step: Int
  /// What the stage saves beside tensors, such as the coefficient of a controller.
  package var numbers: [String: Double]

  package init(stage: String, step: Int, numbers: [String: Double]) {
    self.stage = stage
    self.step = step
    self.numbers = numbers
  }

  /// Writes the file into a directory that becomes the run's `state/`.
  ///
  /// - Throws: `unwritable`, or `notFinite` for a number that is none.
  package func write(to url: URL) throws(RunRecordsError) {
    try RecordJSON.write(self, to: url)
  }

  /// - Throws: `unreadable` or `malformed`.
  package static func read(from run: RunDirectory) throws(RunRecordsError) -> StageState {
    let url = run.stageState
    let state = try RecordJSON.read(StageState.self, at: url)
    guard state.step >= 0 else {
      throw .malformed(path: url.path, line: nil, reason: "`step` is \(state.step), below 0")
    }
    return state
  }
}
