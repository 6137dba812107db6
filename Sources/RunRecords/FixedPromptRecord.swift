import Foundation

/// A response of the policy to one of the fixed prompts: a line of `samples/fixed_prompts.jsonl`.
///
/// Held-out prompts, the same at every iteration and answered with the same random numbers, so that a
/// response changes only where the policy does. Score and gold are raw; `Summary.standardized(_:)` of
/// the SFT policy's `score` and `gold` in evaluation.json has them in sd.
package struct FixedPromptRecord: Codable, Sendable, Equatable {
  /// After which iteration of PPO; 0 is the policy at the start, the SFT policy.
  package var iteration: Int
  /// Which of the prompts, from 0.
  package var index: Int
  package var prompt: String
  /// The response's text, without its end.
  package var response: String
  /// Its tokens, each as text, its end among them when it ended.
  package var tokens: [String]
  package var ended: Bool
  /// As in evaluations: by default the reward model's normalized score; absent where nothing scores.
  package var score: Double?
  /// The normalized score by each member of an ensemble; absent without one.
  package var memberScores: [Double]?
  /// The world's gold reward; absent where there is no world.
  package var gold: Double?
  /// KL(π ‖ π_ref) of the response in nats, exact over the vocabulary at each position.
  package var klExact: Double

  /// In tokens, EOS included.
  package var length: Int { tokens.count }

  /// How many prompts there are, at most.
  package static let promptCount = 8

  package init(
    iteration: Int, index: Int, prompt: String, response: String, tokens: [String], ended: Bool,
    score: Double?, memberScores: [Double]? = nil, gold: Double?, klExact: Double
  ) {
    self.iteration = iteration
    self.index = index
    self.prompt = prompt
    self.response = response
    self.tokens = tokens
    self.ended = ended
    self.score = score
    self.memberScores = memberScores
    self.gold = gold
    self.klExact = klExact
  }

  /// - Throws: `unreadable`, or `malformed` with the line.
  package static func read(from run: RunDirectory) throws(RunRecordsError) -> [FixedPromptRecord] {
    try RecordJSON.decodeLines(FixedPromptRecord.self, at: run.fixedPrompts)
  }

  private enum CodingKeys: String, CodingKey {
    case iteration, index, prompt, response, tokens, ended, score, gold
    case memberScores = "member_scores"
    case klExact = "kl_exact"
  }
}

/// Writes the responses to fixed prompts, iteration by iteration.
package final class FixedPromptWriter {
  private let file: RecordFile
  private let url: URL

  /// - Parameter upTo: iterations of an interrupted run up to which its responses stay, if there are
  ///   any; nil for none.
  /// - Throws: `unwritable`, or what reading the earlier ones throws.
  package init(in run: RunDirectory, upTo: Int?) throws(RunRecordsError) {
    url = run.fixedPrompts
    var earlier: [FixedPromptRecord] = []
    if let upTo, AtomicFile.exists(url) {
      earlier = try FixedPromptRecord.read(from: run).filter { $0.iteration <= upTo }
    }
    file = try RecordFile(replacing: url, with: RecordJSON.encodeLines(earlier, for: url))
  }

  /// - Throws: `notFinite` or `unwritable`.
  package func write(_ responses: [FixedPromptRecord]) throws(RunRecordsError) {
    try file.append(RecordJSON.encodeLines(responses, for: url))
  }
}
