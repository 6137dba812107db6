import Foundation
package import LanguageModels
import Numerics
import Preferences
package import RLHF
package import RunRecords

extension LoopRun {
  /// Does what is left of the run's command, from the directory's own files alone: what they were
  /// made from may have changed since.
  package func resume(_ command: RunInformation.Command) throws -> EvaluationSummary {
    switch command {
    case .demo: return try demo()
    case .sft: return try sft()
    case .trainReward: return try trainReward(base: loadPolicy(.sft))
    case .dpo: return try dpo(loadPolicy(.reference), reward: loadJudge())
    case .bestOfN: return try bestOfN(loadPolicy(.reference), reward: loadJudge())
    case .ppo: return try ppo(loadPolicy(.reference), reward: loadJudge())
    }
  }

  /// The whole of `sft`.
  package func sft() throws -> EvaluationSummary {
    let summary = try loop.figures(of: trainPolicy())
    try summary.write(to: directory)
    return summary
  }

  /// The whole of `train-reward`: saves the policy that it starts from, too.
  ///
  /// - Parameter given: rows to train on and judge by; nil has the scenario's made.
  package func trainReward(
    base: LanguageModel, given: GivenPreferences? = nil
  ) throws -> EvaluationSummary {
    if !directory.has(.sft) { try save(base, as: .sft) }
    let preferences =
      try given.map {
        try save(training: $0.training, heldOut: $0.heldOut, labels: $0.heldOutLabels)
      }
      ?? comparePreferences(of: base)
    let (_, report) = try trainReward(from: base, preferences: preferences)
    let summary = EvaluationSummary(reward: report)
    try summary.write(to: directory)
    return summary
  }

  /// The whole of `ppo`: saves the models that it starts from, too.
  package func ppo(_ policy: LanguageModel, reward: RewardModel?) throws -> EvaluationSummary {
    if let reward, !directory.has(.reward) { try save(reward) }
    let report =
      directory.has(.policy) && !directory.has(.eval)
      ? nil : try reward.flatMap { try loop.examine($0, of: policy, in: directory) }
    report?.alerts?.forEach(loop.observer.alert)
    try stop(ifAlerted: report)
    let (tuned, before) = try optimize(policy, reward: reward)
    return try evaluate(
      policy: tuned, reference: policy, reward: reward, rewardReport: report, known: before)
  }

  /// The whole of `dpo`.
  ///
  /// - Parameter given: comparisons to learn from; nil has the scenario's made, where they are needed.
  package func dpo(
    _ policy: LanguageModel, reward: RewardModel?, given: GivenPreferences? = nil
  ) throws -> EvaluationSummary {
    if !directory.has(.reference) { try save(policy, as: .reference) }
    if let reward, !directory.has(.reward) { try save(reward) }
    if let given {
      _ = try save(
        training: given.training, heldOut: given.heldOut, labels: given.heldOutLabels)
    }
    let preferences =
      loop.scenario.dpo.pairs == .offline ? try comparePreferences(of: policy) : nil
    let tuned: LanguageModel
    if directory.has(.policy) {
      tuned = try loadPolicy(.policy)
    } else {
      tuned =
        if let preferences {
          try loop.optimizeDirectly(policy, rows: preferences.training, reward: reward)
        } else {
          try loop.optimizeDirectly(policy, rows: [PreferenceRow](), reward: reward)
        }
      try save(tuned, as: .policy)
    }
    return try evaluate(policy: tuned, reference: policy, reward: reward, rewardReport: nil)
  }

  /// The whole of `best-of-n`.
  package func bestOfN(_ policy: LanguageModel, reward: RewardModel?) throws -> EvaluationSummary {
    if !directory.has(.reference) { try save(policy, as: .reference) }
    if let reward, !directory.has(.reward) { try save(reward) }
    var summary = EvaluationSummary()
    summary.bestOfN = try loop.bestOfN(policy, reward: reward)
    try summary.write(to: directory)
    return summary
  }

  func loadPolicy(_ name: RunCheckpoint) throws -> LanguageModel {
    try requireSaved(directory.checkpoint(name))
    let saved = try LoadedModel(policy: directory.checkpoint(name))
    let wanted = loop.scenario.model.decoder(vocabularySize: saved.shape.vocabularySize)
    let found = ModelConfiguration(of: saved.shape)
      .decoder(vocabularySize: saved.shape.vocabularySize)
    guard wanted == found else {
      throw LoopError.input(
        "\(directory.scenario.path) describes another model than the run has in "
          + "\(name.rawValue)/; put the scenario back as it was, or begin another run")
    }
    return saved.model
  }

  /// The reward model where the run needs one.
  private func loadJudge() throws -> RewardModel? {
    loop.scenario.ppo.reward.needsRewardModel ? try loadReward() : nil
  }

  func loadReward() throws -> RewardModel {
    try requireSaved(directory.checkpoint(.reward))
    return try LoadedModel(reward: directory.checkpoint(.reward)).model
  }

  /// Nil when they were not all written; those to judge by are written last.
  func savedPreferences() throws -> KeptPreferences? {
    directory.has(.eval)
      ? try KeptPreferences(of: directory, for: loop.scenario.reward.objective) : nil
  }

  private func requireSaved(_ place: URL) throws(LoopError) {
    guard !AtomicFile.exists(place) else { return }
    throw .input(
      "\(place.path) is not there: the run was interrupted before it had saved what it starts from; "
        + "begin it again")
  }
}

extension RunDirectory {
  /// The tokenizer of whatever checkpoint the run holds; nil when it holds none yet.
  package func tokenizer() throws -> Tokenizer? {
    for name in [RunCheckpoint.sft, .reference, .reward] where has(name) {
      return try Tokenizer(directory: checkpoint(name))
    }
    return nil
  }

  /// Where the run's prompts come from.
  package func promptSource() throws -> PromptSource {
    guard AtomicFile.exists(givenPrompts) else { return .world }
    let tokenizer = try tokenizer()
    return .files(
      try PromptFile.read([givenPrompts]).rows.map { row in
        switch row.content {
        case .ids(let ids): ids
        case .text(let text, let isRendered):
          tokenizer?.encode(prompt: text, isRendered: isRendered) ?? []
        }
      })
  }
}
