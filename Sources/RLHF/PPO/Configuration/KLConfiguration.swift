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
