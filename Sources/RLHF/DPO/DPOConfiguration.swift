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
      "what a pair is worth: " + DPOLoss.allCases.map(\.rawValue).joined(separator: ", ")),
    Field("beta", \Self.beta, "β: how dear it is to leave the reference", in: Above(0.0)),
    Field(
      "pairs", \Self.pairs,
      "offline: the annotators' comparisons; on-policy: the policy's own responses, compared by "
        + "`ppo.reward`"),
    Field("epochs", \Self.epochs, "passes over offline pairs", in: 1...1_000_000),
    Field(
      "rounds", \Self.rounds,
      "of on-policy pairs: each samples `ppo.episodes` responses, two to a prompt, and learns from "
        + "them once", in: 1...1_000_000),
    Field("batch_size", \Self.batchSize, "pairs in a step", in: 1...1_000_000),
    Field(
      "label_smoothing", \Self.labelSmoothing,
      "ε: how often a comparison is taken to be the wrong way round", in: 0..<0.5),
    Field("optimizer", \Self.optimizer, "how the policy's weights move"),
  ]

  package static let idleKeys: [IdleKeys<Self>] = [
    IdleKeys(
      ["label_smoothing"], under: ["loss"], when: { $0.loss == .ipo || $0.loss == .hinge },
      because: "only sigmoid and robust have labels to smooth", remedy: "set `loss` to one of them"),
    IdleKeys(
      ["epochs"], under: ["pairs"], when: { $0.pairs == .onPolicy },
      because: "the policy learns once from its own pairs", remedy: "set `rounds`"),
    IdleKeys(
      ["rounds"], under: ["pairs"], when: { $0.pairs == .offline },
      because: "offline there is one set of pairs, with `epochs` passes over it",
      remedy: "set `pairs` to on-policy"),
  ]
}
