package import Autodiff
package import Tensors

/// AdamW with its schedule, for one model in one stage; it refuses numbers that are not finite.
package struct Optimizer: Sendable {
  private let configuration: OptimizerConfiguration
  private let stage: String
  private let totalSteps: Int
  private var adamW: AdamW

  /// - Parameters:
  ///   - stage: named in errors.
  ///   - totalSteps: steps over which the schedule runs.
  package init(
    _ configuration: OptimizerConfiguration, for parameters: ParameterSet, stage: String,
    totalSteps: Int
  ) {
    self.configuration = configuration
    self.stage = stage
    self.totalSteps = totalSteps
    adamW = AdamW(configuration.adamW, for: parameters)
  }

  /// The learning rate of the next step.
  package var learningRate: Double {
    configuration.learningRate
      * configuration.schedule.factor(
        step: adamW.stepCount, total: totalSteps, warmup: configuration.warmupSteps)
  }

  /// Bytes that the optimizer keeps between steps.
  package var byteCount: Int { adamW.momentBytes }

  /// Takes one step and returns the gradients' global norm before clipping.
  ///
  /// - Throws: ``NonFiniteError`` when the loss or a gradient is not finite; the parameters are then
  ///   as they were.
  package mutating func step(
    _ parameters: inout ParameterSet, gradients: Gradients, loss: Double, workers: Workers
  ) throws -> Double {
    let step = adamW.stepCount + 1
    guard loss.isFinite else { throw NonFiniteError(stage: stage, step: step, tensor: "the loss") }
    if let index = gradients.firstNonFinite {
      throw NonFiniteError(
        stage: stage, step: step, tensor: "the gradient of \(parameters.names[index])")
    }
    return try adamW.step(
      &parameters, gradients: gradients, rate: learningRate, workers: workers)
  }
}
