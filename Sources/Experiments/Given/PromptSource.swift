package import Foundation
package import LanguageModels
import Preferences
package import RLHF

/// Where prompts come from, and so whether gold is known of responses to them.
package enum PromptSource: Sendable, Equatable {
  /// Drawn by the scenario's world, whose gold reward judges every response.
  case world
  /// Of files, in tokens, at least one; there is no gold for them.
  case files([[Int32]])

  /// Reads prompts and encodes them as the policy does.
  ///
  /// - Parameters:
  ///   - reward: must hold prompt and response too, as must `reference`.
  ///   - scenario: says how long a response may be, which must fit behind every prompt.
  /// - Returns: the prompts, and what the person should know of them.
  /// - Throws: `PreferenceError` or ``LoopError`` with file and line.
  package static func reading(
    _ file: URL, for policy: LoadedModel<LanguageModel>, reward: LoadedModel<RewardModel>,
    reference: LoadedModel<LanguageModel>? = nil, scenario: Scenario
  ) throws -> (source: PromptSource, notes: [String]) {
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
    let words = "\(unknown) words of the prompts are not in the vocabulary of "
    let notes = unknown > 0 ? [words + "\(policy.directory.path) and are read as `<unk>`"] : []
    return (.files(prompts), notes)
  }
}
