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
      var metrics = StepMetrics(step: step, of: total, [("reward/loss", result.loss)])
      if let accuracy = result.accuracy { metrics.append("reward/accuracy", accuracy) }
      metrics.append("reward/gradient_norm", norm)
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
