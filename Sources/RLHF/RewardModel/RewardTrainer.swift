package import LanguageModels
package import Numerics
package import Statistics

/// Trains reward models: this file has the training loop, `RewardLosses.swift` the losses.
package struct RewardTrainer: Sendable {
  package let configuration: RewardConfiguration
  package let workers: Workers

  package init(_ configuration: RewardConfiguration, workers: Workers) {
    self.configuration = configuration
    self.workers = workers
  }

  /// Optimizer steps of one model for that many elements; see ``RewardConfiguration/elements(of:)``.
  package func totalSteps(for elements: Int) -> Int {
    configuration.steps
      ?? configuration.epochs * ((elements + configuration.batchSize - 1) / configuration.batchSize)
  }

  /// Trains in place and reports `reward/loss`, `reward/accuracy` (where there are pairs or labels),
  /// `reward/gradient_norm` per step, and what `evaluate` adds at each of
  /// `configuration.evaluations` steps, the last one included.
  ///
  /// With early stopping, the model ends with the parameters of the evaluation with the lowest
  /// `eval/loss`, which `eval/best_loss` and `eval/best_step` report.
  ///
  /// - Parameters:
  ///   - generator: orders the elements.
  ///   - continuation: where to begin, and what saves the state after each step.
  ///   - evaluate: gets a copy, so that it cannot change what is trained; with early stopping, it
  ///     must add `eval/loss`.
  /// - Throws: ``RewardModelingError`` for rows that do not fit the configuration.
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
    let steps = zip(1..., batches(of: elements.count, using: generator).prefix(total))
    for (step, batch) in steps.dropFirst(optimizer.stepCount) {
      let result = try gradients(of: model, on: batch.map { elements[$0] })
      let norm: Double
      do {
        norm = try optimizer.step(
          &model.parameters, gradients: result.gradients, loss: result.loss, workers: workers)
      } catch let error as NonFiniteError {
        throw error.naming("training elements", Array(batch), numbers: batch.map { $0 + 1 }) {
          let result = try gradients(of: model, on: [elements[$0]])
          return (result.gradients, result.loss)
        }
      }
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
      try continuation.save(isLast: step == total) {
        var state = TrainingState(step: step)
        state.set("reward", model.parameters)
        optimizer.save(in: &state, as: "optimizer", for: model.parameters)
        stopping?.save(in: &state)
        return state
      }
    }
    if let best = stopping?.best { model.parameters = best.parameters }
  }

  /// The elements of every step, epoch after epoch, each ordered when it begins.
  private func batches(
    of count: Int, using generator: SeededGenerator
  ) -> some Sequence<ArraySlice<Int>> {
    // As many as the steps take, where it is not said.
    let epochs = configuration.steps == nil ? configuration.epochs : count > 0 ? Int.max : 0
    return (0..<epochs).lazy.flatMap { epoch in
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
  /// The gradients of a batch, and its metrics.
  struct BatchResult: Sendable {
    let gradients: Gradients
    /// The mean over the batch.
    let loss: Double
    /// The share of pairs whose rewards are in the order of the judgement, or of labels whose rewards
    /// are on their side of 0; nil without either.
    let accuracy: Double?
  }

  /// The mean loss over a batch as ``RewardConfiguration/elements(of:)`` makes it, its gradients, and
  /// the share of pairs ranked as they were judged.
  ///
  /// The pieces of `configuration.accumulation` are computed one after the other, each in shards of
  /// its own; all are weighted by the whole batch.
  func gradients(
    of model: ScalarModel, on batch: [RankedResponses]
  ) throws -> BatchResult {
    let (gradients, results) = try workers.gradients(
      of: model.parameters, on: batch, pieces: configuration.accumulation, tokens: \.count
    ) { elements, tape in
      let (loss, rewards) = configuration.loss(
        of: model, on: elements, weight: 1 / Double(batch.count), tape: tape)
      return (loss, (Double(loss.value[0]), right: right(rewards, of: elements)))
    }
    let judgements = batch.reduce(0) {
      $0 + (configuration.objective == .binary ? configuration.labels(of: $1).count : $1.pairCount)
    }
    let agreed = results.reduce(0) { $0 + $1.right }
    return BatchResult(
      gradients: gradients, loss: results.reduce(0) { $0 + $1.0 },
      accuracy: judgements > 0 ? Double(agreed) / Double(judgements) : nil)
  }

  /// How many of the judgements the rewards agree with.
  private func right(_ rewards: [Float], of elements: ArraySlice<RankedResponses>) -> Int {
    guard configuration.objective == .binary else { return Self.rightPairs(rewards, of: elements) }
    return zip(rewards, elements.flatMap(configuration.labels)).count { $1 > 0.5 ? $0 > 0 : $0 < 0 }
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

extension RewardConfiguration {
  /// The share of some elements in the mean loss of a batch, and the rewards that it reads, in order:
  /// of each response at its end, or at the ends of its steps.
  ///
  /// - Parameters:
  ///   - elements: as ``elements(of:)`` makes them.
  ///   - weight: 1 over the elements of the whole batch. It is divided out here, once, however the
  ///     batch is cut.
  func loss(
    of model: ScalarModel, on elements: ArraySlice<RankedResponses>, weight: Double, tape: Tape
  ) -> (Variable, rewards: [Float]) {
    let exchanges = elements.flatMap(\.exchanges)
    let isPerToken = objective == .pairwiseTokens
    let rewards =
      if isPerToken {
        model.tokenRewards(exchanges, on: tape)
      } else if reading == .steps {
        model.rewards(exchanges, at: elements.map { $0.stepEnds ?? [] }, on: tape)
      } else {
        model.rewards(exchanges, on: tape)
      }
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
      case .binary:
        tape.binaryLoss(
          rewards, labels: elements.flatMap(labels), choices: choiceProbability,
          weights: elements.map { labels(of: $0).count }.flatMap {
            Array(repeating: weight / Double($0), count: $0)
          })
      }
    let values = rewards.value.values
    guard isPerToken else { return (loss, values) }
    var end = -1  // of each response among the tokens of all
    return (
      loss,
      exchanges.map {
        end += $0.response.count
        return values[end]
      }
    )
  }

  /// p of a pair.
  private func probability(_ element: RankedResponses) -> Double {
    softLabels ? element.probability ?? 1 : 1 - labelSmoothing
  }
}

extension ScalarModel {
  /// The head at some tokens of every response, concatenated, `[M]`.
  ///
  /// - Parameter tokens: of every exchange, places in its response.
  func rewards(
    _ exchanges: some Collection<Exchange>, at tokens: [[Int]], on tape: Tape
  ) -> Variable {
    let batch = ResponseBatch(exchanges)
    let rows = zip(batch.responseRows, tokens).flatMap { rows, tokens in tokens.map { rows[$0] } }
    return scalars(hiddenStates(of: batch.packed, at: rows, on: tape), on: tape)
  }

  /// The head at every token of every response, concatenated, `[M]`; the last of a response is what
  /// `rewards(_:on:)` gives.
  func tokenRewards(_ exchanges: [Exchange], on tape: Tape) -> Variable {
    let batch = ResponseBatch(exchanges)
    let rows = batch.responseRows.flatMap(\.self)
    return scalars(hiddenStates(of: batch.packed, at: rows, on: tape), on: tape)
  }
}
