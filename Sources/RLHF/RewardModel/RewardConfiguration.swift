package import Formats
package import Settings

/// The loss of a reward model over the rewards of one prompt's responses.
package enum RewardObjective: String, Sendable, CaseIterable, SettingValue {
  /// Bradley–Terry on pairs; a ranking becomes all its pairs, shuffled among the others.
  case pairwise
  /// Bradley–Terry at every token from the first difference on.
  case pairwiseTokens = "pairwise-tokens"
  /// All pairs of a ranking as one element of the batch.
  case groupedPairs = "grouped-pairs"
  /// The likelihood of the whole order.
  case plackettLuce = "plackett-luce"
  /// The best of each ranking against all others.
  case bestOfK = "best-of-k"
  /// Squared distance from ratings.
  case regression
  /// The reward is the logit of a label: desirable or not, right or wrong.
  case binary

  /// Whether the loss is a sum over pairs with a σ each, where labels can be smoothed.
  package var isSumOfPairs: Bool {
    switch self {
    case .pairwise, .pairwiseTokens, .groupedPairs: true
    case .plackettLuce, .bestOfK, .regression, .binary: false
    }
  }

  /// Whether its loss has a probability of each judgement, which can allow for label noise.
  var hasProbabilities: Bool { isSumOfPairs || self == .binary }

  /// Whether it knows pairs only, where a row can say how sure its judgement is.
  var isForPairs: Bool { self == .pairwise || self == .pairwiseTokens }

  /// Whether what it learns says where 0 is, and also of a response that nothing is compared with.
  package var isAbsolute: Bool { self == .regression || self == .binary }
}

/// Where the reward of a response is learned from its labels.
package enum RewardReading: String, Sendable, CaseIterable, SettingValue {
  /// At its end. A response whose steps are labelled is right where all of them are.
  case end
  /// At the last token of each of its steps, whose labels the rows give; the last step ends where the
  /// response does.
  case steps
}

/// The size of a reward model; what is null is as `model` has it.
package struct RewardModelSize: Configurable, Equatable {
  package var width: Int?
  package var layers: Int?
  package var heads: Int?
  package var feedForwardWidth: Int?

  package init() {}

  package static let fields = [
    Field("width", \Self.width, "D, width of the residual stream", in: 1...65_536),
    Field("layers", \Self.layers, "blocks", in: 1...1_000),
    Field("heads", \Self.heads, "query heads; divides width", in: 1...1_024),
    Field(
      "feed_forward_width", \Self.feedForwardWidth, "width inside the feed-forward block",
      in: 1...262_144),
  ]

  /// Whether the model has a trunk of its own instead of the policy's.
  package var isOwn: Bool { self != Self() }
}

/// The reward-model stage.
package struct RewardConfiguration: Configurable, Equatable {
  package var size = RewardModelSize()
  package var objective = RewardObjective.pairwise
  package var reading = RewardReading.end
  package var stepSeparator = "\n"
  var labelNoise = 0.0
  var labelSmoothing = 0.0
  package var softLabels = false
  package var epochs = 1
  package var steps: Int?
  package var pairsUsed: Int?
  package var batchSize = 64
  var accumulation = 1
  package var optimizer = OptimizerConfiguration(learningRate: 5e-4)
  package var centering = 0.01
  package var freeze = 0.0
  var shuffle = true
  package var evaluations = 5
  var earlyStopping: Int?
  package var ensemble = 1
  package var combine = EnsembleRule.mean
  var uncertaintyWeight = 0.1

  package init() {}

  package static let fields = [
    Field(
      "model", \Self.size,
      "a size of its own: the trunk is then trained on the texts of `fine_tuning`, as the policy was; "
        + "with all null it starts from the policy's"),
    Field(
      "objective", \Self.objective,
      "the loss: pairwise, pairwise-tokens, grouped-pairs, plackett-luce, best-of-k, regression, "
        + "binary"),
    Field(
      "read", \Self.reading,
      "where labels are learned: end, of a response; steps, at the last token of each step, of rows "
        + "that label every step", onlyIf: isBinary),
    Field(
      "step_separator", \Self.stepSeparator,
      "text behind every step but the last, which ends with the response",
      onlyIf: isBinary, .setting("read", is: "steps") { $0.reading == .steps }),
    Field(
      "slips", \Self.labelNoise,
      "label noise rate ε of P = ε + (1 − 2ε) σ(Δ): how often a judgement is "
        + "flipped; for losses of pairs and of labels", in: 0..<0.5),
    Field(
      "label_smoothing", \Self.labelSmoothing,
      "ε of the target 1 − ε for the probability of the chosen response", in: 0..<0.5,
      onlyIf: .setting("objective", \.objective) { $0.isSumOfPairs },
      .setting("soft_labels", is: "false") { !$0.softLabels }),
    Field(
      "soft_labels", \Self.softLabels,
      "whether rows' `chosen_probability` replaces the label",
      onlyIf: .setting("objective", \.objective) { $0.isForPairs }),
    Field(
      "epochs", \Self.epochs, "passes over the training rows", in: 1...1_000_000,
      onlyIf: .setting("steps", is: "null") { $0.steps == nil }),
    Field(
      "steps", \Self.steps, "optimizer steps, whatever the number of rows; null follows `epochs`",
      in: 1...100_000_000),
    Field(
      "pairs_used", \Self.pairsUsed, "training rows that are used, the first; null for all",
      in: 1...100_000_000),
    Field(
      "batch_size", \Self.batchSize, "pairs, or rankings as a whole, in a step", in: 1...1_000_000),
    Field(
      "accumulation", \Self.accumulation,
      "pieces in which a batch is computed one after the other, to need less memory",
      in: 1...1_000_000),
    Field("optimizer", \Self.optimizer, "the optimizer"),
    Field(
      "centering", \Self.centering,
      "η of η (r_chosen + r_rejected)², which keeps rewards around 0; 0 for none",
      in: 0..., onlyIf: .setting("objective", \.objective) { !$0.isAbsolute }),
    Field(
      "freeze", \Self.freeze,
      "fraction of the layers, from below, that are not trained, with the "
        + "embeddings",
      in: 0...1),
    Field("shuffle", \Self.shuffle, "whether each epoch has its own random order of the rows"),
    Field(
      "evaluations", \Self.evaluations, "evaluations on held-out pairs during training",
      in: 1...),
    Field(
      "early_stopping", \Self.earlyStopping,
      "evaluations without a lower held-out loss after which training stops, and the best model is "
        + "saved; null to train to the end", in: 1...),
    Field(
      "ensemble", \Self.ensemble, "models that are trained, each with its own seed", in: 1...64
    ),
    Field(
      "combine", \Self.combine,
      "how the models make one reward: mean, worst, uncertainty (mean − λ variance)",
      onlyIf: isEnsemble),
    Field(
      "uncertainty_weight", \Self.uncertaintyWeight, "λ of that", in: 0...,
      onlyIf: isEnsemble, .setting("combine", \.combine) { $0 == .uncertainty }),
  ]

  private static let isBinary = Condition<Self>.setting("objective", \.objective) { $0 == .binary }
  private static let isEnsemble = Condition<Self>.setting("ensemble", is: "2 or more") {
    $0.ensemble > 1
  }

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    if accumulation > batchSize {
      throw location.key("accumulation").error(
        "a batch of \(batchSize) cannot be cut into \(accumulation) pieces",
        advice: "lower it, or raise `batch_size`")
    }
    // Calibration is measured with it, so the loss must use it too.
    if labelNoise > 0, !objective.hasProbabilities {
      throw location.key("slips").error(
        "`\(objective.rawValue)` has no probabilities of pairs that could allow for noise",
        advice: "set it to 0, or choose pairwise, pairwise-tokens, grouped-pairs or binary")
    }
  }

  /// How probable a choice is, given the difference of rewards.
  package var choiceProbability: ChoiceProbability { ChoiceProbability(labelNoise: labelNoise) }

  /// How the members of the ensemble make one reward.
  package var combination: EnsembleCombination {
    EnsembleCombination(rule: combine, uncertaintyWeight: uncertaintyWeight)
  }
}

