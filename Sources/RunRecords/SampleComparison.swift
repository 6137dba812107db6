import Foundation

/// One prompt answered by the policy before and after optimization.
package struct SampleComparison: Codable, Sendable, Equatable {
  package var prompt: String
  package var before: String
  package var after: String
  /// The world's true reward; absent where there is no world.
  package var goldBefore: Double?
  package var goldAfter: Double?
  /// The reward model's normalized score.
  package var scoreBefore: Double?
  package var scoreAfter: Double?
  /// KL of the later response from the reference, in nats.
  package var klAfter: Double?

  package init(
    prompt: String, before: String, after: String, goldBefore: Double? = nil,
    goldAfter: Double? = nil, scoreBefore: Double? = nil, scoreAfter: Double? = nil,
    klAfter: Double? = nil
  ) {
    self.prompt = prompt
    self.before = before
    self.after = after
    self.goldBefore = goldBefore
    self.goldAfter = goldAfter
    self.scoreBefore = scoreBefore
    self.scoreAfter = scoreAfter
    self.klAfter = klAfter
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

  /// - Throws: `unreadable`, or `malformed` with the line.
  package static func read(from run: RunDirectory) throws(RunRecordsError) -> [SampleComparison] {
    try RecordJSON.decodeLines(SampleComparison.self, at: run.sampleComparisons)
  }

  private enum CodingKeys: String, CodingKey {
    case prompt, before, after
    case goldBefore = "gold_before"
    case goldAfter = "gold_after"
    case scoreBefore = "score_before"
    case scoreAfter = "score_after"
    case klAfter = "kl_after"
  }
}
