package import LanguageModels
package import Numerics
package import Settings
package import Statistics

/// The DPO stage: a policy from comparisons, without a reward model in between.
package struct DPOConfiguration: Configurable, Equatable {
  /// Where the comparisons come from.
  package enum Pairs: String, Sendable, CaseIterable, SettingValue {
    /// Those of the reward model: the annotators', of responses of the SFT policy.
    case offline
    /// Responses of the policy itself, compared by `ppo.reward`.
    case onPolicy = "on-policy"
  }

  package var loss = DPOLoss.sigmoid
  package var beta = 0.1
  package var pairs = Pairs.offline
  package var epochs = 1
  package var rounds = 60
  package var batchSize = 64
  var labelSmoothing = 0.0
  var desirableWeight = 1.0
  var undesirableWeight = 1.0
  package var optimizer = OptimizerConfiguration(learningRate: 2e-4)

  package init() {}

  package static let fields = [
    Field(
      "loss", \Self.loss,
      "the loss of a pair, or with kto of a labelled response: "
        + DPOLoss.allCases.map(\.rawValue).joined(separator: ", ")),
    Field("beta", \Self.beta, "β of the implicit reward β log(π/π_ref)", in: Above(0)),
    Field(
      "pairs", \Self.pairs,
      "offline: the annotators' comparisons; on-policy: the policy's own responses, compared by "
        + "`ppo.reward`"),
    Field(
      "epochs", \Self.epochs, "passes over the pairs", in: 1...1_000_000,
      onlyIf: .setting("pairs", \.pairs) { $0 == .offline }),
    Field(
      "rounds", \Self.rounds,
      "rounds: each samples `ppo.episodes` responses, two to a prompt, and makes one pass over "
        + "them", in: 1...1_000_000, onlyIf: .setting("pairs", \.pairs) { $0 == .onPolicy }),
    Field(
      "batch_size", \Self.batchSize, "pairs, or with kto responses, in a step", in: 1...1_000_000),
    Field(
      "label_smoothing", \Self.labelSmoothing,
      "ε: the label noise rate that the loss allows for", in: 0..<0.5,
      onlyIf: .setting("loss", \.loss) { $0 == .sigmoid || $0 == .robust }),
    Field(
      "desirable_weight", \Self.desirableWeight, "λ_D of the loss of desirable responses", in: 0...,
      onlyIf: isUnpaired),
    Field(
      "undesirable_weight", \Self.undesirableWeight, "λ_U of the loss of the others", in: 0...,
      onlyIf: isUnpaired),
    Field("optimizer", \Self.optimizer, "the optimizer"),
  ]

  private static let isUnpaired = Condition<Self>.setting("loss", \.loss) { $0.isUnpaired }

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    if loss.isUnpaired, batchSize < 2 {
      throw location.key("batch_size").error(
        "one response leaves no other to compare it with, and `kto` estimates the KL by those",
        advice: "raise it to 2 or more")
    }
  }

  /// The objective of a reward model that would learn from the same rows.
  package var rowsObjective: RewardObjective { loss.isUnpaired ? .binary : .pairwise }

  /// What a batch holds of a row's responses: their pairs, or with `kto` each by itself.
  package func elements(of row: RankedResponses) -> [RankedResponses] {
    loss.isUnpaired ? row.labelled : row.pairs
  }
}

