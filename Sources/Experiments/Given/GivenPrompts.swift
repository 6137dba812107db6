package import Foundation
package import LanguageModels
import Preferences
package import RLHF

/// Prompts that come from a file instead of the scenario's world.
package struct GivenPrompts: Sendable {
  /// Token ids, at least one each.
  package let prompts: [[Int32]]
  /// What the person should know of them.
  package let notes: [String]

  /// Reads prompts and encodes them as the policy does.
  ///
  /// - Parameters:
  ///   - reward: must hold prompt and response too, as must `reference`.
  ///   - scenario: says how long a response may be, which must fit behind every prompt.
  /// - Throws: `PreferenceError` or ``LoopError`` with file and line.
  package init(
    _ file: URL, for policy: LoadedModel<LanguageModel>, reward: LoadedModel<RewardModel>,
    reference: LoadedModel<LanguageModel>? = nil, scenario: Scenario
  ) throws {
    let tokenizer = policy.tokenizer
    var prompts: [[Int32]] = []
    var unknown = 0
    for row in try PromptFile.read(file) {
      let ids: [Int32]
      switch row.content {
      case .text(let text):
        ids = tokenizer.encodePrompt(text)
        unknown += ids.count { $0 == tokenizer.unknown }
      case .ids(let given): ids = given
      }
      guard !ids.isEmpty else {
        throw LoopError.input(
          "\(row.place): the prompt has no tokens; write some text or remove it")
      }
      if let id = ids.first(where: { $0 >= policy.shape.vocabularySize }) {
        throw LoopError.input(
          "\(row.place): token id \(id) is beyond the vocabulary of "
            + "\(policy.shape.vocabularySize) of \(policy.directory.path); check the ids")
      }
      let needed = ids.count + scenario.ppo.maximumTokens + 1
      let purpose = "\(row.place): a prompt of \(ids.count) tokens with a response"
      try policy.requirePositions(needed, for: purpose)
      try reward.requirePositions(needed, for: purpose)
      try reference?.requirePositions(needed, for: purpose)
      prompts.append(ids)
    }
    guard !prompts.isEmpty else { throw LoopError.empty(file: file.path, what: "prompt") }
    self.prompts = prompts
    let words = "\(unknown) words of the prompts are not in the vocabulary of "
    notes = unknown > 0 ? [words + "\(policy.directory.path) and are read as `<unk>`"] : []
  }
}
