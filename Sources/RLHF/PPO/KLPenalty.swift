import Numerics
package import Settings

/// The KL penalty, β KL(π ‖ π_ref).
package struct KLConfiguration: Configurable, Equatable {
  package enum Controller: String, Sendable, CaseIterable, SettingValue {
    case fixed
    /// β follows the measured KL towards a target (Ziegler et al. 2019).
    case adaptive
  }

  /// Where the penalty stands.
  package enum Placement: String, Sendable, CaseIterable, SettingValue {
    /// In the reward of every token, as in InstructGPT.
    case reward
    /// In the loss, as in GRPO; see ``KLEstimator`` for its gradient there.
    case loss
  }

  package var coefficient = 0.2
  package var estimator = KLEstimator.k1
  var placement = Placement.reward
  package var controller = Controller.fixed
  package var target = 6.0
  var horizon = 10_000

  package init() {}

  package static let fields = [
    Field(
      "coefficient", \Self.coefficient, "β, or its first value when adaptive; 0 for no penalty",
      in: 0...),
    Field("estimator", \Self.estimator, "the KL per token: k1, k2, k3 or exact"),
    Field(
      "placement", \Self.placement,
      "where the penalty stands: in the reward, or in the loss (not with k1)"),
    Field("controller", \Self.controller, "fixed, or adaptive towards the target"),
    Field(
      "target", \Self.target, "KL per response in nats that β aims at", in: Above(0.0),
      onlyIf: isAdaptive),
    Field(
      "horizon", \Self.horizon, "episodes over which β moves by its error", in: 1...,
      onlyIf: isAdaptive),
  ]

  private static let isAdaptive = Condition<Self>.setting("controller", \.controller) {
    $0 == .adaptive
  }

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    guard placement == .loss, estimator == .k1 else { return }
    throw location.key("estimator").error(
      "the gradient of k1 in the loss has expectation 0, so that it penalizes nothing",
      advice: "choose exact, k2 or k3, or put the penalty in the reward")
  }

  /// Whether the loss needs the reference's whole distribution in every state.
  var needsReferenceLogits: Bool { placement == .loss && estimator == .exact }
}

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
  package func estimate(logProbability: Double, reference: Double, exact: Double) -> Double {
    self == .exact
      ? exact : estimate(logProbability: Dual(logProbability), reference: reference).value
  }
}

/// β, fixed or following the measured KL.
struct KLController: Sendable, Equatable {
  private(set) var coefficient: Double
  private let configuration: KLConfiguration

  init(_ configuration: KLConfiguration) {
    self.configuration = configuration
    coefficient = configuration.coefficient
  }

  /// Goes on from the β that an earlier controller had reached.
  mutating func restore(coefficient: Double) { self.coefficient = coefficient }

  /// β ← β (1 + clip(KL / target − 1, ±0.2) · episodes / horizon) (Ziegler et al. 2019, § 2.2).
  mutating func update(kl: Double, episodes: Int) {
    guard configuration.controller == .adaptive else { return }
    let error = min(0.2, max(-0.2, kl / configuration.target - 1))
    coefficient *= 1 + error * Double(episodes) / Double(configuration.horizon)
  }
}
