import Foundation
import Settings

/// What stands for KL(π ‖ ρ) at one token drawn from π (Schulman 2020, "Approximating KL divergence").
package enum KLEstimator: String, Sendable, CaseIterable, SettingValue {
  /// log π − log ρ: unbiased; in the reward it gives the exact gradient in expectation.
  case k1
  /// ½ (log π − log ρ)²: biased, of low variance.
  case k2
  /// ρ/π − 1 − log(ρ/π): unbiased, never negative.
  case k3
  /// Σ_a π(a) log(π(a)/ρ(a)) over the whole vocabulary: the state's KL itself.
  case exact

  /// The estimate in nats.
  ///
  /// - Parameters:
  ///   - logProbability: log π of the token.
  ///   - reference: log ρ of the token.
  ///   - exact: KL of the state.
  package func callAsFunction(logProbability: Double, reference: Double, exact: Double) -> Double {
    let ratio = reference - logProbability
    switch self {
    case .k1: return -ratio
    case .k2: return ratio * ratio / 2
    // e^x − 1 − x would lose all its digits near 0.
    case .k3: return expm1(ratio) - ratio
    case .exact: return exact
    }
  }
}

/// β, fixed or following the measured KL.
package struct KLController: Sendable, Equatable {
  package private(set) var coefficient: Double
  private let configuration: KLConfiguration

  package init(_ configuration: KLConfiguration) {
    self.configuration = configuration
    coefficient = configuration.coefficient
  }

  /// Goes on from the β that an earlier controller had reached.
  package mutating func restore(coefficient: Double) { self.coefficient = coefficient }

  /// β ← β (1 + clip(KL / target − 1, ±0.2) · episodes / horizon) (Ziegler et al. 2019, § 2.2).
  package mutating func update(kl: Double, episodes: Int) {
    guard configuration.controller == .adaptive else { return }
    let error = min(0.2, max(-0.2, kl / configuration.target - 1))
    coefficient *= 1 + error * Double(episodes) / Double(configuration.horizon)
  }
}
