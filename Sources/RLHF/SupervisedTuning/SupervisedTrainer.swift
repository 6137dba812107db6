package import LanguageModels
package import Numerics
import Statistics

/// Trains a policy to predict given responses: first on the broad corpus, then on clean answers.
package struct SupervisedTrainer: Sendable {
  package let configuration: SupervisedConfiguration
  /// Named in errors: "pretraining" or "fine-tuning".
  package let stage: String
  package let workers: Workers

  package init(_ configuration: SupervisedConfiguration, stage: String, workers: Workers) {
    self.configuration = configuration
    self.stage = stage
    self.workers = workers
  }

  /// Trains in place and reports `sft/loss`, `sft/gradient_norm`, `sft/learning_rate` per step.
  ///
  /// - Parameters:
  ///   - batch: the exchanges of a step (from 0); the loss is over their responses only.
  ///   - continuation: where to begin, and who keeps the state after each step.
  package func train(
    _ model: inout LanguageModel, continuing continuation: Continuation = .none,
    batch: (_ step: Int, _ size: Int) -> [Exchange], report: MetricsHandler
  ) throws {
    var optimizer = Optimizer(
      configuration.optimizer, for: model.parameters, stage: stage,
      totalSteps: configuration.steps)
    if let state = continuation.state {
      try state.restore(&model.parameters, from: "policy")
      try optimizer.restore(from: state, as: "optimizer", for: model.parameters)
    }
    for step in (0..<configuration.steps).dropFirst(continuation.state?.step ?? 0) {
      let exchanges = batch(step, configuration.batchSize)
      let (gradients, loss) = try gradients(of: model, on: exchanges)
      let rate = optimizer.learningRate
      let norm = try optimizer.step(
        &model.parameters, gradients: gradients, loss: loss, workers: workers)
      try report(
        StepMetrics(
          step: step + 1, of: configuration.steps,
          [(.tuningLoss, loss), (.tuningGradientNorm, norm), (.learningRate, rate)]))
      try continuation.keep(isLast: step + 1 == configuration.steps) {
        var state = TrainingState(step: step + 1)
        state.set("policy", model.parameters)
        optimizer.keep(in: &state, as: "optimizer", for: model.parameters)
        return state
      }
    }
  }

  /// The mean cross-entropy −log π(y_t | x, y_<t) per response token, in nats, and its gradients.
  package func gradients(
    of model: LanguageModel, on exchanges: [Exchange]
  ) throws -> (Gradients, loss: Double) {
    let tokens = exchanges.reduce(0) { $0 + $1.response.count }
    let ranges = Shards.ranges(of: exchanges.count, tokens: exchanges.reduce(0) { $0 + $1.count })
    let (gradients, losses) = try DataParallel(workers: workers).gradients(
      of: model.parameters, shards: ranges.count
    ) { shard, tape in
      let logProbabilities = model.responseLogProbabilities(
        exchanges[ranges[shard]], temperature: 1, on: tape
      ).logProbabilities
      let weights = Tensor(repeating: -1 / Float(tokens), shape: logProbabilities.value.shape)
      let loss = tape.weightedSum(logProbabilities, weights: weights)
      return (loss, Double(loss.value[0]))
    }
    return (gradients, losses.reduce(0, +))
  }

  /// The same mean cross-entropy without gradients.
  package func loss(of model: LanguageModel, on exchanges: [Exchange]) throws -> Double {
    let ranges = Shards.ranges(of: exchanges.count, tokens: exchanges.reduce(0) { $0 + $1.count })
    let sums = try workers.map(ranges.count) { shard in
      model.responseLogProbabilities(
        exchanges[ranges[shard]], temperature: 1, on: Tape(recording: false)
      ).logProbabilities.value.values.reduce(0.0) { $0 + Double($1) }
    }
    return -sums.reduce(0, +) / Double(exchanges.reduce(0) { $0 + $1.response.count })
  }
}
