package import Settings
package import Training

/// The PPO stage.
package struct PPOConfiguration: Configurable, Equatable {
  /// What happens to the score of a response that reached its longest length without an end.
  package enum MissingEnd: String, Sendable, CaseIterable, SettingValue {
    /// The score is the penalty instead (Ziegler et al. 2019).
    case replace
    /// The penalty is taken off the score (TRL).
    case subtract
    /// The score stays.
    case keep
  }

  package var iterations = 60
  package var episodes = 128
  package var epochs = 4
  package var minibatches = 4
  package var policy = OptimizerConfiguration(learningRate: 1e-4, epsilon: 1e-5)
  package var value = OptimizerConfiguration(learningRate: 5e-4, epsilon: 1e-5)
  package var kl = KLConfiguration()
  package var temperature = 1.0
  package var maximumTokens = 16
  package var discount = 1.0
  package var lambda = 0.95
  package var clipRange = 0.2
  package var dualClip: Double?
  package var entropyBonus = 0.0
  package var stopKL: Double?
  package var valueClipRange = 0.2
  package var whitenAdvantages = true
  package var whitenRewards = false
  package var scoreClip: Double?
  package var missingEnd = MissingEnd.replace
  package var missingEndPenalty = 1.0

  package init() {}

  package static let fields = [
    Field("iterations", \Self.iterations, "rounds of sampling and updating", in: 1...1_000_000),
    Field("episodes", \Self.episodes, "responses sampled in an iteration", in: 1...1_000_000),
    Field("epochs", \Self.epochs, "passes over the episodes of an iteration", in: 1...1_000),
    Field("minibatches", \Self.minibatches, "optimizer steps in an epoch", in: 1...1_000_000),
    Field("policy", \Self.policy, "how the policy's weights move"),
    Field("value", \Self.value, "how the value model's weights move"),
    Field("kl", \Self.kl, "the penalty for leaving the reference"),
    Field(
      "temperature", \Self.temperature, "T: logits are divided by it in every log-probability",
      in: 1e-6...),
    Field(
      "maximum_tokens", \Self.maximumTokens, "longest response, its end included", in: 1...65_536),
    Field("discount", \Self.discount, "γ of the advantages", in: 0...1),
    Field("lambda", \Self.lambda, "λ of generalised advantage estimation", in: 0...1),
    Field("clip_range", \Self.clipRange, "ε: the ratio counts only within 1 ± ε", in: Above(0.0)),
    Field(
      "dual_clip", \Self.dualClip,
      "largest ratio that counts against a bad token (above 1, such as 3); null for no limit",
      in: Above(1.0)),
    Field(
      "entropy_bonus", \Self.entropyBonus,
      "weight of the policy's entropy per token, which the loss then rewards", in: 0...),
    Field(
      "stop_kl", \Self.stopKL,
      "an iteration ends its updates when KL(π_old ‖ π) per token passes this; null for never",
      in: Above(0.0)),
    Field(
      "value_clip_range", \Self.valueClipRange,
      "how far a value may move from its old one in the clipped loss", in: Above(0.0)),
    Field(
      "whiten_advantages", \Self.whitenAdvantages,
      "whether advantages are brought to mean 0 and deviation 1 over the tokens of an iteration"),
    Field(
      "whiten_rewards", \Self.whitenRewards,
      "whether rewards are brought to deviation 1 over the tokens of an iteration, their mean kept"),
    Field(
      "score_clip", \Self.scoreClip, "largest absolute score; null for no limit", in: Above(0.0)),
    Field(
      "missing_end", \Self.missingEnd,
      "score of a response without an end: replace by minus the penalty, subtract it, or keep"),
    Field(
      "missing_end_penalty", \Self.missingEndPenalty, "size of that penalty, in deviations",
      in: 0...),
  ]

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    if episodes % minibatches != 0 {
      throw location.key("minibatches").error(
        "\(episodes) episodes do not divide into \(minibatches) minibatches",
        advice: "choose a divisor of episodes, so that every step weighs the same")
    }
  }
}

/// β KL(π ‖ ρ): how leaving the reference is charged.
package struct KLConfiguration: Configurable, Equatable {
  package enum Controller: String, Sendable, CaseIterable, SettingValue {
    case fixed
    /// β follows the measured KL towards a target (Ziegler et al. 2019).
    case adaptive
  }

  package var coefficient = 0.2
  package var estimator = KLEstimator.k1
  package var controller = Controller.fixed
  package var target = 6.0
  package var horizon = 10_000

  package init() {}

  package static let fields = [
    Field("coefficient", \Self.coefficient, "β, or its first value when adaptive", in: 0...),
    Field("estimator", \Self.estimator, "what is charged per token: k1, k2, k3 or exact"),
    Field("controller", \Self.controller, "fixed, or adaptive towards the target"),
    Field(
      "target", \Self.target, "KL per response in nats that adaptive β aims at", in: Above(0.0)),
    Field("horizon", \Self.horizon, "episodes over which adaptive β moves by its error", in: 1...),
  ]
}
