package import Numerics

/// L = ½ w Σ_t max((V_t − R_t)², (clip(V_t, V_old ± ε) − R_t)²) (OpenAI Baselines, PPO2).
///
/// V `[M]`; V_old and R `[M]` are constants; w weight, 1 over the tokens of the minibatch.
package struct ClippedValueLoss: DifferentiableOperation {
  let slopes: Tensor  // [M] ∂L/∂V

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    inputs.add(slopes: slopes, scaledBy: outputGradient)
  }

  package static let gradientChecks = [
    GradientCheck("clipped value loss", inputs: [[5]]) { tape, inputs in
      // So far from any input that none is near a corner of the loss; either term is larger in turn.
      tape.clippedValueLoss(
        inputs[0], old: [5, 5, -5, -5, 5], returns: [4.4, -5, 5, -4.4, 0], clipRange: 0.6,
        weight: 0.2
      ).loss
    }
  ]
}

extension Tape {
  /// The loss of ``ClippedValueLoss``, a scalar, and for how many tokens the clipped term was the
  /// larger.
  package func clippedValueLoss(
    _ values: Variable, old: [Double], returns: [Double], clipRange: Double, weight: Double
  ) -> (loss: Variable, clipped: Int) {
    let new = values.value.values
    precondition(new.count == old.count && old.count == returns.count, "one of each a token")
    var slopes = Tensor(zeros: values.value.shape)
    var loss = 0.0
    var clipped = 0
    for token in new.indices {
      let value = Double(new[token])
      let bounded = min(old[token] + clipRange, max(old[token] - clipRange, value))
      let free = (value - returns[token]) * (value - returns[token])
      let limited = (bounded - returns[token]) * (bounded - returns[token])
      loss += max(free, limited) / 2
      if limited > free {
        clipped += 1  // the value left its range, so the larger term does not depend on it
      } else {
        slopes[token] = Float(weight * (value - returns[token]))
      }
    }
    let variable = record(
      ClippedValueLoss(slopes: slopes), inputs: [values],
      output: Tensor([Float(weight * loss)], shape: []))
    return (variable, clipped)
  }
}
