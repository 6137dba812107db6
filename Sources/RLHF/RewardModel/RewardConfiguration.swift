package import Settings

/// The reward-model stage.
package struct RewardConfiguration: Configurable, Equatable {
  package var objective = RewardObjective.pairwise
  package var slips = 0.0
  package var labelSmoothing = 0.0
  package var softLabels = false
  package var epochs = 1
  package var batchSize = 64
  package var accumulation = 1
  package var optimizer = OptimizerConfiguration(learningRate: 5e-4)
  package var centering = 0.01
  package var freeze = 0.0
  package var shuffle = true
  package var evaluations = 5
  package var earlyStopping: Int?
  package var ensemble = 1
  package var combine = EnsembleRule.mean
  package var uncertaintyWeight = 0.1

  package init() {}

  package static let fields = [
    Field(
      "objective", \Self.objective,
      "the loss: pairwise, pairwise-tokens, grouped-pairs, plackett-luce, best-of-k, regression"),
    Field(
      "slips", \Self.slips,
      "label noise rate ε of P = ε + (1 − 2ε) σ(Δ): how often judges say the opposite of what they "
        + "mean; for losses of pairs", in: 0..<0.5),
    Field(
      "label_smoothing", \Self.labelSmoothing,
      "ε of the target 1 − ε, which bounds how certain rewards become", in: 0..<0.5,
      onlyIf: .setting("objective", \.objective) { $0.isSumOfPairs },
      .setting("soft_labels", is: "false") { !$0.softLabels }),
    Field(
      "soft_labels", \Self.softLabels,
      "whether rows' `chosen_probability` takes the place of the judgement",
      onlyIf: .setting("objective", \.objective) { $0.isForPairs }),
    Field("epochs", \Self.epochs, "passes over the training rows", in: 1...1_000_000),
    Field(
      "batch_size", \Self.batchSize, "pairs, or rankings as a whole, in a step", in: 1...1_000_000),
    Field(
      "accumulation", \Self.accumulation,
      "pieces in which a batch is computed one after the other, to need less memory",
      in: 1...1_000_000),
    Field("optimizer", \Self.optimizer, "how the weights move"),
    Field(
      "centering", \Self.centering,
      "η of η (r_chosen + r_rejected)², which keeps rewards around 0; 0 for none",
      in: 0..., onlyIf: .setting("objective", \.objective) { $0 != .regression }),
    Field(
      "freeze", \Self.freeze, "fraction of the layers, with the embeddings, that stay as they were",
      in: 0...1),
    Field("shuffle", \Self.shuffle, "whether each epoch sees the rows in an order of its own"),
    Field(
      "evaluations", \Self.evaluations, "times that held-out pairs are judged during training",
      in: 1...),
    Field(
      "early_stopping", \Self.earlyStopping,
      "evaluations without a lower held-out loss after which training stops, and the best model is "
        + "saved; null to train to the end", in: 1...),
    Field(
      "ensemble", \Self.ensemble, "models that are trained, each from a seed of its own", in: 1...64
    ),
    Field(
      "combine", \Self.combine,
      "how the models make one reward: mean, worst, uncertainty (mean − λ variance)",
      onlyIf: isEnsemble),
    Field(
      "uncertainty_weight", \Self.uncertaintyWeight, "λ of that", in: 0...,
      onlyIf: isEnsemble, .setting("combine", \.combine) { $0 == .uncertainty }),
  ]

  private static let isEnsemble = Condition<Self>.setting("ensemble", is: "2 or more") {
    $0.ensemble > 1
  }

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    if accumulation > batchSize {
      throw location.key("accumulation").error(
        "a batch of \(batchSize) cannot be cut into \(accumulation) pieces",
        advice: "lower it, or raise `batch_size`")
    }
    // Calibration is measured with it: a reward that was learned without it would look wrong.
    if slips > 0, !objective.isSumOfPairs {
      throw location.key("slips").error(
        "`\(objective.rawValue)` has no probabilities of pairs that could allow for noise",
        advice: "set it to 0, or choose pairwise, pairwise-tokens or grouped-pairs")
    }
  }

  /// How probable a choice is, given the difference of rewards.
  package var choiceProbability: ChoiceProbability { ChoiceProbability(slips: slips) }

  /// How the members of the ensemble make one reward.
  package var combination: EnsembleCombination {
    EnsembleCombination(rule: combine, uncertaintyWeight: uncertaintyWeight)
  }
}
