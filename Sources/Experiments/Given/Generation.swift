import Formats
import Foundation
package import LanguageModels
package import Numerics
package import Preferences
package import Statistics

/// Texts that a policy goes on with from prompts.
package struct Generation: Sendable {
  private let policy: LoadedModel<LanguageModel>
  private let options: SamplingOptions
  private let prompts: [(text: String, ids: [Int32])]
  /// What the person should know of the prompts.
  package let notes: [String]

  /// One text and what is known of it.
  package struct Text: Sendable {
    /// Prompt and response together, as text.
    package let whole: String
    private let row: JSONObject

    fileprivate init(
      _ prompt: String, _ ids: [Int32], _ response: SampledResponse, _ tokenizer: Tokenizer
    ) {
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
  private static let textsAtOnce = 1_024

  /// - Parameters:
  ///   - options: how tokens are drawn; the length is taken from `maximumTokens`.
  ///   - maximumTokens: the longest response; nil for what the positions allow.
  /// - Throws: ``LoopError`` for a prompt without tokens or beyond the positions.
  package init(
    _ policy: LoadedModel<LanguageModel>, prompts rows: [PromptRow], options: SamplingOptions,
    maximumTokens: Int?
  ) throws(LoopError) {
    self.policy = policy
    let tokenizer = policy.tokenizer
    var prompts: [(text: String, ids: [Int32])] = []
    var (room, unknown) = (Int.max, 0)
    for row in rows {
      // A single prompt stands in an option, whose place needs no words.
      let place = row.place.isEmpty ? "" : row.place + ": "
      switch row.content {
      case .text(let text, let isRendered):
        let ids = tokenizer.encode(prompt: text, isRendered: isRendered)
        unknown += ids.count { $0 == tokenizer.unknown }
        prompts.append((text, ids))
      case .ids(let ids):
        guard ids.allSatisfy({ $0 < policy.shape.vocabularySize }) else {
          throw .input(
            "\(place)a token id is beyond the vocabulary of \(policy.shape.vocabularySize) of "
              + "\(policy.directory.path); check the ids")
        }
        prompts.append((tokenizer.decode(ids), ids))
      }
      let count = prompts[prompts.count - 1].ids.count
      guard count > 0 else {
        throw row.place.isEmpty
          ? .emptyPrompt : .input("\(place)the prompt has no tokens; write some text or remove it")
      }
      // The last token that is drawn needs no position of its own.
      let left = policy.shape.maximumPositions + 1 - count
      guard left >= maximumTokens ?? 1 else {
        throw .input(
          "\(place)a prompt of \(count) tokens leaves room for \(max(0, left)) more in the "
            + "\(policy.shape.maximumPositions) positions of \(policy.directory.path); shorten it, or "
            + "ask for fewer tokens")
      }
      room = min(room, left)
    }
    self.prompts = prompts
    var options = options
    options.maximumTokens = maximumTokens ?? min(room, Self.longestByDefault)
    self.options = options
    let owner = prompts.count == 1 ? "the prompt" : "the prompts"
    notes =
      unknown > 0
      ? ["\(unknown) words of \(owner) are not in the vocabulary and are read as `<unk>`"] : []
  }

  /// Samples texts, `count` to each prompt, each from a stream of its own, so that the first of them
  /// do not depend on how many are asked for.
  package func forEachText(
    count: Int, using generator: SeededGenerator, workers: Workers, _ body: (Text) throws -> Void
  ) throws {
    let sampler = Sampler(options, endOfSequence: policy.tokenizer.endOfSequence)
    let total = prompts.count * count
    for start in stride(from: 0, to: total, by: Self.textsAtOnce) {
      let indices = start..<min(start + Self.textsAtOnce, total)
      let responses = try sampler.responses(
        from: policy.model, to: indices.map { prompts[$0 / count].ids },
        generators: indices.map { index in
          let stream = prompts.count == 1 ? generator : generator.stream("prompt", index / count)
          return stream.stream("text", index % count)
        }, workers: workers)
      for (index, response) in zip(indices, responses) {
        let prompt = prompts[index / count]
        try body(Text(prompt.text, prompt.ids, response, policy.tokenizer))
      }
    }
  }
}
