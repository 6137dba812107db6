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
    case .trainReward: return try trainReward(base: keptPolicy(.sft))
    case .dpo: return try dpo(keptPolicy(.reference), reward: keptReward())
    case .bestOfN: return try bestOfN(keptPolicy(.reference), reward: keptReward())
    case .ppo: return try ppo(keptPolicy(.reference), reward: keptReward())
    }
  }

  /// The whole of `sft`.
  package func sft() throws -> EvaluationSummary {
    let summary = try loop.figures(of: trainPolicy())
    try keep(summary)
    return summary
  }

  /// The whole of `train-reward`: keeps the policy that it starts from, too.
  ///
  /// - Parameter given: rows to train on and judge by; nil has the scenario's made.
  package func trainReward(
    base: LanguageModel, given: GivenPreferences? = nil
  ) throws -> EvaluationSummary {
    if !directory.has(.sft) { try keep(base, as: .sft) }
    let preferences =
      try given.map { try keep(training: $0.training, heldOut: $0.heldOut) }
      ?? comparePreferences(of: base)
    let (_, report) = try trainReward(from: base, preferences: preferences)
    let summary = EvaluationSummary(reward: report)
    try keep(summary)
    return summary
  }

  /// The whole of `ppo`: keeps the models that it starts from, too.
  package func ppo(_ policy: LanguageModel, reward: RewardModel) throws -> EvaluationSummary {
    if !directory.has(.reward) { try keep(reward) }
    let tuned = try optimize(policy, reward: reward)
    return try evaluate(policy: tuned, reference: policy, reward: reward, rewardReport: nil)
  }

  /// The whole of `dpo`.
  ///
  /// - Parameter given: comparisons to learn from; nil has the scenario's made, where they are needed.
  package func dpo(
    _ policy: LanguageModel, reward: RewardModel, given: GivenPreferences? = nil
  ) throws -> EvaluationSummary {
    if !directory.has(.reference) { try keep(policy, as: .reference) }
    if !directory.has(.reward) { try keep(reward) }
    if let given { _ = try keep(training: given.training, heldOut: given.heldOut) }
    let preferences =
      loop.scenario.dpo.pairs == .offline ? try comparePreferences(of: policy) : nil
    let tuned: LanguageModel
    if directory.has(.policy) {
      tuned = try keptPolicy(.policy)
    } else {
      tuned =
        if let preferences {
          try loop.optimizeDirectly(policy, rows: preferences.training, reward: reward)
        } else {
          try loop.optimizeDirectly(policy, rows: [PreferenceRow](), reward: reward)
        }
      try keep(tuned, as: .policy)
    }
    return try evaluate(policy: tuned, reference: policy, reward: reward, rewardReport: nil)
  }

  /// The whole of `best-of-n`.
  package func bestOfN(_ policy: LanguageModel, reward: RewardModel) throws -> EvaluationSummary {
    if !directory.has(.reference) { try keep(policy, as: .reference) }
    if !directory.has(.reward) { try keep(reward) }
    var summary = EvaluationSummary()
    summary.bestOfN = try loop.bestOfN(policy, reward: reward)
    try keep(summary)
    return summary
  }

  func keptPolicy(_ name: RunCheckpoint) throws -> LanguageModel {
    try requireKept(directory.checkpoint(name))
    let kept = try LoadedModel(policy: directory.checkpoint(name))
    let wanted = loop.scenario.model.decoder(vocabularySize: kept.shape.vocabularySize)
    let found = ModelConfiguration(of: kept.shape)
      .decoder(vocabularySize: kept.shape.vocabularySize)
    guard wanted == found else {
      throw LoopError.input(
        "\(directory.scenario.path) describes another model than the run has in "
          + "\(name.rawValue)/; put the scenario back as it was, or begin another run")
    }
    return kept.model
  }

  func keptReward() throws -> RewardModel {
    try requireKept(directory.checkpoint(.reward))
    return try LoadedModel(reward: directory.checkpoint(.reward)).model
  }

  /// Nil when they were not all written; those to judge by are written last.
  func keptPreferences() throws -> KeptPreferences? {
    directory.has(.eval) ? try KeptPreferences(of: directory) : nil
  }

  private func requireKept(_ place: URL) throws(LoopError) {
    guard !FileManager.default.fileExists(atPath: place.path) else { return }
    throw .input(
      "\(place.path) is not there: the run was interrupted before it had kept what it starts from; "
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
    guard FileManager.default.fileExists(atPath: givenPrompts.path) else { return .world }
    let tokenizer = try tokenizer()
    return .files(
      try PromptFile.read(givenPrompts).map { row in
        switch row.content {
        case .ids(let ids): ids
        case .text(let text): tokenizer?.encodePrompt(text) ?? []
        }
      })
  }
}
