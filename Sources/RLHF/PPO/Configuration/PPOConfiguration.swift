package import Settings

/// The PPO stage.
package struct PPOConfiguration: Configurable, Equatable {
  /// What happens to the score of a response that reached its longest length without EOS.
  package enum MissingEnd: String, Sendable, CaseIterable, SettingValue {
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
  package var samplesPerPrompt = 1
  package var minibatches = 4
  package var accumulation = 1
  package var reward = PPORewardConfiguration()
  package var policy = OptimizerConfiguration(learningRate: 1e-4, epsilon: 1e-5)
  package var valueModel = ValueModel.separate
  package var valueWeight = 0.1
  package var lora = LoRAConfiguration()
  package var value = OptimizerConfiguration(learningRate: 5e-4, epsilon: 1e-5)
  package var kl = KLConfiguration()
  package var temperature = 1.0
  package var maximumTokens = 16
  package var discount = 1.0
  package var lambda = 0.95
  package var clipRange: Double?
  package var clipRangeHigh: Double?
  package var dualClip: Double?
  package var entropyBonus = 0.0
  package var stopKL: Double?
  package var valueClipRange = 0.2
  package var whitenAdvantages = true
  package var whitenRewards = false
  package var scoreClip: Double?
  package var missingEnd = MissingEnd.replace
  package var missingEndPenalty = 1.0
  package var freeze = 0.0
  package var averageDecay: Double?
  package var pretrainingWeight = 0.0

  package init() {}

  /// Whether policy and value are two heads of one decoder.
  var sharesTrunk: Bool { algorithm.usesValueModel && valueModel == .shared }

  /// Whether there is a value model that shares nothing with the policy.
  package var hasSeparateValueModel: Bool { algorithm.usesValueModel && valueModel == .separate }

  /// ε below and above 1.
  package var clipWidths: (low: Double, high: Double) {
    let low = clipRange ?? algorithm.clipRange
    return (low, clipRangeHigh ?? algorithm.clipRangeHigh ?? low)
  }

  /// 1 − ε … 1 + ε: where the ratio counts.
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
        "`rejection-sampling` chooses by the reward, and only there a penalty counts",
        advice: "set it to reward")
    }
    if freeze == 1 {
      throw location.key("freeze").error(
        "no layer would learn", advice: "leave some to learn, such as 0.5")
    }
  }
}
