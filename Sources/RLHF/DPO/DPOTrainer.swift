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
  package var optimizer = OptimizerConfiguration(learningRate: 2e-4)

  package init() {}

  package static let fields = [
    Field(
      "loss", \Self.loss,
      "the loss of a pair: " + DPOLoss.allCases.map(\.rawValue).joined(separator: ", ")),
    Field("beta", \Self.beta, "β of the implicit reward β log(π/π_ref)", in: Above(0.0)),
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
    Field("batch_size", \Self.batchSize, "pairs in a step", in: 1...1_000_000),
    Field(
      "label_smoothing", \Self.labelSmoothing,
      "ε: the label noise rate that the loss allows for", in: 0..<0.5,
      onlyIf: .setting("loss", \.loss) { $0 == .sigmoid || $0 == .robust }),
    Field("optimizer", \Self.optimizer, "the optimizer"),
  ]
}

/// Direct preference optimisation (Rafailov et al. 2023): the implicit reward
/// β log(π/π_ref) is trained like a reward model's. There are two models, the policy and the frozen
/// reference.
package struct DPOTrainer: Sendable {
  package let configuration: DPOConfiguration
  package private(set) var policy: LanguageModel
  private let reference: LanguageModel
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

  /// Steps that one pass over so many pairs takes.
  package static func steps(for pairs: Int, _ configuration: DPOConfiguration) -> Int {
    (pairs + configuration.batchSize - 1) / configuration.batchSize
  }

  /// Runs rounds, each one pass over its pairs in random order.
  ///
  /// Reports per step `dpo/loss`, `dpo/accuracy` (pairs whose implicit rewards β log(π/π_ref) are in
  /// order), `dpo/margin` (mean difference of these) and `dpo/gradient_norm`.
  ///
  /// - Parameters:
  ///   - rounds: how many.
  ///   - pairs: those of a round (from 0), given the policy as it is.
  ///   - continuation: where to begin, and what saves the state after each round.
  package mutating func run(
    rounds: Int, using generator: SeededGenerator, continuing continuation: Continuation = .none,
    pairs: (_ round: Int, _ policy: LanguageModel) throws -> [RankedResponses],
    report: MetricsHandler
  ) throws {
    var done = 0
    if let state = continuation.state {
      try state.restore(&policy.parameters, from: "policy")
      try optimizer.restore(from: state, as: "optimizer", for: policy.parameters)
      done = try state.count("rounds")
    }
    for round in done..<max(done, rounds) {
      let pairs = try pairs(round, policy)
      var shuffler = generator.stream("round", round)
      let order = shuffler.permutation(of: pairs.count)
      for start in stride(from: 0, to: pairs.count, by: configuration.batchSize) {
        let batch = order[start..<min(pairs.count, start + configuration.batchSize)].map {
          pairs[$0]
        }
        try report(step(on: batch))
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
    let (gradients, loss, margins) = try gradients(on: batch)
    let norm = try optimizer.step(
      &policy.parameters, gradients: gradients, loss: loss, workers: workers)
    let count = Double(margins.count)
    return StepMetrics(
      step: optimizer.stepCount, of: max(totalSteps, optimizer.stepCount),
      [
        (.directLoss, loss), (.directAccuracy, Double(margins.count { $0 > 0 }) / count),
        (.directMargin, margins.reduce(0, +) / count), (.directGradientNorm, norm),
      ])
  }

  /// The mean loss of a batch, its gradients, and β h of each pair.
  func gradients(
    on batch: [RankedResponses]
  ) throws -> (gradients: Gradients, loss: Double, margins: [Double]) {
    func tokens(_ pair: RankedResponses) -> Int { pair.prompt.count + pair.count }
    let (gradients, results) = try workers.gradients(
      of: policy.parameters, on: batch, tokens: tokens
    ) { pairs, tape in
      let exchanges = pairs.flatMap(\.exchanges)
      let reference = segmentSums(
        reference.responseLogProbabilities(
          exchanges, temperature: 1, on: Tape(recording: false)
        ).logProbabilities.value.values, lengths: exchanges.map(\.response.count))
      let (loss, margins) = tape.directPreferenceLoss(
        policy.responseLogProbabilities(exchanges, temperature: 1, on: tape).logProbabilities,
        lengths: pairs.map { ($0.chosen.count, $0.rejected.count) },
        reference: (0..<pairs.count).map { (reference[2 * $0], reference[2 * $0 + 1]) },
        by: configuration.loss, beta: configuration.beta,
        smoothing: configuration.labelSmoothing, weight: 1 / Double(batch.count))
      return (loss, (loss: Double(loss.value[0]), margins: margins))
    }
    return (gradients, results.reduce(0) { $0 + $1.loss }, results.flatMap(\.margins))
  }
}
