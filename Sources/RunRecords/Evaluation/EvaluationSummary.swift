import Foundation

/// evaluation.json: the final figures of a run. Any part may be absent.
package struct EvaluationSummary: Codable, Sendable, Equatable {
  /// A quantity over `n` independent samples.
  package struct Distribution: Codable, Sendable, Equatable {
    package var mean: Double
    /// Standard deviation of one sample (not of the mean).
    package var sd: Double
    package var n: Int

    package init(mean: Double, sd: Double, n: Int) {
      self.mean = mean
      self.sd = sd
      self.n = n
    }
  }

  /// A fraction in 0...1 of `n` trials with its confidence interval.
  package struct Proportion: Codable, Sendable, Equatable {
    package var value: Double
    package var low: Double
    package var high: Double
    package var n: Int

    package init(value: Double, low: Double, high: Double, n: Int) {
      self.value = value
      self.low = low
      self.high = high
      self.n = n
    }
  }

  /// The figures of one policy.
  package struct Policy: Codable, Sendable, Equatable {
    /// The world's true reward, which no model sees.
    package var gold: Distribution?
    /// The reward model's normalized score.
    package var score: Distribution?
    /// KL(policy ‖ reference) of a whole response in nats, summed exactly over the vocabulary at
    /// each position.
    package var klExact: Distribution?
    /// Response length in tokens, EOS included.
    package var length: Distribution?
    /// Entropy of the next token in nats.
    package var entropy: Distribution?
    /// Fraction of responses without a grammar break.
    package var grammaticalFraction: Double?
    /// Fraction of responses that end in EOS.
    package var eosFraction: Double?

    package init(
      gold: Distribution? = nil, score: Distribution? = nil, klExact: Distribution? = nil,
      length: Distribution? = nil, entropy: Distribution? = nil,
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
