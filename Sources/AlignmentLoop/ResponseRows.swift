import Autodiff
package import Foundation
package import Preferences
import RewardModeling
package import Tensors
import Tokenizers
import Transformer

/// What a model says about the rows of a file, a few thousand tokens at a time.
package struct ResponseRows: Sendable {
  private let shape: DecoderConfiguration
  /// Rows of ids need none, so that one that cannot be read matters at the first text only.
  private let tokenizer: Result<Tokenizer, TokenizerError>
  private let judge: @Sendable ([Exchange], inout [ResponseRow]) throws -> Void
  /// What is put behind a text; never behind ids, which are used as given.
  private let ended: @Sendable (Exchange) -> Exchange

  /// A response without tokens has no log-probabilities, which is an answer, and no last token.
  private let takesEmptyResponses: Bool

  private static let rowsAtOnce = 1_024

  /// Rewards of a reward model: sets `"reward"`, the head's raw output at the last token.
  package init(rewardsOf directory: URL, workers: Workers) throws {
    let tokenizer = Self.tokenizer(of: directory)
    // The tokens matter only where an end is put behind a text, and then there is a tokenizer.
    let model = try RewardModel(
      directory: directory,
      specialTokens: (try? tokenizer.get())?.specialTokens
        ?? SpecialTokens(endOfSequence: 0, padding: nil))
    self.tokenizer = tokenizer
    shape = model.model.configuration
    ended = model.ended
    takesEmptyResponses = false
    judge = { exchanges, rows in
      let rewards = try model.rewards(exchanges, workers: workers)
      for (index, reward) in rewards.enumerated() { rows[index].set("reward", to: reward) }
    }
  }

  /// Log-probabilities of a policy: sets `"logprobs"`, log π(y_t | x, y_<t) of every response token
  /// at temperature 1, and the `"prompt_ids"` and `"response_ids"` used.
  package init(logProbabilitiesOf directory: URL, workers: Workers) throws {
    let model = try LanguageModel(directory: directory)
    tokenizer = Self.tokenizer(of: directory)
    shape = model.configuration
    ended = { $0 }
    takesEmptyResponses = true
    judge = { exchanges, rows in
      let spoken = exchanges.filter { !$0.response.isEmpty }
      let ranges = Shards.ranges(of: spoken.count, tokens: spoken.reduce(0) { $0 + $1.count })
      let values = try workers.map(ranges.count) {
        model.responseLogProbabilities(
          spoken[ranges[$0]], temperature: 1, on: Tape(recording: false)
        ).logProbabilities.value.values
      }.flatMap(\.self)
      var rest = values[...]
      for (index, exchange) in exchanges.enumerated() {
        let count = exchange.response.count
        rows[index].set("logprobs", to: rest.prefix(count).map(Double.init))
        rows[index].set("prompt_ids", to: exchange.prompt)
        rows[index].set("response_ids", to: exchange.response)
        rest = rest.dropFirst(count)
      }
    }
  }

  private static func tokenizer(of directory: URL) -> Result<Tokenizer, TokenizerError> {
    Result { () throws(TokenizerError) in try Tokenizer(directory: directory) }
  }

  /// Calls `body` with every row of a file, completed, in order.
  ///
  /// - Returns: how many words of the texts were not in the vocabulary.
  /// - Throws: `PreferenceError`, `TokenizerError` or ``LoopError`` with file and line, and
  ///   whatever `body` throws.
  package func complete(
    _ file: URL, _ body: (ResponseRow) throws -> Void
  ) throws -> Int {
    var rows: [ResponseRow] = []
    var exchanges: [Exchange] = []
    var unknown = 0
    func flush() throws {
      guard !rows.isEmpty else { return }
      try judge(exchanges, &rows)
      try rows.forEach(body)
      rows.removeAll(keepingCapacity: true)
      exchanges.removeAll(keepingCapacity: true)
    }
    try ResponseRow.forEachRow(in: file) { row in
      exchanges.append(try exchange(of: row, unknown: &unknown))
      rows.append(row)
      if rows.count == Self.rowsAtOnce { try flush() }
    }
    try flush()
    return unknown
  }

  private func exchange(of row: ResponseRow, unknown: inout Int) throws -> Exchange {
    let exchange: Exchange
    switch row.content {
    case .ids(let prompt, let response): exchange = Exchange(prompt: prompt, response: response)
    case .text(let prompt, let response):
      let tokenizer = try tokenizer.get()
      exchange = ended(
        Exchange(prompt: tokenizer.encodePrompt(prompt), response: tokenizer.encode(response)))
      unknown += (exchange.prompt + exchange.response).count { $0 == tokenizer.unknown }
    }
    try check(exchange, row.place)
    return exchange
  }

  private func check(_ exchange: Exchange, _ place: String) throws(LoopError) {
    for (name, ids) in [("prompt", exchange.prompt), ("response", exchange.response)] {
      if ids.isEmpty, name == "prompt" || !takesEmptyResponses {
        throw .input("\(place): the \(name) has no tokens; give it at least one, or remove the row")
      }
      if let id = ids.first(where: { $0 >= shape.vocabularySize }) {
        throw .input(
          "\(place): the \(name) holds token id \(id), and the model's vocabulary ends at "
            + "\(shape.vocabularySize - 1); check that the ids are of its tokenizer")
      }
    }
    guard exchange.count <= shape.maximumPositions else {
      throw .input(
        "\(place): prompt and response are \(exchange.count) tokens, and the model has "
          + "\(shape.maximumPositions) positions; shorten the row or remove it")
    }
  }
}
