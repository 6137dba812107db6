package import LanguageModels
package import Settings

/// The reward of a response, before the KL penalty.
package struct PPORewardConfiguration: Configurable, Equatable {
  package enum Source: String, Sendable, CaseIterable, SettingValue {
    /// The normalised score of the reward model.
    case model
    /// The world's gold reward.
    case gold
    /// 1 where the gold reward reaches a threshold, else 0.
    case verifier
  }

  package var source = Source.model
  package var threshold = 0.0
  package var relative = false

  package init() {}

  package static let fields = [
    Field("source", \Self.source, "what judges a response: model, gold or verifier"),
    Field(
      "threshold", \Self.threshold, "gold reward from which the verifier gives 1",
      onlyIf: .setting("source", \.source) { $0 == .verifier }),
    Field(
      "relative", \Self.relative,
      "whether the score of a response of the reference policy to the same prompt is subtracted"),
  ]
}

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

  /// The keys under `ppo` that the recipe decides, each with its value in YAML: the same keys for
  /// all recipes, so that going from one to another leaves nothing behind.
  package var assignments: [(key: String, value: String)] {
    guard let recipe else { return [] }
    return [
      ("kl.coefficient", "\(recipe.coefficient)"),
      ("kl.controller", recipe.target == nil ? "fixed" : "adaptive"),
      ("kl.target", "\(recipe.target ?? 6)"),
      ("kl.estimator", "k1"),
      ("kl.placement", "reward"),
      ("lambda", "0.95"),
      ("clip_range", "0.2"),
      ("value_clip_range", "0.2"),
      ("epochs", "\(recipe.epochs)"),
      ("minibatches", "\(recipe.minibatches)"),
      ("score_clip", recipe.scoreClip.map { "\($0)" } ?? "null"),
      ("whiten_advantages", "\(recipe.whitensAdvantages)"),
      ("whiten_rewards", "\(recipe.whitensRewards)"),
      ("missing_end", recipe.missingEOS),
      ("missing_end_penalty", "1"),
      ("temperature", "\(recipe.temperature)"),
      ("average_decay", recipe.emaDecay.map { "\($0)" } ?? "null"),
      ("pretraining_weight", "\(recipe.pretrainingWeight)"),
      ("reward.relative", "\(recipe.isRelative)"),
      ("value_model", recipe.valueModel),
      ("value_weight", "0.1"),
      ("policy.schedule", "linear"),
      ("policy.epsilon", "\(recipe.epsilon)"),
      ("policy.epsilon_placement", recipe.epsilonPlacement),
      ("value.schedule", "linear"),
      ("value.epsilon", "\(recipe.epsilon)"),
      ("value.epsilon_placement", recipe.epsilonPlacement),
    ]
  }

  private struct Recipe {
    var coefficient: Double
    var target: Double?
    var epochs = 4
    var minibatches = 1
    var scoreClip: Double?
    var whitensAdvantages = true
    var whitensRewards = false
    var missingEOS = "keep"
    var temperature = 1.0
    var emaDecay: Double?
    var pretrainingWeight = 0.0
    var isRelative = false
    var valueModel = "separate"
    var epsilon = 1e-8
    var epsilonPlacement = "corrected"
  }

  private var recipe: Recipe? {
    switch self {
    case .none: nil
    case .openAI2019:
      Recipe(
        coefficient: 0.15, target: 6, whitensRewards: true, missingEOS: "replace",
        temperature: 0.7, valueModel: "shared", epsilon: 1e-5,
        epsilonPlacement: "uncorrected")
    case .instructGPT:
      Recipe(
        coefficient: 0.02, epochs: 1, minibatches: 8, emaDecay: 0.992, pretrainingWeight: 27.8)
    case .trl: Recipe(coefficient: 0.05, missingEOS: "subtract", temperature: 0.7)
    case .trlx: Recipe(coefficient: 0.001, minibatches: 4, scoreClip: 10, isRelative: true)
    case .deepSpeedChat:
      Recipe(
        coefficient: 0.1, epochs: 1, scoreClip: 5, whitensAdvantages: false,
        pretrainingWeight: 27.8)
    }
  }
}
