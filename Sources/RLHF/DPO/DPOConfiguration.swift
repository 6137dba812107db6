package import Settings

/// The DPO stage: a policy from comparisons, without a reward model in between.
package struct DPOConfiguration: Configurable, Equatable {
  /// Where the comparisons come from.
  package enum Pairs: String, Sendable, CaseIterable, SettingValue {
    /// The annotators', of responses of the SFT policy: what the reward model would learn from.
    case offline
    /// Responses of the policy itself, compared by the reward of `ppo.reward`.
    case onPolicy = "on-policy"
  }

  package var loss = DPOLoss.sigmoid
  package var beta = 0.1
  package var pairs = Pairs.offline
  package var epochs = 1
  package var rounds = 60
  package var batchSize = 64
  package var labelSmoothing = 0.0
  package var optimizer = OptimizerConfiguration(learningRate: 2e-4)

  package init() {}

  package static let fields = [
    Field(
      "loss", \Self.loss,
      "the loss of a pair: " + DPOLoss.allCases.map(\.rawValue).joined(separator: ", ")),
    Field("beta", \Self.beta, "β of the KL penalty that the loss stands for", in: Above(0.0)),
    Field(
      "pairs", \Self.pairs,
      "offline: the annotators' comparisons; on-policy: the policy's own responses, compared by "
        + "`ppo.reward`"),
    Field(
      "epochs", \Self.epochs, "passes over the pairs", in: 1...1_000_000,
      onlyIf: .setting("pairs", \.pairs) { $0 == .offline }),
    Field(
      "rounds", \Self.rounds,
      "rounds: each samples `ppo.episodes` responses, two to a prompt, and learns from "
        + "them once", in: 1...1_000_000, onlyIf: .setting("pairs", \.pairs) { $0 == .onPolicy }),
    Field("batch_size", \Self.batchSize, "pairs in a step", in: 1...1_000_000),
    Field(
      "label_smoothing", \Self.labelSmoothing,
      "ε: the label noise rate that the loss allows for", in: 0..<0.5,
      onlyIf: .setting("loss", \.loss) { $0 == .sigmoid || $0 == .robust }),
    Field("optimizer", \Self.optimizer, "how the policy's weights move"),
  ]
}
