import Formats
import Foundation
package import LanguageModels
package import Numerics
package import Statistics

/// Texts that a policy goes on with from one prompt.
package struct Generation: Sendable {
  private let policy: LoadedModel<LanguageModel>
  private let options: SamplingOptions
  private let prompt: String
  private let promptIDs: [Int32]
  /// What the person should know of the prompt.
  package let notes: [String]

  /// One text and what is known of it.
  package struct Text: Sendable {
    /// Prompt and response together, as text.
    package let whole: String
    private let row: JSONObject

    init(_ prompt: String, _ ids: [Int32], _ response: SampledResponse, _ tokenizer: Tokenizer) {
      whole = tokenizer.decode(ids + response.tokens)
      row = [
        "prompt": .string(prompt), "response": .string(tokenizer.decode(response.tokens)),
        "prompt_ids": .array(ids.map { .int(Int($0)) }),
        "response_ids": .array(response.tokens.map { .int(Int($0)) }),
        "logprobs": .array(response.logProbabilities.map { .double(Double($0)) }),
        "ended": .bool(response.ended),
      ]
    }

    /// A row as `score` and `logprobs` read it, with `"logprobs"` at the sampling temperature and
    /// `"ended"`.
    package func json() throws -> String { try JSONValue.object(row).text() }
  }

  private static let longestByDefault = 256

  /// - Parameters:
  ///   - options: how tokens are drawn; the length is taken from `maximumTokens`.
  ///   - maximumTokens: the longest response; nil for what the positions allow.
  /// - Throws: ``LoopError/input(_:)`` for a prompt without tokens or beyond the positions.
  package init(
    _ policy: LoadedModel<LanguageModel>, prompt: String, options: SamplingOptions,
    maximumTokens: Int?
  ) throws(LoopError) {
    self.policy = policy
    self.prompt = prompt
    let ids = policy.tokenizer.encodePrompt(prompt)
    promptIDs = ids
    guard !ids.isEmpty else {
      throw .emptyPrompt
    }
    // The last token that is drawn needs no position of its own.
    let room = policy.shape.maximumPositions + 1 - ids.count
    guard room >= maximumTokens ?? 1 else {
      throw .input(
        "a prompt of \(ids.count) tokens leaves room for \(max(0, room)) more in the "
          + "\(policy.shape.maximumPositions) positions of \(policy.directory.path); shorten it, or "
          + "ask for fewer tokens")
    }
    var options = options
    options.maximumTokens = maximumTokens ?? min(room, Self.longestByDefault)
    self.options = options
    let unknown = ids.count { $0 == policy.tokenizer.unknown }
    notes =
      unknown > 0
      ? ["\(unknown) words of the prompt are not in the vocabulary and are read as `<unk>`"] : []
  }

  /// Samples texts, each from a stream of its own, so that the first of them do not depend on how
  /// many are asked for.
  package func texts(
    count: Int, using generator: SeededGenerator, workers: Workers
  ) throws -> [Text] {
    let sampler = Sampler(options, endOfSequence: policy.tokenizer.endOfSequence)
    return try sampler.responses(
      from: policy.model, to: Array(repeating: promptIDs, count: count),
      generators: (0..<count).map { generator.stream("text", $0) }, workers: workers
    ).map { Text(prompt, promptIDs, $0, policy.tokenizer) }
  }
}
