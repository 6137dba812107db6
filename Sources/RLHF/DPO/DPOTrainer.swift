package import LanguageModels
package import Numerics
package import Statistics

/// Two responses to one prompt, of which the first was preferred.
package struct PolicyPair: Sendable, Equatable {
  package let prompt: [Int32]
  package let chosen: [Int32]
  package let rejected: [Int32]

  package init(prompt: [Int32], chosen: [Int32], rejected: [Int32]) {
    (self.prompt, self.chosen, self.rejected) = (prompt, chosen, rejected)
  }

  var exchanges: [Exchange] {
    [Exchange(prompt: prompt, response: chosen), Exchange(prompt: prompt, response: rejected)]
  }

  var tokens: Int { 2 * prompt.count + chosen.count + rejected.count }
}

/// Direct preference optimisation (Rafailov et al. 2023): the reward is what the policy itself says,
/// β log(π/π_ref), and is trained like a reward model's. The policy and the frozen reference are all
/// the models there are.
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
  ///   - continuation: where to begin, and who keeps the state after each round.
  package mutating func run(
    rounds: Int, using generator: SeededGenerator, continuing continuation: Continuation = .none,
    pairs: (_ round: Int, _ policy: LanguageModel) throws -> [PolicyPair],
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
      try continuation.keep(isLast: round + 1 == rounds) {
        var state = TrainingState(step: optimizer.stepCount)
        state.set("policy", policy.parameters)
        optimizer.keep(in: &state, as: "optimizer", for: policy.parameters)
        state.set("rounds", Double(round + 1))
        return state
      }
    }
  }

  private mutating func step(on batch: [PolicyPair]) throws -> StepMetrics {
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

  /// The mean loss of a batch, its gradients, and z of each pair.
  func gradients(
    on batch: [PolicyPair]
  ) throws -> (gradients: Gradients, loss: Double, margins: [Double]) {
    let ranges = Shards.ranges(of: batch.count, tokens: batch.reduce(0) { $0 + $1.tokens })
    let (gradients, results) = try DataParallel(workers: workers).gradients(
      of: policy.parameters, shards: ranges.count
    ) { shard, tape in
      let pairs = batch[ranges[shard]]
      let exchanges = pairs.flatMap(\.exchanges)
      let frozen = segmentSums(
        reference.responseLogProbabilities(
          exchanges, temperature: 1, on: Tape(recording: false)
        ).logProbabilities.value.values, lengths: exchanges.map(\.response.count))
      let (loss, margins) = tape.directPreferenceLoss(
        policy.responseLogProbabilities(exchanges, temperature: 1, on: tape).logProbabilities,
        lengths: pairs.map { ($0.chosen.count, $0.rejected.count) },
        reference: pairs.indices.enumerated().map { index, _ in
          (frozen[2 * index], frozen[2 * index + 1])
        }, by: configuration.loss, beta: configuration.beta,
        smoothing: configuration.labelSmoothing,
        weight: 1 / Double(batch.count))
      return (loss, (loss: Double(loss.value[0]), margins: margins))
    }
    return (gradients, results.reduce(0) { $0 + $1.loss }, results.flatMap(\.margins))
  }
}
