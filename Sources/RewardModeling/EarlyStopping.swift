import Autodiff

/// Keeps the parameters with the lowest held-out loss, and says when it has not fallen for long.
struct EarlyStopping {
  /// Evaluations without a lower loss after which training stops.
  let patience: Int
  private(set) var best: (loss: Double, step: Int, parameters: ParameterSet)?
  private var evaluationsSinceBest = 0

  init(patience: Int) { self.patience = patience }

  /// Takes note of an evaluation and returns whether it is time to stop.
  mutating func observe(loss: Double, step: Int, parameters: ParameterSet) -> Bool {
    if loss < best?.loss ?? .infinity {
      best = (loss, step, parameters)
      evaluationsSinceBest = 0
    } else {
      evaluationsSinceBest += 1
    }
    return evaluationsSinceBest >= patience
  }
}
