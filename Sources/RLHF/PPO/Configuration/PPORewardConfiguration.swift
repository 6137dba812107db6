package import Settings

/// What a response earns, before the KL penalty.
package struct PPORewardConfiguration: Configurable, Equatable {
  package enum Source: String, Sendable, CaseIterable, SettingValue {
    /// The normalised score of the reward model.
    case model
    /// The world's gold reward, which no model is given otherwise.
    case gold
    /// 1 where the gold reward reaches a threshold, else 0: a check that cannot be fooled.
    case verifier
  }

  package var source = Source.model
  package var threshold = 0.0
  package var relative = false

  package init() {}

  package static let fields = [
    Field("source", \Self.source, "what judges a response: model, gold or verifier"),
    Field(
      "threshold", \Self.threshold, "the gold reward from which a verifier says 1",
      onlyIf: .setting("source", \.source) { $0 == .verifier }),
    Field(
      "relative", \Self.relative,
      "whether the score of a response of the reference policy to the same prompt is subtracted"),
  ]
}
