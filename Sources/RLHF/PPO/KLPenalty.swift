import Numerics
import Settings

/// What stands for KL(π ‖ π_ref) at one token drawn from π (Schulman 2020, "Approximating KL divergence").
package enum KLEstimator: String, Sendable, CaseIterable, SettingValue {
  /// log π − log π_ref: unbiased; in the reward it gives the exact gradient in expectation.
  case k1
  /// ½ (log π − log π_ref)²: biased, of low variance.
  case k2
  /// π_ref/π − 1 − log(π_ref/π): unbiased, never negative.
  case k3
  /// Σ_a π(a) log(π(a)/π_ref(a)) over the whole vocabulary: the state's KL itself.
  case exact

  /// The estimate in nats.
  ///
  /// - Parameters:
  ///   - logProbability: log π of the token.
  ///   - reference: log π_ref of the token.
  ///   - exact: KL of the state.
  package func callAsFunction(logProbability: Double, reference: Double, exact: Double) -> Double {
    self == .exact
      ? exact : self(logProbability: Dual(logProbability), reference: reference).value
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
