package import LanguageModels
package import Settings

/// Low-rank adapters that learn in place of the policy's matrices (Hu et al. 2021).
package struct LoRAConfiguration: Configurable, Equatable {
  package var rank: Int?
  var alpha = 16.0
  package var targets = AdapterTarget.allCases

  package init() {}

  package static let fields = [
    Field(
      "rank", \Self.rank,
      "r of the adapters B A, [outputs, r] times [r, inputs]: the policy's weights stay those of "
        + "the reference, which then costs no memory, and only the adapters learn; null for none",
      in: 1...4_096),
    Field(
      "alpha", \Self.alpha, "α: a matrix is used as W + (α / r) B A, and saved as that sum",
      in: Above(0.0),
      onlyIf: hasRank),
    Field(
      "targets", \Self.targets,
      "which matrices have one; queries, keys and values are one matrix with one A, and so are the "
        + "two inputs of the feed-forward block; without language-head, tokens with "
        + "equal logits in the reference are hard to separate", onlyIf: hasRank),
  ]

  private static let hasRank = Condition<Self>.setting("rank", is: "a number, such as 8") {
    $0.rank != nil
  }

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    if targets.isEmpty {
      throw location.key("targets").error(
        "no matrix has an adapter", advice: "name at least one, such as query-key-value")
    }
  }
}

extension AdapterTarget: SettingValue {}

/// Published recipes, so that they can be run on one task and compared.
package enum PPOPreset: String, Sendable, CaseIterable, SettingValue {
  case none
  /// Ziegler et al. 2019, "Fine-tuning language models from human preferences".
  case openAI2019 = "openai-2019"
  /// Ouyang et al. 2022, appendix C.
  case instructGPT = "instructgpt"
  /// TRL's `PPOConfig`, version 1.10.
  case trl
  /// trlX's `ppo_sentiments` example.
  case trlx
  /// DeepSpeed-Chat, step 3.
  case deepSpeedChat = "deepspeed-chat"

  /// The keys under `ppo` that the recipe sets, each with its value in YAML: the same keys for all
  /// recipes, so that changing from one to another leaves nothing behind.
  package var assignments: [(key: String, value: String)] {
    self == .none ? [] : Self.common.map { ($0.key, own[$0.key] ?? $0.value) }
  }

  private static let common: KeyValuePairs = [
    "kl.coefficient": "0.05", "kl.controller": "fixed", "kl.target": "6", "kl.estimator": "k1",
    "kl.placement": "reward", "lambda": "0.95", "clip_range": "0.2", "value_clip_range": "0.2",
    "epochs": "4", "minibatches": "1", "score_clip": "null", "whiten_advantages": "true",
    "whiten_rewards": "false", "missing_end": "keep", "missing_end_penalty": "1",
    "temperature": "1", "average_decay": "null", "pretraining_weight": "0",
    "reward.relative": "false", "value_model": "separate", "value_weight": "0.1",
    "policy.schedule": "linear", "policy.epsilon": "1e-8", "policy.epsilon_placement": "corrected",
    "value.schedule": "linear", "value.epsilon": "1e-8", "value.epsilon_placement": "corrected",
  ]

  /// Where the recipe differs from the others.
  private var own: [String: String] {
    switch self {
    case .none: [:]
    case .openAI2019:
      [
        "kl.coefficient": "0.15", "kl.controller": "adaptive", "whiten_rewards": "true",
        "missing_end": "replace", "temperature": "0.7", "value_model": "shared",
        "policy.epsilon": "1e-5", "policy.epsilon_placement": "uncorrected",
        "value.epsilon": "1e-5", "value.epsilon_placement": "uncorrected",
      ]
    case .instructGPT:
      [
        "kl.coefficient": "0.02", "epochs": "1", "minibatches": "8", "average_decay": "0.992",
        "pretraining_weight": "27.8",
      ]
    case .trl: ["missing_end": "subtract", "temperature": "0.7"]
    case .trlx:
      [
        "kl.coefficient": "0.001", "minibatches": "4", "score_clip": "10",
        "reward.relative": "true",
      ]
    case .deepSpeedChat:
      [
        "kl.coefficient": "0.1", "epochs": "1", "score_clip": "5", "whiten_advantages": "false",
        "pretraining_weight": "27.8",
      ]
    }
  }
}
