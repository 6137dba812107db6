package import Settings

/// The PPO stage.
package struct PPOConfiguration: Configurable, Equatable {
  /// What happens to the score of a response that reached its longest length without EOS.
  package enum MissingEOS: String, Sendable, CaseIterable, SettingValue {
    /// The score is the penalty instead (Ziegler et al. 2019).
    case replace
    /// The penalty is subtracted from the score (TRL).
    case subtract
    /// The score counts as it is.
    case keep
  }

  /// Who predicts the score.
  package enum ValueModel: String, Sendable, CaseIterable, SettingValue {
    /// A model of its own, which starts from the reward model's trunk.
    case separate
    /// A second head on the policy's decoder.
    case shared
  }

  package var preset = PPOPreset.none
  package var algorithm = PolicyAlgorithm.ppo
  package var iterations = 60
  package var episodes = 128
  package var epochs = 4
  var samplesPerPrompt = 1
  package var minibatches = 4
  var accumulation = 1
  package var reward = PPORewardConfiguration()
  package var policyOptimizer = OptimizerConfiguration(learningRate: 1e-4, epsilon: 1e-5)
  package var valueModel = ValueModel.separate
  var valueWeight = 0.1
  var lora = LoRAConfiguration()
  package var valueOptimizer = OptimizerConfiguration(learningRate: 5e-4, epsilon: 1e-5)
  package var kl = KLConfiguration()
  package var temperature = 1.0
  package var maximumTokens = 16
  package var discount = 1.0
  package var lambda = 0.95
  package var clipRange: Double?
  package var clipRangeHigh: Double?
  var dualClip: Double?
  var entropyBonus = 0.0
  var stopKL: Double?
  var valueClipRange = 0.2
  var whitenAdvantages = true
  var whitenRewards = false
  var scoreClip: Double?
  package var missingEOS = MissingEOS.replace
  var missingEOSPenalty = 1.0
  package var freeze = 0.0
  var emaDecay: Double?
  package var pretrainingWeight = 0.0

  package init() {}

  /// Whether policy and value are two heads of one decoder.
  var sharesTrunk: Bool { algorithm.usesValueModel && valueModel == .shared }

  /// Whether there is a value model that shares nothing with the policy.
  package var hasSeparateValueModel: Bool { algorithm.usesValueModel && valueModel == .separate }

  /// ε_low and ε_high.
  package var clipWidths: (low: Double, high: Double) {
    let low = clipRange ?? algorithm.clipRange
    return (low, clipRangeHigh ?? algorithm.clipRangeHigh ?? low)
  }

  /// 1 − ε_low … 1 + ε_high: beyond it the loss has no gradient.
  var clip: ClosedRange<Double> { 1 - clipWidths.low...1 + clipWidths.high }

  /// Optimizer steps in an iteration.
  var stepsOfIteration: Int { epochs * minibatches }

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    if episodes % minibatches != 0 {
      throw location.key("minibatches").error(
        "\(episodes) episodes do not divide into \(minibatches) minibatches",
        advice: "choose a divisor of episodes, so that every step weighs the same")
    }
    if episodes % samplesPerPrompt != 0 {
      throw location.key("samples_per_prompt").error(
        "\(episodes) episodes do not divide into groups of \(samplesPerPrompt)",
        advice: "choose a divisor of episodes")
    }
    if accumulation > episodes / minibatches {
      throw location.key("accumulation").error(
        "a minibatch of \(episodes / minibatches) cannot be cut into \(accumulation) pieces",
        advice: "lower it, or lower `minibatches`")
    }
    if algorithm.usesGroups, samplesPerPrompt < 2 {
      throw location.key("samples_per_prompt").error(
        "`\(algorithm.rawValue)` compares responses to the same prompt with each other",
        advice: "set it to 2 or more, such as 4")
    }
    if kl.placement == .loss, algorithm == .rejectionSampling {
      throw location.key("kl").key("placement").error(
        "`rejection-sampling` uses the penalty only in the reward",
        advice: "set it to reward")
    }
    if freeze == 1 {
      throw location.key("freeze").error(
        "no layer would be trained", advice: "choose a smaller fraction, such as 0.5")
    }
  }
}

extension PPOConfiguration {
  package static let fields = recipe + rollouts + rewards + advantages + updates

