import Foundation
package import Statistics

/// evaluation.json: the final figures of a run. Any part may be absent.
package struct EvaluationSummary: Codable, Sendable, Equatable {
  /// The figures of one policy.
  package struct Policy: Codable, Sendable, Equatable {
    /// The world's true reward, which no model sees.
    package var gold: Summary?
    /// The reward model's normalized score.
    package var score: Summary?
    /// KL(policy ‖ reference) of a whole response in nats, summed exactly over the vocabulary at
    /// each position.
    package var klExact: Summary?
    /// Response length in tokens, EOS included.
    package var length: Summary?
    /// Entropy of the next token in nats.
    package var entropy: Summary?
    /// Fraction of responses without a grammar break.
    package var grammaticalFraction: Double?
    /// Fraction of responses that end in EOS.
    package var eosFraction: Double?

    package init(
      gold: Summary? = nil, score: Summary? = nil, klExact: Summary? = nil,
      length: Summary? = nil, entropy: Summary? = nil,
      grammaticalFraction: Double? = nil, eosFraction: Double? = nil
    ) {
      self.gold = gold
      self.score = score
      self.klExact = klExact
      self.length = length
      self.entropy = entropy
      self.grammaticalFraction = grammaticalFraction
      self.eosFraction = eosFraction
    }

    private enum CodingKeys: String, CodingKey {
      case gold, score, length, entropy
      case klExact = "kl_exact"
      case grammaticalFraction = "grammatical_fraction"
      case eosFraction = "eos_fraction"
    }
  }

  /// The policy before optimization.
  package var sft: Policy?
  /// The policy after it.
  package var ppo: Policy?
  /// How often gold prefers the response after optimization; ties count half.
  package var winRate: Proportion?
  package var reward: RewardModel?
  /// The policy against the best one there is, in a world small enough to list.
  package var exact: Exact?
  /// The best of n responses of the policy before optimization, n rising from 1.
  package var bestOfN: [BestOfN]?

  package init(
    sft: Policy? = nil, ppo: Policy? = nil, winRate: Proportion? = nil,
    reward: RewardModel? = nil, exact: Exact? = nil, bestOfN: [BestOfN]? = nil
  ) {
    self.sft = sft
    self.ppo = ppo
    self.winRate = winRate
    self.reward = reward
    self.exact = exact
    self.bestOfN = bestOfN
  }

  /// Writes evaluation.json atomically.
  ///
  /// - Throws: `notFinite` naming the figure, or `unwritable`.
  package func write(to run: RunDirectory) throws(RunRecordsError) {
    let data = try RecordJSON.encode(self, pretty: true, for: run.evaluation)
    try AtomicFile.write(data + Data("\n".utf8), to: run.evaluation)
  }

  /// - Throws: `unreadable` or `malformed`.
  package static func read(from run: RunDirectory) throws(RunRecordsError) -> EvaluationSummary {
    try RecordJSON.decode(
      EvaluationSummary.self, from: AtomicFile.read(run.evaluation), at: run.evaluation)
  }

  private enum CodingKeys: String, CodingKey {
    case sft, ppo, reward, exact
    case winRate = "win_rate"
    case bestOfN = "best_of_n"
  }
}
