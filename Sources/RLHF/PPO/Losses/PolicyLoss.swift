import Foundation
package import Numerics

/// L = w Σ_t max(−A_t ρ_t, −A_t clip(ρ_t, 1 ± ε)), ρ_t = exp(log π − log π_old)
/// (Schulman et al. 2017, eq. 7); with a dual clip c, at most −c A_t where A_t < 0 (Ye et al. 2020).
///
/// log π `[M]`; log π_old and A `[M]` are constants; w weight, 1 over the tokens of the minibatch.
package struct ClippedPolicyLoss: DifferentiableOperation {
  let slopes: Tensor  // [M] ∂L/∂log π

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    inputs.add(slopes: slopes, scaledBy: outputGradient)
  }

  package static let gradientChecks = [
    GradientCheck("clipped policy loss", inputs: [[6]]) { tape, inputs in
      // So far from any input that no ratio is near a corner of the loss; every case occurs.
      tape.clippedPolicyLoss(
        inputs[0], old: [5, 5, -5, -5, 5, -5], advantages: [1, -1, 0.5, -2, 1.5, -0.25],
        clipRange: 0.05, weight: 0.25
      ).loss
    }
  ]
}

/// How far a minibatch's policy has moved from the one that drew it.
package struct RatioStatistics: Sendable, Equatable {
  /// Tokens whose gradient the clip cut off.
  package var clipped = 0
  package var largest = 0.0
  /// Σ (ρ − 1 − log ρ), the k3 estimate of KL(π_old ‖ π) per token.
  package var approximateKL = 0.0

  package init() {}

  /// The ratios themselves, of which none is cut off.
  init(logProbabilities: [Float], old: [Double]) {
    for (new, old) in zip(logProbabilities, old) { observe(Double(new) - old) }
  }

  fileprivate mutating func observe(_ logRatio: Double) {
    largest = max(largest, exp(logRatio))
    approximateKL += expm1(logRatio) - logRatio
  }

  package mutating func add(_ other: RatioStatistics) {
    clipped += other.clipped
    largest = max(largest, other.largest)
    approximateKL += other.approximateKL
  }
}

extension Tape {
  /// The loss of ``ClippedPolicyLoss``, a scalar, and what the ratios were.
  package func clippedPolicyLoss(
    _ logProbabilities: Variable, old: [Double], advantages: [Double], clipRange: Double,
    dualClip: Double? = nil, weight: Double
  ) -> (loss: Variable, ratios: RatioStatistics) {
    let values = logProbabilities.value.values
    precondition(values.count == old.count && old.count == advantages.count, "one of each a token")
    var statistics = RatioStatistics()
    var slopes = Tensor(zeros: logProbabilities.value.shape)
    var loss = 0.0
    for token in values.indices {
      let logRatio = Double(values[token]) - old[token]
      let ratio = exp(logRatio)
      let free = -advantages[token] * ratio
      let bounded = -advantages[token] * min(1 + clipRange, max(1 - clipRange, ratio))
      let worst = advantages[token] < 0 ? dualClip.map { -advantages[token] * $0 } : nil
      loss += min(max(free, bounded), worst ?? .infinity)
      if bounded > free || free > worst ?? .infinity {
        statistics.clipped += 1
      } else {
        slopes[token] = Float(weight * free)
      }
      statistics.observe(logRatio)
    }
    let variable = record(
      ClippedPolicyLoss(slopes: slopes), inputs: [logProbabilities],
      output: Tensor([Float(weight * loss)], shape: []))
    return (variable, statistics)
  }
}
