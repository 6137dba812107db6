package import Settings

extension PPOConfiguration {
  package static let fields = recipe + rollouts + rewards + advantages + updates

  private static let recipe: [Field<Self>] = [
    Field(
      "preset", \Self.preset,
      "a published recipe that gives the other keys their values, where they are not set: none, "
        + "openai-2019, instructgpt, trl, trlx, deepspeed-chat"),
    Field(
      "algorithm", \Self.algorithm,
      "how the policy learns: "
        + PolicyAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")),
  ]

  private static let usesValueModel = Condition<Self>.setting("algorithm", \.algorithm) {
    $0.usesValueModel
  }
  private static let penalizesMissingEnd = Condition<Self>.setting("algorithm", \.algorithm) {
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
    Field("reward", \Self.reward, "what a response earns"),
    Field(
      "score_clip", \Self.scoreClip, "largest absolute score; null for no limit", in: Above(0.0)),
    Field(
      "missing_end", \Self.missingEnd,
      "score of a response without EOS: replace by minus the penalty, subtract it, or keep",
      onlyIf: penalizesMissingEnd),
    Field(
      "missing_end_penalty", \Self.missingEndPenalty,
      "the missing-EOS penalty, in standard deviations of the score",
      in: 0..., onlyIf: penalizesMissingEnd, .setting("missing_end", \.missingEnd) { $0 != .keep }),
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
      "discount", \Self.discount, "discount γ; 0 leaves a token its own reward", in: 0...1,
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
    Field("policy", \Self.policy, "how the policy's weights move"),
    Field(
      "lora", \Self.lora, "low-rank adapters that learn in place of the policy's matrices"),
    Field(
      "value", \Self.value, "how a separate value model's weights move",
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
      "ε: the ratio counts only within 1 ± ε (with one step an iteration ratios are 1 up to "
        + "rounding); null for the algorithm's own, 0.2 unless it says otherwise",
      in: Above(0.0), onlyIf: clipsRatios),
    Field(
      "clip_range_high", \Self.clipRangeHigh,
      "ε above 1, where it is not that below; null for the algorithm's own", in: Above(0.0),
      onlyIf: clipsRatios),
    Field(
      "dual_clip", \Self.dualClip,
      "largest ratio that counts against a bad token (above 1, such as 3); null for no limit",
      in: Above(1.0), onlyIf: clipsRatios),
    Field(
      "value_clip_range", \Self.valueClipRange,
      "how far a value may move from its old one in the clipped loss", in: Above(0.0),
      onlyIf: usesValueModel),
    Field(
      "entropy_bonus", \Self.entropyBonus,
      "weight of the policy's entropy per token, which the loss then rewards", in: 0...),
    Field(
      "stop_kl", \Self.stopKL,
      "an iteration ends its updates when KL(π_old ‖ π) per token passes this; null for never",
      in: Above(0.0)),
    Field(
      "freeze", \Self.freeze,
      "share of the policy's layers, from below, that stay those of the reference policy, with the "
        + "embeddings", in: 0...1, onlyIf: .setting("lora.rank", is: "null") { $0.lora.rank == nil }
    ),
    Field(
      "average_decay", \Self.averageDecay,
      "EMA decay d: the result is an average of the policy, moved by 1 − d to it after each "
        + "iteration; null for the last policy", in: 0..<1),
    Field(
      "pretraining_weight", \Self.pretrainingWeight,
      "γ_ptx: weight of the loss on texts of the fine-tuning corpus, beside that of the policy",
      in: 0...),
  ]
}
