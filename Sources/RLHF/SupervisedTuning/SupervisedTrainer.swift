package import LanguageModels
package import Numerics
package import Settings
import Statistics

/// One phase of supervised training.
package struct SupervisedConfiguration: Configurable, Equatable {
  package var steps = 300
  package var batchSize = 64
  package var optimizer = OptimizerConfiguration(learningRate: 2e-3)

  package init() {}

  package static let fields = [
    Field(
      "steps", \Self.steps,
      "optimizer steps; 0 skips the phase", in: 0...),
    Field("batch_size", \Self.batchSize, "sequences in a step", in: 1...),
    Field("optimizer", \Self.optimizer, "the optimizer"),
  ]
}

/// Trains a policy to predict given responses: first on the broad corpus, then on clean responses.
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
  ///   - continuation: where to begin, and what saves the state after each step.
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
      let norm: Double
      do {
        norm = try optimizer.step(
          &model.parameters, gradients: gradients, loss: loss, workers: workers)
      } catch let error as NonFiniteError {
        throw error.naming("sequences", exchanges) { try self.gradients(of: model, on: [$0]) }
      }
      try report(
        StepMetrics(
          step: step + 1, of: configuration.steps,
          [(.tuningLoss, loss), (.tuningGradientNorm, norm), (.learningRate, rate)]))
      try continuation.save(isLast: step + 1 == configuration.steps) {
        var state = TrainingState(step: step + 1)
        state.set("policy", model.parameters)
        optimizer.save(in: &state, as: "optimizer", for: model.parameters)
        return state
      }
    }
  }

  /// The mean cross-entropy −log π(y_t | x, y_<t) per response token, in nats, and its gradients.
  package func gradients(
    of model: LanguageModel, on exchanges: [Exchange]
  ) throws -> (gradients: Gradients, loss: Double) {
    try workers.crossEntropy(of: model, on: exchanges)
  }

  /// The same mean cross-entropy without gradients.
  package func loss(of model: LanguageModel, on exchanges: [Exchange]) throws -> Double {
    let sums = try workers.map(exchanges) { shard in
      let logProbabilities = model.responseLogProbabilities(
        shard, temperature: 1, on: Tape(recording: false)
      ).logProbabilities
      return [logProbabilities.value.values.reduce(0.0) { $0 + Double($1) }]
    }
    return -sums.reduce(0, +) / Double(exchanges.reduce(0) { $0 + $1.response.count })
  }
}