/// Direct preference optimisation (Rafailov et al. 2023) and KTO (Ethayarajh et al. 2024): the implicit
/// reward β log(π/π_ref) is trained like a reward model's. There are two models, the policy and the frozen
/// reference.
package struct DPOTrainer: Sendable {
  package let configuration: DPOConfiguration
  package private(set) var policy: LanguageModel
  /// The policy as it began.
  var reference: LanguageModel
  private let workers: Workers
  private var optimizer: Optimizer
  private let totalSteps: Int

  /// - Parameters:
  ///   - policy: starts as the reference and is compared with it.
  ///   - steps: optimizer steps over all rounds.
  package init(
    _ configuration: DPOConfiguration, policy: LanguageModel, steps: Int, workers: Workers
  ) {
    self.configuration = configuration
    self.policy = policy
    self.workers = workers
    reference = policy
    totalSteps = steps
    optimizer = Optimizer(
      configuration.optimizer, for: policy.parameters, stage: "DPO", totalSteps: steps)
  }

  /// Steps that one pass over so many elements takes; see ``DPOConfiguration/elements(of:)``.
  package static func steps(for elements: Int, _ configuration: DPOConfiguration) -> Int {
    (elements + configuration.batchSize - 1) / configuration.batchSize
  }

  /// Runs rounds, each one pass over its elements in random order.
  ///
  /// Reports per step `dpo/loss`, `dpo/accuracy` (pairs whose implicit rewards β log(π/π_ref) are in
  /// order; with `kto`, responses whose implicit rewards are on their side of β z), `dpo/margin` (mean
  /// difference of these), with `kto` `dpo/kl` (z), and `dpo/gradient_norm`.
  ///
  /// - Parameters:
  ///   - rounds: how many.
  ///   - elements: those of a round (from 0), given the policy as it is.
  ///   - continuation: where to begin, and what saves the state after each round.
  package mutating func run(
    rounds: Int, using generator: SeededGenerator, continuing continuation: Continuation = .none,
    elements: (_ round: Int, _ policy: LanguageModel) throws -> [RankedResponses],
    report: MetricsHandler
  ) throws {
    var done = 0
    if let state = continuation.state {
      try state.restore(&policy.parameters, from: "policy")
      try optimizer.restore(from: state, as: "optimizer", for: policy.parameters)
      done = try state.count("rounds")
    }
    for round in done..<max(done, rounds) {
      let elements = try elements(round, policy)
      var shuffler = generator.stream("round", round)
      let order = shuffler.permutation(of: elements.count)
      for start in stride(from: 0, to: elements.count, by: configuration.batchSize) {
        let batch = order[start..<min(elements.count, start + configuration.batchSize)].map {
          elements[$0]
        }
        do { try report(step(on: batch)) } catch let error as NonFiniteError {
          throw error.naming(
            "elements", batch, numbers: order[start...].prefix(batch.count).map { $0 + 1 }
          ) {
            let result = try gradients(on: [$0])
            return (result.gradients, result.loss)
          }
        }
      }
      try continuation.save(isLast: round + 1 == rounds) {
        var state = TrainingState(step: optimizer.stepCount)
        state.set("policy", policy.parameters)
        optimizer.save(in: &state, as: "optimizer", for: policy.parameters)
        state.set("rounds", Double(round + 1))
        return state
      }
    }
  }

  private mutating func step(on batch: [RankedResponses]) throws -> StepMetrics {
    let divergence = configuration.loss.isUnpaired ? try divergence(on: batch) : nil
    let (gradients, loss, margins) = try gradients(on: batch, divergence: divergence ?? 0)
    let norm = try optimizer.step(
      &policy.parameters, gradients: gradients, loss: loss, workers: workers)
    let count = Double(margins.count)
    var metrics = StepMetrics(
      step: optimizer.stepCount, of: max(totalSteps, optimizer.stepCount),
      [
        (.directLoss, loss), (.directAccuracy, Double(margins.count { $0 > 0 }) / count),
        (.directMargin, margins.reduce(0, +) / count), (.directGradientNorm, norm),
      ])
    if let divergence { metrics.append(.directKL, divergence) }
    return metrics
  }

  /// The mean loss of a batch, its gradients, and β h of each pair or response.
  ///
  /// - Parameter divergence: z of `kto`; see ``divergence(on:)``.
  func gradients(
    on batch: [RankedResponses], divergence: Double = 0
  ) throws -> (gradients: Gradients, loss: Double, margins: [Double]) {
    func tokens(_ element: RankedResponses) -> Int { element.prompt.count + element.count }
    let weight = 1 / Double(batch.count)
    let (gradients, results) = try workers.gradients(
      of: policy.parameters, on: batch, tokens: tokens
    ) { elements, tape in
      let exchanges = elements.flatMap(\.exchanges)
      let lengths = exchanges.map(\.response.count)
      let reference = logProbabilities(of: exchanges, by: reference)
      let logProbabilities = policy.responseLogProbabilities(exchanges, temperature: 1, on: tape)
        .logProbabilities
      let (loss, margins) =
        if configuration.loss.isUnpaired {
          tape.unpairedPreferenceLoss(
            logProbabilities, lengths: lengths, reference: reference,
            labels: elements.map { $0.ratings?.first == 1 }, divergence: divergence,
            beta: configuration.beta,
            weights: (configuration.desirableWeight, configuration.undesirableWeight),
            weight: weight)
        } else {
          tape.directPreferenceLoss(
            logProbabilities, lengths: elements.map { ($0.chosen.count, $0.rejected.count) },
            reference: (0..<elements.count).map { (reference[2 * $0], reference[2 * $0 + 1]) },
            by: configuration.loss, beta: configuration.beta,
            smoothing: configuration.labelSmoothing, weight: weight)
        }
      return (loss, (loss: Double(loss.value[0]), margins: margins))
    }
    return (gradients, results.reduce(0) { $0 + $1.loss }, results.flatMap(\.margins))
  }

  /// z = max(0, mean log(π/π_ref)(y_j | x_i)): how far the policy is from the reference, by responses to
  /// other prompts of the batch, each prompt with the response before its own, as in TRL.
  ///
  /// 0 where none of these is there: in a batch of one response, or beyond the model's positions.
  func divergence(on batch: [RankedResponses]) throws -> Double {
    guard batch.count > 1 else { return 0 }
    let exchanges = batch.indices.map {
      let other = batch[($0 + batch.count - 1) % batch.count]
      return Exchange(prompt: batch[$0].prompt, response: other.responses[0])
    }.filter { $0.count <= policy.configuration.maximumPositions }
    let logRatios = try workers.map(exchanges) { shard in
      zip(logProbabilities(of: shard, by: policy), logProbabilities(of: shard, by: reference))
        .map { $0 - $1 }
    }
    return max(0, logRatios.reduce(0, +) / Double(max(1, logRatios.count)))
  }

  /// log π(y|x) of every response, summed over its tokens.
  private func logProbabilities(
    of exchanges: some Collection<Exchange>, by model: LanguageModel
  ) -> [Double] {
    segmentSums(
      model.responseLogProbabilities(exchanges, temperature: 1, on: Tape(recording: false))
        .logProbabilities.value.values, lengths: exchanges.map(\.response.count))
  }
}
