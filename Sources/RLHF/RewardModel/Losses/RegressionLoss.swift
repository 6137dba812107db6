package import Numerics

/// L = Σ_i w_i (r_i − rating_i)²
///
/// Rewards as predictions of ratings. Ratings say where 0 is, so nothing is centered.
///
/// rewards, ratings and weights w `[M]`; a weight is 1 over the prompts of the whole batch and over
/// the responses of the prompt.
package struct RegressionLoss: DifferentiableOperation {
  let slopes: Tensor  // [M] ∂L/∂rewards

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    inputs.add(slopes: slopes, scaledBy: outputGradient)
  }

  package static let gradientChecks = [
    GradientCheck("regression loss", inputs: [[4]]) {
      $0.regressionLoss($1[0], ratings: [0, 0.5, -2, 1], weights: [0.5, 0.5, 1, 0.25])
    }
  ]
}

extension Tape {
  /// The loss of ``RegressionLoss``, a scalar.
  package func regressionLoss(
    _ rewards: Variable, ratings: [Double], weights: [Double]
  ) -> Variable {
    precondition(
      rewards.value.shape == [ratings.count] && weights.count == ratings.count,
      "regression loss: rewards of \(rewards.value.shape) for \(ratings.count) ratings")
    let values = rewards.value.values.map(Double.init)
    var loss = LinearizedLoss(rewards: values.count)
    for (index, rating) in ratings.enumerated() {
      let error = values[index] - rating
      loss.add(weights[index] * error * error)
      loss.add(2 * weights[index] * error, at: index)
    }
    return record(RegressionLoss(slopes: loss.tensor), inputs: [rewards], output: loss.scalar)
  }
}
