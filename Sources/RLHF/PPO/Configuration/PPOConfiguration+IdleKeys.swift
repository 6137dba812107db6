package import Settings

extension PPOConfiguration {
  package static let idleKeys = ofAlgorithms + ofOptions + ofExtents

  private static let ofAlgorithms: [IdleKeys<Self>] = [
    IdleKeys(
      ["discount", "lambda", "value", "value_model", "value_weight", "value_clip_range"],
      under: ["algorithm"], when: { !$0.algorithm.usesValueModel },
      because:
        "responses to a prompt are held against each other, as wholes and without a value model",
      remedy: "set `algorithm` to ppo or reinforce"),
    IdleKeys(
      ["lambda"], under: ["algorithm"], when: { $0.algorithm == .reinforce },
      because: "REINFORCE takes the return itself", remedy: "set `algorithm` to ppo"),
    IdleKeys(
      ["kl"], under: ["algorithm"], when: { !$0.algorithm.penalizesKL },
      because: "it has no KL penalty", remedy: "set `algorithm` to another"),
    IdleKeys(
      ["missing_end", "missing_end_penalty"], under: ["algorithm"],
      when: { $0.algorithm.penalizesLength },
      because: "long responses are penalized instead", remedy: "set `algorithm` to another"),
    IdleKeys(
      ["clip_range", "clip_range_high", "dual_clip"], under: ["algorithm"],
      when: { !$0.algorithm.clipsRatios },
      because: "the loss has no ratios to clip", remedy: "set `algorithm` to ppo, rloo or grpo"),
    IdleKeys(
      ["whiten_advantages"], under: ["algorithm"], when: { !$0.algorithm.whitens },
      because: "its advantages are what its paper says",
      remedy: "set `algorithm` to another"),
  ]

  private static let ofOptions: [IdleKeys<Self>] = [
    IdleKeys(
      ["lambda"], under: ["discount"], when: { $0.discount == 0 },
      because: "a token is pushed by its own reward alone", remedy: "raise `discount`"),
    IdleKeys(
      ["missing_end_penalty"], under: ["missing_end"], when: { $0.missingEnd == .keep },
      because: "the score stays as it is", remedy: "set `missing_end` to replace or subtract"),
    IdleKeys(
      ["value"], under: ["value_model"], when: { $0.valueModel == .shared },
      because: "a head on the policy's decoder moves with `policy`",
      remedy: "change `value_weight`, or set `value_model` to separate"),
    IdleKeys(
      ["value_weight"], under: ["value_model"], when: { $0.valueModel == .separate },
      because: "a separate value model has an optimizer of its own, which no weight changes",
      remedy: "change `value.learning_rate`, or set `value_model` to shared"),
    IdleKeys(
      ["freeze"], under: ["lora.rank"], when: { $0.lora.rank != nil },
      because: "with adapters the whole policy is frozen", remedy: "set `lora.rank` to null"),
  ]

  private static let ofExtents: [IdleKeys<Self>] = [
    IdleKeys(
      ["kl.controller", "kl.target", "kl.horizon"], under: ["iterations"],
      when: { $0.iterations == 1 },
      because: "the coefficient changes after an iteration, and there is no other",
      remedy: "raise `iterations`"),
    IdleKeys(
      ["kl.estimator"], under: ["iterations", "kl.placement"],
      when: { $0.iterations == 1 && $0.kl.placement == .reward },
      because:
        "the responses of the only iteration are the reference's own, and every estimate is 0",
      remedy: "raise `iterations`"),
    IdleKeys(
      ["policy.schedule", "value.schedule"], under: ["iterations", "epochs", "minibatches"],
      when: { $0.iterations * $0.stepsOfIteration == 1 },
      because: "there is one step", remedy: "raise `iterations`, `epochs` or `minibatches`"),
    IdleKeys(
      ["lambda", "discount"], under: ["maximum_tokens"], when: { $0.maximumTokens == 1 },
      because: "nothing comes after the only token", remedy: "raise `maximum_tokens`"),
  ]
}
