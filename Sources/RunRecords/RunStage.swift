package import Statistics

/// A stage that trains something and records its metrics.
package enum RunStage: String, Codable, Sendable, CaseIterable {
  /// Supervised tuning of the policy on the corpus.
  case sft
  /// The reward model on preference pairs.
  case reward
  /// The policy against the reward model.
  case ppo
  /// The policy on comparisons, without a reward model.
  case dpo

  /// The metrics that it records.
  package var metrics: [Metric] {
    switch self {
    case .sft: Metric.supervisedTuning
    case .reward: Metric.rewardModel
    case .ppo: Metric.policyOptimization + Metric.costs
    case .dpo: Metric.directPreference
    }
  }
}

/// A checkpoint that a run directory may hold.
package enum RunCheckpoint: String, Sendable, CaseIterable {
  /// The supervised policy, with which everything else starts.
  case sft
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
