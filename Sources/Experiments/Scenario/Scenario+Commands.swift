import RLHF
import Settings
import Worlds

/// A command that takes a scenario with `--set`.
package enum ScenarioCommand: String, CaseIterable, Sendable {
  case demo, sft, annotate, label, ppo, dpo, evaluate
  case trainReward = "train-reward"
  case bestOfN = "best-of-n"
}

extension Scenario {
  /// What a person should know of settings without effect on what they asked for.
  ///
  /// A file is for all commands, so that settings of stages which this one leaves out belong there.
  /// Whoever sets one with `--set` may expect something of it: a note says so, and it is not refused,
  /// because the commands of one experiment are often given the same list of `--set`.
  ///
  /// - Parameters:
  ///   - leftOut: inherited settings that are unused. Those of a recipe are not mentioned, for nobody
  ///     wrote them.
  ///   - overrides: `--set` assignments.
  func notes(
    leftOut: [UnusedSetting], overrides: [String], for command: ScenarioCommand
  ) -> [String] {
    var notes: [String] = []
    var reasons: [(text: String, paths: [String])] = []
    for setting in leftOut where !setting.source.isRecipe {
      if let index = reasons.firstIndex(where: { $0.text == setting.reason }) {
        reasons[index].paths.append("`\(setting.path)`")
      } else {
        reasons.append((setting.reason, ["`\(setting.path)`"]))
      }
    }
    if !reasons.isEmpty {
      notes.append(
        reasons.map { "\($0.paths.joined(separator: ", ")) while \($0.text)" }
          .joined(separator: "; ") + ": unused, and as if not set")
    }
    var unread: [String] = []
    for key in overrides.map({ String($0.prefix { $0 != "=" }) })
    where !isRead(key, by: command) && !unread.contains(key) {
      unread.append(key)
    }
    if !unread.isEmpty {
      notes.append(
        "`rlhf-sim \(command.rawValue)` has no use for "
          + unread.map { "`\($0)`" }.joined(separator: ", "))
    }
    // What files or other models may take the place of is of no concern to other commands.
    return notes + (command == .demo || command == .sft ? worldNotes : [])
  }

  /// What is valid in a world and may surprise.
  private var worldNotes: [String] {
    guard let world = try? World(world) else { return [] }
    // EOS takes one of the tokens.
    let fitting = ppo.maximumTokens - 1
    guard fitting < self.world.prompt.maximumResponseWords else { return world.conditionNotes }
    let (count, longest) = world.responses(longerThan: fitting)
    guard count >= 10 else { return world.conditionNotes }
    return world.conditionNotes + [
      "`ppo.maximum_tokens` is \(ppo.maximumTokens), and \(count) of 1000 responses of the world's grammar "
        + "need more with their EOS: the policy's are cut off there; \(longest + 1) are enough for all"
    ]
  }

  /// Whether a command looks at a key, at one above it, or at one below it.
  func isRead(_ path: String, by command: ScenarioCommand) -> Bool {
    let path = path.replacing("[", with: ".").replacing("]", with: "")
    return keys(readBy: command).contains {
      path == $0 || path.hasPrefix($0 + ".") || $0.hasPrefix(path + ".")
    }
  }

  /// Keys and sections that a command may look at; it looks at nothing else.
  private func keys(readBy command: ScenarioCommand) -> [String] {
    let texts =
      ["name", "title", "lesson", "model"]
      + ["grammar", "prompt", "response", "gold"].map { "world.\($0)" }
    // Only `demo` goes round.
    let preferences = PreferencesConfiguration.reference.map { "preferences.\($0.path)" }
      .filter { $0 != "preferences.rounds" }
    // A recipe has a temperature.
    let sampling = ["ppo.preset", "ppo.temperature", "ppo.maximum_tokens"]
    let comparing =
      ["evaluation.responses", "evaluation.best_of"]
      + ["kl.coefficient", "kl.controller", "score_clip", "missing_end", "missing_end_penalty"]
      .map { "ppo.\($0)" }
    // Of rewards, but for those that a rollout alone has.
    let rewards = PPORewardConfiguration.reference.map { "ppo.reward.\($0.path)" }
      .filter { $0 != "ppo.reward.relative" }
    // By default, evaluations score by the reward model.
    let scoring = ppo.reward.sources.isEmpty && ppo.reward.single.kind != .command ? [] : rewards
    let examining = [
      "world.annotators", "reward.slips", "reward.objective", "reward.read",
      "reward.step_separator",
    ]
    switch command {
    case .demo:
      return texts
        + ["world", "pretraining", "fine_tuning", "preferences", "reward", "ppo", "evaluation"]
    case .sft:
      return texts + sampling
        + ["world.base_noise", "pretraining", "fine_tuning", "evaluation.responses"]
    case .annotate, .label:
      return texts + [
        "world.annotators", "preferences.temperature", "ppo.maximum_tokens", "reward.objective",
        "reward.read",
      ]
    case .trainReward:
      return texts + sampling + preferences
        + ["world.annotators", "reward", "evaluation.normalization_responses"]
        + (hasRewardTrunk ? ["fine_tuning"] : [])
    case .ppo:
      // Comparisons are those that the reward model is examined on.
      return texts + preferences + examining
        + ["ppo", "evaluation.responses", "evaluation.best_of", "reward.model"]
        + (ppo.pretrainingWeight > 0 ? ["fine_tuning.batch_size"] : [])
    case .dpo:
      return texts + sampling + comparing + ["dpo"]
        + (dpo.pairs == .onPolicy
          ? ["ppo.episodes"] + rewards : scoring + ["world.annotators"] + preferences)
    case .bestOfN:
      return texts + sampling + scoring + ["evaluation.responses", "evaluation.best_of"]
    case .evaluate:
      return texts + sampling + comparing + scoring + examining
    }
  }
}
