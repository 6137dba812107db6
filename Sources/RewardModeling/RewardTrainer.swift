package import Autodiff
package import Tensors
package import Training
package import Transformer

/// A comparison in tokens; both responses as ``RewardModel/ended(_:)`` makes them.
package struct TokenizedComparison: Sendable, Equatable {
  package var prompt: [Int32]
  package var chosen: [Int32]
  package var rejected: [Int32]
  /// m of the loss: by how much the chosen reward should be above the other.
  package var margin: Double

  package init(prompt: [Int32], chosen: [Int32], rejected: [Int32], margin: Double = 0) {
    self.prompt = prompt
    self.chosen = chosen
    self.rejected = rejected
    self.margin = margin
  }

  /// Chosen, then rejected; neighbours, so that their prompt is computed once.
  package var exchanges: [Exchange] {
    [Exchange(prompt: prompt, response: chosen), Exchange(prompt: prompt, response: rejected)]
  }

  package var count: Int { prompt.count + chosen.count + rejected.count }
}

/// Trains a reward model on comparisons by Bradley–Terry ranking.
package struct RewardTrainer: Sendable {
  package let configuration: RewardConfiguration
  package let workers: Workers

  package init(_ configuration: RewardConfiguration, workers: Workers) {
    self.configuration = configuration
    self.workers = workers
  }

  /// Optimizer steps for that many comparisons.
  package func totalSteps(for comparisons: Int) -> Int {
    configuration.epochs
      * ((comparisons + configuration.batchSize - 1) / configuration.batchSize)
  }

  /// Trains in place and reports `reward/loss`, `reward/accuracy`, `reward/gradient_norm` per step,
  /// and what `evaluate` adds at each of `configuration.evaluations` steps, the last one included.
  ///
  /// - Parameter generator: orders the comparisons.
  package func train(
    _ model: inout ScalarModel, on comparisons: [TokenizedComparison],
    using generator: SeededGenerator,
    evaluate: (ScalarModel, inout StepMetrics) throws -> Void, report: MetricsHandler
  ) throws {
    model.freeze(fraction: configuration.freeze)
    let total = totalSteps(for: comparisons.count)
    var optimizer = Optimizer(
      configuration.optimizer, for: model.parameters, stage: "reward model", totalSteps: total)
    let interval = max(1, (total + configuration.evaluations - 1) / configuration.evaluations)
    var step = 0
    for epoch in 0..<configuration.epochs {
      var order = Array(comparisons.indices)
      if configuration.shuffle {
        var shuffler = generator.stream("epoch", epoch)
        order = shuffler.permutation(of: comparisons.count)
      }
      for start in stride(from: 0, to: order.count, by: configuration.batchSize) {
        let end = min(order.count, start + configuration.batchSize)
        let batch = order[start..<end].map { comparisons[$0] }
        let (gradients, loss, accuracy) = try gradients(of: model, on: batch)
        let norm = try optimizer.step(
          &model.parameters, gradients: gradients, loss: loss, workers: workers)
        step += 1
        var metrics = StepMetrics(
          step: step, of: total,
          [("reward/loss", loss), ("reward/accuracy", accuracy), ("reward/gradient_norm", norm)])
        if step % interval == 0 || step == total { try evaluate(model, &metrics) }
        try report(metrics)
      }
    }
  }

  /// The mean loss over a batch, its gradients, and the share of pairs ranked as they were judged.
  package func gradients(
    of model: ScalarModel, on batch: [TokenizedComparison]
  ) throws -> (Gradients, loss: Double, accuracy: Double) {
    let ranges = Shards.ranges(of: batch.count, tokens: batch.reduce(0) { $0 + $1.count })
    let (gradients, results) = try DataParallel(workers: workers).gradients(
      of: model.parameters, shards: ranges.count
    ) { shard, tape in
      let pairs = batch[ranges[shard]]
      let rewards = model.rewards(pairs.flatMap(\.exchanges), on: tape)
      let loss = tape.pairwiseLoss(
        rewards, margins: pairs.map(\.margin), centering: configuration.centering,
        weight: 1 / Double(batch.count))
      let values = rewards.value.values
      let right = pairs.indices.count { pair in
        let index = 2 * (pair - pairs.startIndex)
        return values[index] > values[index + 1]
      }
      return (loss, (loss: Double(loss.value[0]), right: right))
    }
    return (
      gradients, results.reduce(0) { $0 + $1.loss },
      Double(results.reduce(0) { $0 + $1.right }) / Double(batch.count)
    )
  }
}
