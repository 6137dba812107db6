import Foundation
import Statistics

/// P(Δ) = ε + (1 − 2ε) σ(Δ): how probable it is that a response whose reward is higher by Δ is chosen.
///
/// Bradley–Terry where the judge slips with probability ε and then says the opposite of what was meant.
/// Christiano et al. 2017 (arXiv 1706.03741, section 2.2.3) assume 10 % of judgements at random, which
/// is ε = 0.05. Without ε, one slip on an easy pair costs so much that all rewards shrink, and the
/// probabilities are too cautious. It is not label smoothing, which shrinks rewards further.
package struct ChoiceProbability: Sendable, Equatable {
  /// ε, below ½.
  package let slips: Double

  package init(slips: Double = 0) { self.slips = slips }

  /// P(Δ).
  package func callAsFunction(_ difference: Double) -> Double {
    slips + (1 - 2 * slips) * Statistics.sigmoid(difference)
  }

  /// −log P(Δ), as softplus where there is no ε, so that nothing overflows.
  func surprise(_ difference: Double) -> Double {
    slips == 0 ? Statistics.softplus(-difference) : -log(self(difference))
  }

  /// ∂(−log P)/∂Δ
  func surpriseSlope(_ difference: Double) -> Double {
    let wrong = 1 / (1 + exp(difference))  // σ(−Δ)
    guard slips > 0 else { return -wrong }
    return -(1 - 2 * slips) * wrong * Statistics.sigmoid(difference) / self(difference)
  }
}
