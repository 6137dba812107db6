package import Settings

/// β KL(π ‖ ρ): how leaving the reference is charged.
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
    /// In the loss, as in GRPO; see ``KLEstimator`` and ``ExactKLLoss`` for what they mean there.
    case loss
  }

  package var coefficient = 0.2
  package var estimator = KLEstimator.k1
  package var placement = Placement.reward
  package var controller = Controller.fixed
  package var target = 6.0
  package var horizon = 10_000

  package init() {}

  package static let fields = [
    Field("coefficient", \Self.coefficient, "β, or its first value when adaptive", in: 0...),
    Field("estimator", \Self.estimator, "what is charged per token: k1, k2, k3 or exact"),
    Field(
      "placement", \Self.placement,
      "where it is charged: in the reward, or in the loss (not with k1)"),
    Field("controller", \Self.controller, "fixed, or adaptive towards the target"),
    Field(
      "target", \Self.target, "KL per response in nats that adaptive β aims at", in: Above(0.0)),
    Field("horizon", \Self.horizon, "episodes over which adaptive β moves by its error", in: 1...),
  ]

  package static let idleKeys: [IdleKeys<Self>] = [
    IdleKeys(
      ["estimator", "placement", "controller", "target", "horizon"], under: ["coefficient"],
      when: { $0.coefficient == 0 },
      because: "nothing is charged, and a controller multiplies 0 for ever",
      remedy: "raise `coefficient`"),
    IdleKeys(
      ["target", "horizon"], under: ["controller"], when: { $0.controller == .fixed },
      because: "a fixed coefficient follows no target", remedy: "set `controller` to adaptive"),
  ]

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    guard placement == .loss, estimator == .k1 else { return }
    throw location.key("estimator").error(
      "k1 in the loss has a gradient of expectation zero and holds nothing back",
      advice: "choose exact, k2 or k3, or put the penalty in the reward")
  }

  /// Whether the loss needs the reference's whole distribution in every state.
  var needsReferenceLogits: Bool { placement == .loss && estimator == .exact }
}
