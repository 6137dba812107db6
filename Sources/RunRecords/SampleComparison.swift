import Foundation

/// The responses of the policy to one prompt before and after optimization: a line of
/// `samples/before_after.jsonl`. The first of them have every token.
package struct SampleComparison: Codable, Sendable, Equatable {
  package var prompt: String
  package var before: String
  package var after: String
  /// The world's gold reward; absent where there is no world.
  package var goldBefore: Double?
  package var goldAfter: Double?
  /// The reward model's normalized score.
  package var scoreBefore: Double?
  package var scoreAfter: Double?
  /// KL of the later response from the reference, in nats.
  package var klAfter: Double?
  /// The later response's tokens as text, its end among them when it ended; absent, as the two
  /// below, in rows without tokens.
  package var tokensAfter: [String]?
  /// KL(π ‖ π_ref) of the state before each token, over the whole vocabulary, in nats; their sum is
  /// `klAfter`.
  package var exactKLTokensAfter: [Double]?
  /// log π(y_t | x, y_<t) − log π_ref(y_t | x, y_<t) of each token.
  package var logRatioTokensAfter: [Double]?

  /// How many rows have every token: those that a report shows without being asked.
  package static let countByToken = 12

  package init(
    prompt: String, before: String, after: String, goldBefore: Double? = nil,
    goldAfter: Double? = nil, scoreBefore: Double? = nil, scoreAfter: Double? = nil,
    klAfter: Double? = nil, tokensAfter: [String]? = nil, exactKLTokensAfter: [Double]? = nil,
    logRatioTokensAfter: [Double]? = nil
  ) {
    self.prompt = prompt
    self.before = before
    self.after = after
    self.goldBefore = goldBefore
    self.goldAfter = goldAfter
    self.scoreBefore = scoreBefore
    self.scoreAfter = scoreAfter
    self.klAfter = klAfter
    self.tokensAfter = tokensAfter
    self.exactKLTokensAfter = exactKLTokensAfter
    self.logRatioTokensAfter = logRatioTokensAfter
  }

  /// Writes all rows, one a line, in the given order.
  ///
  /// - Throws: `notFinite` or `unwritable`.
  package static func write(
    _ rows: [SampleComparison], to run: RunDirectory
  ) throws(RunRecordsError) {
    let url = run.sampleComparisons
    try AtomicFile.write(RecordJSON.encodeLines(rows, for: url), to: url)
  }

  /// - Throws: `unreadable`, or `malformed` with the line, also where the numbers are not as many as
  ///   the tokens.
  package static func read(from run: RunDirectory) throws(RunRecordsError) -> [SampleComparison] {
    let rows = try RecordJSON.decodeLines(SampleComparison.self, at: run.sampleComparisons)
    for (index, row) in rows.enumerated() {
      let counts = [row.exactKLTokensAfter?.count, row.logRatioTokensAfter?.count]
      guard counts.allSatisfy({ $0 == row.tokensAfter?.count }) else {
        throw .malformed(
          path: run.sampleComparisons.path, line: index + 1,
          reason: "there must be one number for each of `tokens_after`, or neither of them")
      }
    }
    return rows
  }

  private enum CodingKeys: String, CodingKey {
    case prompt, before, after
    case goldBefore = "gold_before"
    case goldAfter = "gold_after"
    case scoreBefore = "score_before"
    case scoreAfter = "score_after"
    case klAfter = "kl_after"
    case tokensAfter = "tokens_after"
    case exactKLTokensAfter = "kl_exact_tokens_after"
    case logRatioTokensAfter = "log_ratio_tokens_after"
  }
}