/// Rows that do not fit the settings of the reward model.
package struct RewardModelingError: EndingError, Sendable, CustomStringConvertible {
  /// The key to change, such as `reward.objective`.
  package let key: String
  package let problem: String
  package let advice: String

  package var exitStatus: ExitStatus { .badData }

  package var description: String { "\(key): \(problem); \(advice)" }
}

extension RewardConfiguration {
  /// The elements of a batch that these rows make under the objective: with `pairwise`, a ranking
  /// becomes all its pairs.
  ///
  /// - Throws: ``RewardModelingError`` when rows lack what the objective needs or say what it would
  ///   not use.
  package func elements<Rows>(of rows: Rows) throws(RewardModelingError) -> RewardElements<Rows> {
    func refuse(
      _ key: String, _ isRefused: (RankedResponses) -> Bool, _ problem: String, _ advice: String
    ) throws(RewardModelingError) {
      let count = rows.count(where: isRefused)
      guard count > 0 else { return }
      throw RewardModelingError(
        key: "reward.\(key)", problem: "\(count) of \(rows.count) training rows \(problem)",
        advice: advice)
    }
    let name = objective.rawValue
    if objective == .binary {
      try refuse(
        "read", { reading == .steps && $0.stepEnds == nil }, "do not label their steps",
        "give rows of `prompt`, `completions` and `labels`, or set `reward.read` to end")
      try refuse(
        "objective",
        { labels(of: $0).isEmpty || !labels(of: $0).allSatisfy { $0 == 0 || $0 == 1 } },
        "have no label of true or false for each response",
        "give rows a `label`, two responses of which one is chosen, or ratings of 0 and 1")
    } else if objective == .regression {
      try refuse(
        "objective", { $0.ratings?.count != $0.responses.count },
        "have no ratings, and `regression` learns nothing else",
        "give rows ratings (or `chosen_gold` and `rejected_gold`), or choose `pairwise`")
    } else {
      try refuse(
        "objective", { $0.responses.count < 2 }, "have one response, and `\(name)` compares",
        "give rows at least two, or choose `regression` or `binary`")
    }
    if objective == .pairwiseTokens {
      try refuse(
        "objective", { $0.responses.count > 2 },
        "are rankings, and `pairwise-tokens` compares two responses",
        "choose `pairwise`, which takes all pairs of a ranking, or an objective for rankings")
    }
    if softLabels {
      try refuse(
        "soft_labels", { $0.probability == nil }, "do not say how sure their choice is",
        "give every row a `chosen_probability`, or set `reward.soft_labels` to false")
    }
    if !objective.isSumOfPairs {
      try refuse(
        "objective", { $0.margin != 0 }, "have a margin, which `\(name)` does not use",
        "choose `pairwise`, or leave `margin` out of the rows")
    }
    return RewardElements(of: rows, takesPairs: objective == .pairwise)
  }

  /// y of every reward that `binary` reads of an element, of its steps or of its responses; none where it
  /// has none.
  package func labels(of element: RankedResponses) -> [Double] {
    reading == .steps ? element.ratings ?? [] : element.labels
  }
}
