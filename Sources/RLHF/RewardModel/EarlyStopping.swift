import Numerics
import Statistics

/// Keeps the parameters with the lowest held-out loss, and says when it has not fallen for long.
struct EarlyStopping {
  /// Evaluations without a lower loss after which training stops.
  let patience: Int
  private(set) var best: (loss: Double, step: Int, parameters: ParameterSet)?
  private var evaluationsSinceBest = 0

  init(patience: Int) { self.patience = patience }

  /// Takes note of an evaluation's `eval/loss` and returns whether it is time to stop; adds
  /// `eval/best_loss` and `eval/best_step` to the metrics.
  mutating func observe(_ metrics: inout StepMetrics, parameters: ParameterSet) -> Bool {
    guard let loss = metrics[.heldOutLoss] else {
      preconditionFailure("early stopping needs the `eval/loss` of every evaluation")
    }
    if loss < best?.loss ?? .infinity {
      best = (loss, metrics.step, parameters)
      evaluationsSinceBest = 0
    } else {
      evaluationsSinceBest += 1
    }
    if let best {
      metrics.append(.bestLoss, best.loss)
      metrics.append(.bestStep, Double(best.step))
    }
    return evaluationsSinceBest >= patience
  }

  func keep(in state: inout TrainingState) {
    state.set("early_stopping.evaluations_since_best", Double(evaluationsSinceBest))
    guard let best else { return }
    state.set("early_stopping.best_loss", best.loss)
    state.set("early_stopping.best_step", Double(best.step))
    state.set("early_stopping.best", best.parameters)
  }

  /// - Parameter parameters: of the model that is trained.
  /// - Throws: `TrainingStateError`
  mutating func restore(
    from state: TrainingState, for parameters: ParameterSet
  ) throws(TrainingStateError) {
    evaluationsSinceBest = try state.count("early_stopping.evaluations_since_best")
    guard state.numbers["early_stopping.best_loss"] != nil else { return }
    var kept = parameters
    try state.restore(&kept, from: "early_stopping.best")
    best = (
      try state.number("early_stopping.best_loss"), try state.count("early_stopping.best_step"),
      kept
    )
  }
}
