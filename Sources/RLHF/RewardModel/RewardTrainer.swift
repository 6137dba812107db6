package import LanguageModels
package import Numerics
package import Statistics

/// Trains reward models by the objective of the configuration.
package struct RewardTrainer: Sendable {
  package let configuration: RewardConfiguration
  package let workers: Workers

  package init(_ configuration: RewardConfiguration, workers: Workers) {
    self.configuration = configuration
    self.workers = workers
  }

  /// Optimizer steps of one model for that many elements; see ``RewardConfiguration/elements(of:)``.
  package func totalSteps(for elements: Int) -> Int {
    configuration.epochs * ((elements + configuration.batchSize - 1) / configuration.batchSize)
  }

  /// Trains in place on comparisons; as on any other elements.
  package func train(
    _ model: inout ScalarModel, on comparisons: [TokenizedComparison],
    using generator: SeededGenerator, continuing continuation: Continuation = .none,
    evaluate: (ScalarModel, inout StepMetrics) throws -> Void, report: MetricsHandler
  ) throws {
    try train(
      &model, on: comparisons.map(RankedResponses.init), using: generator,
      continuing: continuation, evaluate: evaluate, report: report)
  }

  /// Trains in place and reports `reward/loss`, `reward/accuracy` (where there are pairs),
  /// `reward/gradient_norm` per step, and what `evaluate` adds at each of
  /// `configuration.evaluations` steps, the last one included.
  ///
  /// With early stopping, the model is at the end what it was at the evaluation with the lowest
  /// `eval/loss`, which `eval/best_loss` and `eval/best_step` report.
  ///
  /// - Parameters:
  ///   - generator: orders the elements.
  ///   - continuation: where to begin, and who keeps the state after each step.
  ///   - evaluate: gets a copy, so that it cannot change what is trained; with early stopping, it
  ///     must add `eval/loss`.
  /// - Throws: ``RewardModelingError`` for rows that do not go with the configuration.
  package func train<Rows: RandomAccessCollection<RankedResponses>>(
    _ model: inout ScalarModel, on rows: Rows, using generator: SeededGenerator,
    continuing continuation: Continuation = .none,
    evaluate: (ScalarModel, inout StepMetrics) throws -> Void, report: MetricsHandler
  ) throws where Rows.Index == Int {
    let elements = try configuration.elements(of: rows)
    model.freeze(fraction: configuration.freeze)
    let total = totalSteps(for: elements.count)
    var optimizer = Optimizer(
      configuration.optimizer, for: model.parameters, stage: "reward model", totalSteps: total)
    let interval = max(1, (total + configuration.evaluations - 1) / configuration.evaluations)
    var stopping = configuration.earlyStopping.map(EarlyStopping.init(patience:))
    if let state = continuation.state {
      try state.restore(&model.parameters, from: "reward")
      try optimizer.restore(from: state, as: "optimizer", for: model.parameters)
      try stopping?.restore(from: state, for: model.parameters)
    }
    let steps = zip(1..., batches(of: elements.count, using: generator))
    for (step, batch) in steps.dropFirst(optimizer.stepCount) {
      let result = try gradients(of: model, on: batch.map { elements[$0] })
      let norm = try optimizer.step(
        &model.parameters, gradients: result.gradients, loss: result.loss, workers: workers)
      var metrics = StepMetrics(step: step, of: total, [(.rewardLoss, result.loss)])
      if let accuracy = result.accuracy { metrics.append(.rewardAccuracy, accuracy) }
      metrics.append(.rewardGradientNorm, norm)
      var isOver = false
      if step % interval == 0 || step == total {
        try evaluate(model, &metrics)
        isOver = stopping?.observe(&metrics, parameters: model.parameters) ?? false
      }
      try report(metrics)
      if isOver { break }
      try continuation.keep(isLast: step == total) {
        var state = TrainingState(step: step)
        state.set("reward", model.parameters)
        optimizer.keep(in: &state, as: "optimizer", for: model.parameters)
        stopping?.keep(in: &state)
        return state
      }
    }
    if let best = stopping?.best { model.parameters = best.parameters }
  }

  /// The elements of every step, epoch after epoch, each ordered when it begins.
  private func batches(
    of count: Int, using generator: SeededGenerator
  ) -> some Sequence<ArraySlice<Int>> {
    (0..<configuration.epochs).lazy.flatMap { epoch in
      var shuffler = generator.stream("epoch", epoch)
      let order =
        configuration.shuffle ? shuffler.permutation(of: count) : Array(0..<count)
      return stride(from: 0, to: count, by: configuration.batchSize).lazy.map {
        order[$0..<min(count, $0 + configuration.batchSize)]
      }
    }
  }
}

extension RewardTrainer {
  /// What one batch says.
  package struct BatchResult: Sendable {
    package let gradients: Gradients
    /// The mean over the batch.
    package let loss: Double
    /// The share of pairs whose rewards are in the order of the judgement; nil without pairs.
    package let accuracy: Double?
  }

  /// The mean loss over a batch, its gradients, and the share of pairs ranked as they were judged.
  package func gradients(
    of model: ScalarModel, on batch: [TokenizedComparison]
  ) throws -> BatchResult {
    try gradients(of: model, on: batch.map(RankedResponses.init))
  }

