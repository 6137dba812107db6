package import Foundation
package import LanguageModels
package import Preferences
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
  ///   - reading: how columns and messages are read; nil takes the policy's chat format.
  ///   - reward: must hold prompt and response too, where there is one, as must `reference`.
  ///   - scenario: says how long a response may be, which must fit behind every prompt.
  /// - Returns: the prompts, and what the person should know of them.
  /// - Throws: `PreferenceError` or ``LoopError`` with file and line.
  package static func reading(
    _ files: [URL], as reading: RowReading? = nil, for policy: LoadedModel<LanguageModel>,
    reward: LoadedModel<RewardModel>?, reference: LoadedModel<LanguageModel>? = nil,
    scenario: Scenario
  ) throws -> (source: PromptSource, notes: [String]) {
    let tokenizer = policy.tokenizer
    var prompts: [[Int32]] = []
    var unknown = 0
    let (rows, report) = try PromptFile.read(
      files, as: reading ?? RowReading(format: policy.chatFormat))
    let name = files.map(\.path).joined(separator: ", ")
    for row in rows {
      let ids: [Int32]
      switch row.content {
      case .text(let text, let isRendered):
        ids = tokenizer.encode(prompt: text, isRendered: isRendered)
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
      try reward?.requirePositions(needed, for: purpose)
      try reference?.requirePositions(needed, for: purpose)
      prompts.append(ids)
    }
    guard !prompts.isEmpty else { throw LoopError.empty(file: name, what: "prompt") }
    var notes = report.notes.map { "\(name): \($0)" }
    if report.usesPlainFormat { notes.append(policy.plainFormatNote) }
    if unknown > 0 {
      notes.append(
        "\(unknown) words of the prompts are not in the vocabulary of \(policy.directory.path) and "
          + "are read as `<unk>`")
    }
    return (.files(prompts), notes)
  }
}
