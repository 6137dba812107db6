package import Foundation
import LanguageModels
package import Numerics
package import Preferences
import RLHF
package import Statistics

/// What a model says about the rows of a file, a few thousand tokens at a time.
package struct ResponseRows: Sendable {
  private let shape: DecoderConfiguration
  /// Rows of ids need none, so that one that cannot be read matters at the first text only.
  private let tokenizer: Result<Tokenizer, TokenizerError>
  /// Completes rows, given the exchanges of all of them in order.
  private let judge: @Sendable ([Exchange], inout [ResponseRow], inout Summary) throws -> Void
  /// What is put behind a text; never behind ids, which are used as given.
  private let ended: @Sendable (Exchange) -> Exchange

  /// A response without tokens has no log-probabilities, which is an answer, and no last token.
  private let takesEmptyResponses: Bool
  private let takesSeveralResponses: Bool

  private static let rowsAtOnce = 1_024
  private static let tokensAtOnce = 1 << 17

  /// What there was in a file.
  package struct Summary: Sendable, Equatable {
    package fileprivate(set) var rows = 0
    package fileprivate(set) var responses = 0
    /// Words of the texts that are not in the vocabulary.
    package fileprivate(set) var unknownWords = 0
    /// Of the orders of responses that rows gave with the order by reward.
    package fileprivate(set) var agreement = RankingAgreement()

    package init() {}
  }

  /// Rewards of a reward model, the head's raw output at the last token: sets `"reward"`, or, in
  /// rows of several responses, what `ResponseRow.set(rewards:order:)` says.
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
    takesSeveralResponses = true
    judge = { exchanges, rows, summary in
      var rest = try model.rewards(exchanges, workers: workers)[...]
      for index in rows.indices {
        let rewards = Array(rest.prefix(rows[index].responseCount))
        rest = rest.dropFirst(rewards.count)
        rows[index].set(rewards: rewards, order: RankingAgreement.order(of: rewards))
        if let ranking = rows[index].ranking {
          summary.agreement.add(rewards: rewards, ranking: ranking)
        }
      }
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
    takesSeveralResponses = false
    judge = { exchanges, rows, _ in
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
  /// - Parameter progress: hears how many rows are done, several times a second.
  /// - Throws: `PreferenceError`, `TokenizerError` or ``LoopError`` with file and line, and
  ///   whatever `body` throws.
  package func complete(
    _ file: URL, progress: (Int) -> Void = { _ in }, _ body: (ResponseRow) throws -> Void
  ) throws -> Summary {
    var summary = Summary()
    var rows: [ResponseRow] = []
    var exchanges: [Exchange] = []
    var tokens = 0
    func flush() throws {
      guard !rows.isEmpty else { return }
      try judge(exchanges, &rows, &summary)
      try rows.forEach(body)
      summary.rows += rows.count
      summary.responses += exchanges.count
      progress(summary.rows)
      rows.removeAll(keepingCapacity: true)
      exchanges.removeAll(keepingCapacity: true)
      tokens = 0
    }
    try ResponseRow.forEachRow(in: file) { row in
      for exchange in try self.exchanges(of: row, unknown: &summary.unknownWords) {
        tokens += exchange.count
        exchanges.append(exchange)
      }
      rows.append(row)
      if exchanges.count >= Self.rowsAtOnce || tokens >= Self.tokensAtOnce { try flush() }
    }
    try flush()
    return summary
  }

  /// The row's responses, each with its prompt.
  private func exchanges(of row: ResponseRow, unknown: inout Int) throws -> [Exchange] {
    guard row.form == .single || takesSeveralResponses else {
      throw LoopError.input(
        "\(row.place): holds \(row.responseCount) responses; give each a row of its own, with "
          + "`prompt` and `response`")
    }
    let exchanges: [Exchange]
    switch row.content {
    case .ids(let prompt, let response): exchanges = [Exchange(prompt: prompt, response: response)]
    case .text(let text, let responses):
      let tokenizer = try tokenizer.get()
      let prompt = tokenizer.encodePrompt(text)
      unknown += prompt.count { $0 == tokenizer.unknown }
      exchanges = responses.map {
        let response = tokenizer.encode($0)
        unknown += response.count { $0 == tokenizer.unknown }
        return ended(Exchange(prompt: prompt, response: response))
      }
    }
    for exchange in exchanges { try check(exchange, row.place) }
    return exchanges
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

extension ResponseRow {
  fileprivate var responseCount: Int {
    switch content {
    case .ids: 1
    case .text(_, let responses): responses.count
    }
  }
}