  /// The same for elements as ``RewardConfiguration/elements(of:)`` makes them.
  ///
  /// The pieces of `configuration.accumulation` are computed one after the other, each in shards of
  /// its own; all are weighted by the whole batch.
  package func gradients(
    of model: ScalarModel, on batch: [RankedResponses]
  ) throws -> BatchResult {
    let weight = 1 / Double(batch.count)
    let pieces = min(configuration.accumulation, batch.count)
    var gradients = Gradients(count: model.parameters.count)
    var (loss, right, pairs) = (0.0, 0, 0)
    for piece in 0..<pieces {
      let elements = batch[batch.count * piece / pieces..<batch.count * (piece + 1) / pieces]
      let ranges = Shards.ranges(
        of: elements.count, tokens: elements.reduce(0) { $0 + $1.count })
      let (sum, results) = try DataParallel(workers: workers).gradients(
        of: model.parameters, shards: ranges.count
      ) { shard, tape in
        let first = elements.startIndex
        let range = ranges[shard].lowerBound + first..<ranges[shard].upperBound + first
        let result = configuration.loss(
          of: model, on: elements[range], weight: weight, tape: tape)
        return (
          result.loss,
          (
            loss: Double(result.loss.value[0]),
            right: Self.rightPairs(result.rewards, of: elements[range])
          )
        )
      }
      gradients.add(sum)
      for result in results {
        loss += result.loss
        right += result.right
      }
      pairs += elements.reduce(0) { $0 + $1.pairCount }
    }
    return BatchResult(
      gradients: gradients, loss: loss,
      accuracy: pairs > 0 ? Double(right) / Double(pairs) : nil)
  }

  /// How many pairs have the higher reward where they were judged better.
  private static func rightPairs(
    _ rewards: [Float], of elements: ArraySlice<RankedResponses>
  ) -> Int {
    var start = 0
    var right = 0
    for element in elements {
      let end = start + element.responses.count
      for better in start..<end {
        right += (better + 1..<end).count { rewards[better] > rewards[$0] }
      }
      start = end
    }
    return right
  }
}

/// A loss on a tape, and the reward that each response has at its end, in order.
struct ObjectiveLoss {
  let loss: Variable
  let rewards: [Float]
}

extension RewardConfiguration {
  /// The share of some elements in the mean loss of a batch.
  ///
  /// - Parameters:
  ///   - elements: as ``elements(of:)`` makes them.
  ///   - weight: 1 over the elements of the whole batch. It is divided out here, once, however the
  ///     batch is cut.
  func loss(
    of model: ScalarModel, on elements: ArraySlice<RankedResponses>, weight: Double, tape: Tape
  ) -> ObjectiveLoss {
    let exchanges = elements.flatMap(\.exchanges)
    let isPerToken = objective == .pairwiseTokens
    let rewards =
      isPerToken ? model.tokenRewards(exchanges, on: tape) : model.rewards(exchanges, on: tape)
    let sizes = elements.map(\.responses.count)
    let margins = elements.map(\.margin)
    let loss =
      switch objective {
      case .pairwise:
        tape.pairwiseLoss(
          rewards, margins: margins, probabilities: elements.map(probability),
          choices: choiceProbability, centering: centering, weight: weight)
      case .pairwiseTokens:
        tape.pairwiseTokensLoss(
          rewards,
          pairs: elements.map { TokenPair(chosen: $0.responses[0], rejected: $0.responses[1]) },
          margins: margins, probabilities: elements.map(probability),
          choices: choiceProbability, centering: centering, weight: weight)
      case .groupedPairs:
        tape.groupedPairsLoss(
          rewards, sizes: sizes, margins: margins, probability: 1 - labelSmoothing,
          choices: choiceProbability, centering: centering, weight: weight)
      case .plackettLuce:
        tape.plackettLuceLoss(rewards, sizes: sizes, centering: centering, weight: weight)
      case .bestOfK:
        tape.bestOfKLoss(rewards, sizes: sizes, centering: centering, weight: weight)
      case .regression:
        tape.regressionLoss(
          rewards, ratings: elements.flatMap { $0.ratings ?? [] },
          weights: sizes.flatMap { Array(repeating: weight / Double($0), count: $0) })
      }
    let values = rewards.value.values
    return ObjectiveLoss(
      loss: loss, rewards: isPerToken ? Self.ends(of: exchanges).map { values[$0] } : values)
  }

  /// p of a pair.
  private func probability(_ element: RankedResponses) -> Double {
    softLabels ? element.probability ?? 1 : 1 - labelSmoothing
  }

  /// Where each response has its last token among the tokens of all responses.
  private static func ends(of exchanges: [Exchange]) -> [Int] {
    var end = -1
    return exchanges.map {
      end += $0.response.count
      return end
    }
  }
}

extension ScalarModel {
  /// The head at every token of every response, concatenated, `[M]`; the last of a response is what
  /// `rewards(_:on:)` gives.
  func tokenRewards(_ exchanges: [Exchange], on tape: Tape) -> Variable {
    let batch = ResponseBatch(exchanges)
    let rows = batch.responseRows.flatMap(\.self)
    return scalars(hiddenStates(of: batch.packed, at: rows, on: tape), on: tape)
  }
}
