import Foundation

/// One response that the policy gave while it was optimized, and every number that its update used,
/// token by token: a line of `samples/rollouts.jsonl`.
package struct RolloutRecord: Codable, Sendable, Equatable {
  /// The iteration, from 1, and the episode in it, from 0.
  package var iteration: Int
  package var episode: Int
  package var prompt: String
  /// The response's tokens as text, one a token; its end among them when it ended.
  package var tokens: [String]
  package var responseIDs: [Int32]
  /// Whether the policy ended the response itself.
  package var ended: Bool
  /// The normalised score after clipping and the penalty for a missing end.
  package var score: Double
  /// The world's gold reward; absent where there is no world.
  package var gold: Double?
  /// β when the response was given.
  package var coefficient: Double
  /// γ and λ of the advantages.
  package var discount: Double
  package var lambda: Double

  // One number a token, in nats where they are logarithms.
  /// log π_old(y_t | x, y_<t)
  package var logProbabilities: [Double]
  /// log π_ref(y_t | x, y_<t)
  package var referenceLogProbabilities: [Double]
  /// The KL penalty of the token, before β.
  package var kl: [Double]
  /// KL(π_old ‖ π_ref) of the state, over the whole vocabulary.
  package var exactKL: [Double]
  /// Entropy of π_old in the state.
  package var entropies: [Double]
  /// −β KL_t, and the score at the last token.
  package var rewards: [Double]
  /// V_t before the update.
  package var values: [Double]
  /// A_t as the policy loss used it, whitened if the configuration says so.
  package var advantages: [Double]
  /// What the value model learned.
  package var returns: [Double]
  /// π(y_t) / π_old(y_t) after the last minibatch of the iteration; for GSPO that of the whole response.
  package var ratios: [Double]
  /// ε of the policy loss, below 1.
  package var clipRange: Double
  /// ε above 1; nil for that below.
  var clipRangeHigh: Double?

  /// δ_t = r_t + γ V_{t+1} − V_t, with V after the last token 0.
  package var deltas: [Double] {
    rewards.indices.map { index in
      let next = index + 1 < values.count ? values[index + 1] : 0
      return rewards[index] + discount * next - values[index]
    }
  }

  /// Whether the ratio of a token has left 1 ± ε on the side where the loss no longer pushes.
  package func isClipped(_ token: Int) -> Bool {
    advantages[token] >= 0
      ? ratios[token] > 1 + (clipRangeHigh ?? clipRange) : ratios[token] < 1 - clipRange
  }

  package init(
    iteration: Int, episode: Int, prompt: String, tokens: [String], responseIDs: [Int32],
    ended: Bool, score: Double, gold: Double?, coefficient: Double, discount: Double,
    lambda: Double, logProbabilities: [Double], referenceLogProbabilities: [Double],
    kl: [Double], exactKL: [Double], entropies: [Double], rewards: [Double], values: [Double],
    advantages: [Double], returns: [Double], ratios: [Double], clipRange: Double,
    clipRangeHigh: Double? = nil
  ) {
    self.iteration = iteration
    self.episode = episode
    self.prompt = prompt
    self.tokens = tokens
    self.responseIDs = responseIDs
    self.ended = ended
    self.score = score
    self.gold = gold
    self.coefficient = coefficient
    self.discount = discount
    self.lambda = lambda
    self.logProbabilities = logProbabilities
    self.referenceLogProbabilities = referenceLogProbabilities
    self.kl = kl
    self.exactKL = exactKL
    self.entropies = entropies
    self.rewards = rewards
    self.values = values
    self.advantages = advantages
    self.returns = returns
    self.ratios = ratios
    self.clipRange = clipRange
    self.clipRangeHigh = clipRangeHigh == clipRange ? nil : clipRangeHigh
  }

  /// - Throws: `unreadable`, or `malformed` with the line, also where the numbers are not as many as
  ///   the tokens.
  package static func read(from run: RunDirectory) throws(RunRecordsError) -> [RolloutRecord] {
    let rows = try RecordJSON.decodeLines(RolloutRecord.self, at: run.rollouts)
    for (index, row) in rows.enumerated() {
      let counts: [Int] = [
        row.responseIDs.count, row.logProbabilities.count, row.referenceLogProbabilities.count,
        row.kl.count, row.exactKL.count, row.entropies.count, row.rewards.count, row.values.count,
        row.advantages.count, row.returns.count, row.ratios.count,
      ]
      guard counts.allSatisfy({ $0 == row.tokens.count }) else {
        throw .malformed(
          path: run.rollouts.path, line: index + 1,
          reason: "there must be one number for each of the \(row.tokens.count) tokens")
      }
    }
    return rows
  }

  private enum CodingKeys: String, CodingKey {
    case iteration, episode, prompt, tokens, ended, score, gold, coefficient, discount, lambda
    case kl, entropies, rewards, values, advantages, returns, ratios
    case responseIDs = "response_ids"
    case logProbabilities = "log_probabilities"
    case referenceLogProbabilities = "reference_log_probabilities"
    case exactKL = "kl_exact"
    case clipRange = "clip_range"
    case clipRangeHigh = "clip_range_high"
  }
}

/// Writes rollouts of a run, line by line as they come.
package final class RolloutWriter {
  private let file: RecordFile
  private let url: URL

  /// - Parameter upTo: iterations of an interrupted run up to which its rollouts stay, if there
  ///   are any; later ones will be written again.
  /// - Throws: `unwritable`, or what reading the earlier ones throws.
  package init(in run: RunDirectory, upTo: Int) throws(RunRecordsError) {
    url = run.rollouts
    var earlier: [RolloutRecord] = []
    if upTo > 0, AtomicFile.exists(url) {
      earlier = try RolloutRecord.read(from: run).filter { $0.iteration <= upTo }
    }
    file = try RecordFile(replacing: url, with: RecordJSON.encodeLines(earlier, for: url))
  }

  /// - Throws: `notFinite` or `unwritable`.
  package func write(_ rollouts: [RolloutRecord]) throws(RunRecordsError) {
    try file.append(RecordJSON.encodeLines(rollouts, for: url))
  }
}
