package import Settings

/// What a response earns, before the KL penalty: Σ weight · score over its sources.
///
/// One source is declared by its keys in the section itself, with weight 1; several are a list.
package struct PPORewardConfiguration: Configurable, Equatable {
  /// The source where ``sources`` are empty.
  package var single = RewardSource()
  package var sources: [RewardSource] = []
  package var relative = false

  package init() {}

  package static let fields =
    RewardSource.judging.map {
      $0.inside(\Self.single, onlyIf: .setting("sources", is: "[]") { $0.sources.isEmpty })
    } + [
      Field(
        "sources", \Self.sources,
        "several sources, whose scores are added with their weights; [] for the one above"),
      Field(
        "relative", \Self.relative,
        "whether the score of a response of the reference policy to the same prompt is subtracted"),
    ]

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    if sources.isEmpty { try single.validate(at: location) }
  }

  /// The sources, in order.
  package var all: [RewardSource] { sources.isEmpty ? [single] : sources }

  /// The first that needs the world's gold reward; nil where there is none.
  package var sourceByGold: RewardSource.Kind? {
    all.map(\.kind).first { $0 == .gold || $0 == .verifier }
  }

  package func has(_ kind: RewardSource.Kind) -> Bool { all.contains { $0.kind == kind } }

  /// Whether there has to be a reward model: it is a source, or it judges a policy whose sources are
  /// the gold reward alone.
  package var needsRewardModel: Bool { has(.model) || !has(.command) }

  /// Whether evaluations score responses as PPO does. Where its sources are the gold reward alone,
  /// which stands beside the score anyway, they take the reward model's score.
  package var isScoreOfEvaluations: Bool { has(.model) || has(.command) }

  /// Whether the score of evaluations is the reward model's alone.
  package var isScoredByModel: Bool {
    !isScoreOfEvaluations || all.filter { $0.weight != 0 }.allSatisfy { $0.kind == .model }
  }
}

/// One judge of responses, and what its score counts.
package struct RewardSource: Configurable, Hashable {
  package enum Kind: String, Sendable, CaseIterable, SettingValue {
    /// The normalised score of the reward model.
    case model
    /// The world's gold reward.
    case gold
    /// 1 where the gold reward reaches a threshold, else 0.
    case verifier
    /// The number that a program answers.
    case command
  }

  package var kind = Kind.model
  package var weight = 1.0
  package var command: String?
  package var timeout = 60.0
  package var threshold = 0.0

  package init() {}

  /// Responses that a command is given at once, at most.
  package static let commandBatch = 256

  /// The keys that say who judges, and how.
  static let judging = [
    Field(
      "source", \Self.kind,
      "what judges a response: the reward model, gold, a verifier or a command"),
    Field(
      "command", \Self.command,
      "a shell command that reads responses as JSON lines and answers each by a line with a number",
      onlyIf: isCommand),
    Field(
      "timeout", \Self.timeout,
      "seconds that the command may take for a batch, at most \(commandBatch) responses; those to "
        + "start count for the first", in: 0.01...86_400, onlyIf: isCommand),
    Field(
      "threshold", \Self.threshold, "gold reward from which the verifier gives 1",
      onlyIf: .setting("source", \.kind) { $0 == .verifier }),
  ]

  package static let fields =
    judging + [
      Field(
        "weight", \Self.weight,
        "what the score is multiplied by; 0 only records it, as the metric source/N")
    ]

  private static let isCommand = Condition<Self>.setting("source", \.kind) { $0 == .command }

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    if kind == .command, command?.allSatisfy(\.isWhitespace) ?? true {
      throw location.key("command").error(
        "there is no command to ask",
        advice: "name one, such as \"python3 script/examples/reward_length.py\"")
    }
  }
}
