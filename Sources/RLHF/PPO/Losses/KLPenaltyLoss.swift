import Foundation
package import Numerics

/// L = w Σ_t k(log π_t, log ρ_t): the KL penalty as a loss on tokens that π_old drew.
///
/// Its gradient is that of KL(π ‖ ρ) only in part: on-policy, k2 = ½ (log π − log ρ)² has in
/// expectation the gradient that k1 has in the reward; k3 = ρ/π − 1 − log(ρ/π) has the gradient of
/// KL(ρ ‖ π), the other direction, a biased stand-in; k1 has none (arXiv:2510.01555, § 3).
///
/// log π `[M]`; log ρ constants.
package struct KLPenaltyLoss: DifferentiableOperation {
  let slopes: Tensor  // [M] ∂L/∂log π

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    inputs.add(slopes: slopes, scaledBy: outputGradient)
  }

  package static let gradientChecks = [KLEstimator.k2, .k3].map { estimator in
    GradientCheck("KL penalty \(estimator.rawValue) in the loss", inputs: [[4]]) { tape, inputs in
      tape.klPenaltyLoss(
        inputs[0], reference: [-0.5, 0.25, 1, -1.5], estimator: estimator, weight: 0.5)
    }
  }
}

extension Tape {
  /// The loss of ``KLPenaltyLoss``, a scalar.
  package func klPenaltyLoss(
    _ logProbabilities: Variable, reference: [Double], estimator: KLEstimator, weight: Double
  ) -> Variable {
    let values = logProbabilities.value.values
    precondition(values.count == reference.count, "one of each a token")
    var slopes = Tensor(zeros: logProbabilities.value.shape)
    var loss = 0.0
    for token in values.indices {
      let difference = Double(values[token]) - reference[token]
      loss += estimator(
        logProbability: Double(values[token]), reference: reference[token], exact: 0)
      let slope =
        switch estimator {
        case .k2: difference
        case .k3: -expm1(-difference)
        case .k1, .exact:
          preconditionFailure("\(estimator.rawValue) is no loss of log-probabilities alone")
        }
      slopes[token] = Float(weight * slope)
    }
    return record(
      KLPenaltyLoss(slopes: slopes), inputs: [logProbabilities],
      output: Tensor([Float(weight * loss)], shape: []))
  }
}