  private static let recipe: [Field<Self>] = [
    Field(
      "preset", \Self.preset,
      "a published recipe, which sets the keys that are not written: none, "
        + "openai-2019, instructgpt, trl, trlx, deepspeed-chat"),
    Field(
      "algorithm", \Self.algorithm,
      "how the policy learns: "
        + PolicyAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")),
  ]

  private static let usesValueModel = Condition<Self>.setting("algorithm", \.algorithm) {
    $0.usesValueModel
  }
  private static let penalizesMissingEOS = Condition<Self>.setting("algorithm", \.algorithm) {
    !$0.penalizesLength
  }
  private static let clipsRatios = Condition<Self>.setting("algorithm", \.algorithm) {
    $0.clipsRatios
  }

  private static let rollouts: [Field<Self>] = [
    Field("iterations", \Self.iterations, "rounds of sampling and updating", in: 1...1_000_000),
    Field("episodes", \Self.episodes, "responses sampled in an iteration", in: 1...1_000_000),
    Field(
      "samples_per_prompt", \Self.samplesPerPrompt,
      "K: responses to each prompt, which algorithms without a value model compare with each other",
      in: 1...1_024),
    Field(
      "temperature", \Self.temperature,
      // √1000·2⁻²⁴ of a logit of 25 is 5e-5; four such roundings over 0.01 are 2e-2, a tenth of PPO's
      // clip range.
      "T: logits are divided by it in every log-probability, and so is their float32 rounding, which "
        + "below 0.01 would come near PPO's clip range (GSPO clips far closer: keep T near 1)",
      in: 0.01...),
    Field(
      "maximum_tokens", \Self.maximumTokens, "longest response, its EOS included", in: 1...65_536),
  ]

  private static let rewards: [Field<Self>] = [
    Field("reward", \Self.reward, "the reward of a response"),
    Field(
      "score_clip", \Self.scoreClip, "largest absolute score; null for no limit", in: Above(0.0)),
    Field(
      "missing_end", \Self.missingEOS,
      "score of a response without EOS: replace by minus the penalty, subtract it, or keep",
      onlyIf: penalizesMissingEOS),
    Field(
      "missing_end_penalty", \Self.missingEOSPenalty,
      "the missing-EOS penalty, in standard deviations of the score",
      in: 0..., onlyIf: penalizesMissingEOS, .setting("missing_end", \.missingEOS) { $0 != .keep }),
    Field(
      "kl", \Self.kl, "the KL penalty",
      onlyIf: .setting("algorithm", \.algorithm) { $0.penalizesKL }),
    Field(
      "whiten_rewards", \Self.whitenRewards,
      "whether rewards are scaled to standard deviation 1 over the tokens of an iteration, with the "
        + "same mean"),
  ]

  private static let advantages: [Field<Self>] = [
    Field(
      "discount", \Self.discount, "discount γ; at 0 a token is credited with its own reward only",
      in: 0...1,
      onlyIf: usesValueModel),
    Field(
      "lambda", \Self.lambda,
      "λ of generalized advantage estimation; without effect where `discount` is 0", in: 0...1,
      onlyIf: .setting("algorithm", \.algorithm) { $0.advantage == .generalized }),
    Field(
      "whiten_advantages", \Self.whitenAdvantages,
      "whether advantages are scaled to mean 0 and standard deviation 1 over the tokens of an "
        + "iteration", onlyIf: .setting("algorithm", \.algorithm) { $0.whitens }),
  ]

  private static let updates: [Field<Self>] = [
    Field("epochs", \Self.epochs, "passes over the episodes of an iteration", in: 1...1_000),
    Field("minibatches", \Self.minibatches, "optimizer steps in an epoch", in: 1...1_000_000),
    Field(
      "accumulation", \Self.accumulation,
      "pieces of a minibatch whose gradients are computed one after another, to save memory",
      in: 1...1_000_000),
    Field("policy", \Self.policyOptimizer, "optimizer of the policy"),
    Field(
      "lora", \Self.lora, "low-rank adapters that learn in place of the policy's matrices"),
    Field(
      "value", \Self.valueOptimizer, "optimizer of a separate value model",
      onlyIf: usesValueModel, .setting("value_model", \.valueModel) { $0 == .separate }),
    Field(
      "value_model", \Self.valueModel,
      "separate: a model of its own, from the reward model; shared: a second head on the policy's "
        + "decoder, in one pass, one loss and one optimizer", onlyIf: usesValueModel),
    Field(
      "value_weight", \Self.valueWeight,
      "weight of the value loss beside the policy's", in: Above(0.0),
      onlyIf: usesValueModel, .setting("value_model", \.valueModel) { $0 == .shared }),
    Field(
      "clip_range", \Self.clipRange,
      "ε: the ratio is clipped to 1 ± ε (with one step an iteration ratios are 1 up to rounding); "
        + "null for the algorithm's own, 0.2 where it has none",
      in: Above(0.0), onlyIf: clipsRatios),
    Field(
      "clip_range_high", \Self.clipRangeHigh,
      "ε above 1; null for the algorithm's own (0.28 in dapo), or clip_range where it has none",
      in: Above(0.0),
      onlyIf: clipsRatios),
    Field(
      "dual_clip", \Self.dualClip,
      "largest ratio for a negative advantage (above 1, such as 3); null for no limit",
      in: Above(1.0), onlyIf: clipsRatios),
    Field(
      "value_clip_range", \Self.valueClipRange,
      "how far a value may move from its old one in the clipped loss", in: Above(0.0),
      onlyIf: usesValueModel),
    Field(
      "entropy_bonus", \Self.entropyBonus,
      "weight of the policy's entropy per token, which is subtracted from the loss", in: 0...),
    Field(
      "stop_kl", \Self.stopKL,
      "an iteration ends its updates when KL(π_old ‖ π) per token passes this; null for never",
      in: Above(0.0)),
    Field(
      "freeze", \Self.freeze,
      "fraction of the policy's layers, from below, that are not trained, with the embeddings",
      in: 0...1, onlyIf: .setting("lora.rank", is: "null") { $0.lora.rank == nil }
    ),
    Field(
      "average_decay", \Self.emaDecay,
      "EMA decay d: the result is an average of the policy, moved by 1 − d to it after each "
        + "iteration; null for the last policy", in: 0..<1),
    Field(
      "pretraining_weight", \Self.pretrainingWeight,
      "γ_ptx: weight of the loss on texts of the fine-tuning corpus, beside that of the policy",
      in: 0...),
  ]
}
