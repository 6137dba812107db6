package import Foundation
import LanguageModels
package import Numerics
package import Preferences
import RLHF
package import Statistics

/// What a model says about the rows of files, a few thousand tokens at a time.
///
/// Every response is computed by itself, so that what is said of it does not depend on what stands
/// beside it, and equal responses get equal numbers.
package struct ResponseRows: Sendable {
  private let directory: URL
  private let shape: DecoderConfiguration
  private let workers: Workers
  /// Rows of ids need none, so that one that cannot be read matters at the first text only.
  private let tokenizer: Result<Tokenizer, TokenizerError>
  private let what: What

  /// How messages become text for the model.
  package var format: ChatFormat { .of(directory, tokenizer: try? tokenizer.get()) }

  private enum What: Sendable {
    case rewards(RewardModel)
    case logProbabilities(LanguageModel)
  }

  /// What the person should know of the model.
  package let notes: [String]

  private static let rowsAtOnce = 1_024
  /// Widening the matrices for every response takes as long as computing some 20 of its tokens, which a
  /// smaller model need not.
  private static let bytesWorthNarrowing = 1 << 29
  private static let tokensAtOnce = 1 << 17

  /// What there was in the files.
  package struct Summary: Sendable {
    package fileprivate(set) var rows = 0
    package fileprivate(set) var responses = 0
    /// Words of the texts that are not in the vocabulary.
    package fileprivate(set) var unknownWords = 0
    /// Of the orders of responses that rows gave with the order by reward.
    package fileprivate(set) var agreement = RankingAgreement()
    /// The same by `subset`, in the order in which they were met.
    package fileprivate(set) var subsets: [(name: String, agreement: RankingAgreement)] = []
    /// Of the labels that rows gave of responses with the sign of their rewards.
    package fileprivate(set) var labels = StepAgreement()
    /// The same of the labels of steps.
    package fileprivate(set) var steps = StepAgreement()
    /// What columns are read as.
    package fileprivate(set) var columns = ColumnSummary()
    /// Rows that were passed over, and why the first of them was.
    package fileprivate(set) var skipped = 0
    package fileprivate(set) var firstFault: String?
    /// Columns of rows that are called as a result is, each with what the result is called instead.
    package fileprivate(set) var renamed: [String: String] = [:]
    /// What the person should know where messages became text without a chat template.
    package fileprivate(set) var formatNote: String?

    package init() {}

    fileprivate mutating func addNames(of row: ResponseRow) {
      for (taken, name) in row.renamed { renamed[taken] = name }
    }

    fileprivate mutating func add(_ rewards: [Double], of row: ResponseRow) {
      if let given = row.labels {
        if row.form == .steps {
          steps.add(rewards: rewards, labels: given)
        } else {
          labels.add(rewards: rewards, labels: given)
        }
      }
      guard let ratings = row.ratings else { return }
      agreement.add(rewards: rewards, ratings: ratings)
      guard let subset = row.subset else { return }
      let place = subsets.firstIndex { $0.name == subset } ?? subsets.count
      if place == subsets.count { subsets.append((subset, RankingAgreement())) }
      subsets[place].agreement.add(rewards: rewards, ratings: ratings)
    }
  }

  /// Rewards of a reward model, the head's raw output at the last token: sets `"reward"`, or, in
  /// rows of several responses, what `ResponseRow.set(rewards:order:)` says.
  package init(rewardsOf directory: URL, workers: Workers) throws {
    let tokenizer = Self.tokenizer(of: directory)
    // The tokens matter only where an end is put behind a text, and then there is a tokenizer.
    let model = try RewardModel(
      directory: directory,
      specialTokens: (try? tokenizer.get())?.specialTokens
        ?? SpecialTokens(endOfSequence: 0, padding: nil),
      narrowingAbove: Self.bytesWorthNarrowing)
    (self.directory, self.tokenizer, self.workers) = (directory, tokenizer, workers)
    (shape, what) = (model.model.configuration, .rewards(model))
    notes = [model.model.paddingNote].compactMap(\.self)
  }

  /// Log-probabilities of a policy: sets `"logprobs"`, log π(y_t | x, y_<t) of every response token
  /// at temperature 1, and the `"prompt_ids"` and `"response_ids"` used.
  package init(logProbabilitiesOf directory: URL, workers: Workers) throws {
    let model = try LanguageModel(directory: directory)
    (self.directory, tokenizer, self.workers) = (directory, Self.tokenizer(of: directory), workers)
    (shape, what) = (model.configuration, .logProbabilities(model))
    notes = []
  }

  private static func tokenizer(of directory: URL) -> Result<Tokenizer, TokenizerError> {
    let place = (try? CheckpointFiles(directory).tokenizer) ?? directory
    return Result { () throws(TokenizerError) in try Tokenizer(directory: place) }
  }

  /// Calls `body` with every row of files, completed, in order.
  ///
  /// - Parameters:
  ///   - reading: how columns and messages are read, and whether rows at fault are passed over.
  ///   - progress: hears how many rows are done, several times a second.
  /// - Throws: `PreferenceError`, `TokenizerError` or ``LoopError`` with file and line, and
  ///   whatever `body` throws.
  package func complete(
    _ files: [URL], as reading: RowReading, progress: (Int) -> Void = { _ in },
    _ body: (ResponseRow) throws -> Void
  ) throws -> Summary {
    var summary = Summary()
    var rows: [ResponseRow] = []
    var exchanges: [Exchange] = []
    var tokens = 0
    func flush() throws {
      guard !rows.isEmpty else { return }
      try complete(&rows, exchanges, &summary)
      try rows.forEach(body)
      summary.rows += rows.count
      summary.responses += exchanges.count
      progress(summary.rows)
      rows.removeAll(keepingCapacity: true)
      exchanges.removeAll(keepingCapacity: true)
      tokens = 0
    }
    func skip(_ error: any Error) throws {
      guard reading.skips else { throw error }
      summary.skipped += 1
      if summary.firstFault == nil { summary.firstFault = "\(error)" }
    }
    var readsJudgements = false
    if case .rewards = what { readsJudgements = true }
    let reader = ResponseRowReader(files, as: reading, readsJudgements: readsJudgements)
    while true {
      do {
        guard let row = try reader.nextRow() else { break }
        for exchange in try self.exchanges(of: row, unknown: &summary.unknownWords) {
          tokens += exchange.count
          exchanges.append(exchange)
        }
        rows.append(row)
      } catch let error as PreferenceError where error.isOfOneRow {
        try skip(error)
      } catch let error as LoopError {
        try skip(error)
      }
      if exchanges.count >= Self.rowsAtOnce || tokens >= Self.tokensAtOnce { try flush() }
    }
    try flush()
    summary.columns = reader.columns
    if reader.usesPlainFormat { summary.formatNote = ChatFormat.plainNote(directory) }
    return summary
  }

  // MARK: - Numbers

  private func complete(
    _ rows: inout [ResponseRow], _ exchanges: [Exchange], _ summary: inout Summary
  ) throws {
    switch what {
    case .rewards(let model):
      var rest = try apart(exchanges) { exchange in
        try model.rewards([exchange], workers: Workers(count: 1))[0]
      }[...]
      for index in rows.indices {
        let rewards = Array(rest.prefix(rows[index].responseCount))
        rest = rest.dropFirst(rewards.count)
        try rows[index].set(rewards: rewards, order: RankingAgreement.order(of: rewards))
        summary.addNames(of: rows[index])
        summary.add(rewards, of: rows[index])
      }
    case .logProbabilities(let model):
      let values = try apart(exchanges) { exchange in
        exchange.response.isEmpty
          ? []
          : model.responseLogProbabilities([exchange], temperature: 1, on: Tape(recording: false))
            .logProbabilities.value.values.map(Double.init)
      }
      for (index, exchange) in exchanges.enumerated() {
        try rows[index].set(
          logProbabilities: values[index], promptIDs: exchange.prompt,
          responseIDs: exchange.response)
        summary.addNames(of: rows[index])
      }
    }
  }

  /// What `body` says of each exchange; of equal ones it is asked once.
  private func apart<Output: Sendable>(
    _ exchanges: [Exchange], _ body: @Sendable (Exchange) throws -> Output
  ) throws -> [Output] {
    var places: [[[Int32]]: Int] = [:]
    var distinct: [Exchange] = []
    let placeOfEach = exchanges.map { exchange in
      let key = [exchange.prompt, exchange.response]
      if let place = places[key] { return place }
      places[key] = distinct.count
      distinct.append(exchange)
      return distinct.count - 1
    }
    let outputs = try workers.map(distinct.count) { [distinct] in try body(distinct[$0]) }
    return placeOfEach.map { outputs[$0] }
  }

  // MARK: - Tokens

  /// The row's responses, each with its prompt; of steps, the response up to the end of each.
  private func exchanges(of row: ResponseRow, unknown: inout Int) throws -> [Exchange] {
    if case .logProbabilities = what, row.form != .single {
      throw LoopError.input(
        "\(row.place): holds \(row.responseCount) responses; give each a row of its own, with "
          + "`prompt` and `response`")
    }
    let exchanges: [Exchange]
    switch row.content {
    case .ids(let prompt, let response): exchanges = [Exchange(prompt: prompt, response: response)]
    case .text(let text, let steps, _) where row.form == .steps:
      guard case .rewards(let model) = what else { return [] }  // refused above
      let tokenizer = try tokenizer.get()
      let element = RankedResponses(
        prompt: text, steps: steps, separator: model.stepSeparator ?? "\n", tokenizer: tokenizer)
      unknown += (element.prompt + element.responses[0]).count { $0 == tokenizer.unknown }
      exchanges = element.stepExchanges
    case .text(let text, let responses, let isRendered):
      let tokenizer = try tokenizer.get()
      let prompt = tokenizer.encode(prompt: text, isRendered: isRendered)
      unknown += prompt.count { $0 == tokenizer.unknown }
      exchanges = responses.map {
        var response = tokenizer.encode($0)
        unknown += response.count { $0 == tokenizer.unknown }
        if case .rewards = what { response = tokenizer.ended(response) }
        return Exchange(prompt: prompt, response: response)
      }
    }
    for exchange in exchanges { try check(exchange, row.place) }
    return exchanges
  }

  private func check(_ exchange: Exchange, _ place: String) throws(LoopError) {
    for (name, ids) in [("prompt", exchange.prompt), ("response", exchange.response)] {
      // A response without tokens has no log-probabilities, which is an answer, and no last token.
      var takesNone = false
      if case .logProbabilities = what { takesNone = name == "response" }
      if ids.isEmpty, !takesNone {
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
    case .text(_, let responses, _): responses.count
    }
  }
}
