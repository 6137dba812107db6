import Foundation
package import Statistics

/// evaluation.json: the final figures of a run. Any part may be absent.
package struct EvaluationSummary: Codable, Sendable, Equatable {
  /// The figures of one policy.
  package struct Policy: Codable, Sendable, Equatable {
    /// The world's gold reward, which no model sees.
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
    /// How often two members of an ensemble prefer the same of two different responses to one prompt; nil
    /// where no prompt has two.
    package var memberAgreement: Double?

    package init(
      gold: Summary? = nil, score: Summary? = nil, klExact: Summary? = nil,
      length: Summary? = nil, entropy: Summary? = nil,
      grammaticalFraction: Double? = nil, eosFraction: Double? = nil,
      memberAgreement: Double? = nil
    ) {
      self.gold = gold
      self.score = score
      self.klExact = klExact
      self.length = length
      self.entropy = entropy
      self.grammaticalFraction = grammaticalFraction
      self.eosFraction = eosFraction
      self.memberAgreement = memberAgreement
    }

    private enum CodingKeys: String, CodingKey {
      case gold, score, length, entropy
      case klExact = "kl_exact"
      case grammaticalFraction = "grammatical_fraction"
      case eosFraction = "eos_fraction"
      case memberAgreement = "member_agreement"
    }
  }

  /// The policy before optimization.
  package var sft: Policy?
  /// The policy after it.
  package var ppo: Policy?
  /// How often gold prefers the response after optimization; ties count half.
  package var winRate: Proportion?
  /// What the policy gained by score and gold, in sd of the SFT policy; as ``verdict`` computes it.
  package private(set) var gain: Verdict.Gain?
  /// The word of ``verdict``.
  package private(set) var word: Verdict.Word?
  package var reward: RewardModel?
  /// The policy against the best one there is, in a world small enough to list.
  package var exact: Exact?
  /// The best of n responses of the policy before optimization, n rising from 1.
  package var bestOfN: [BestOfN]?
  /// Whether others than the reward model gave the score: a command, or several sources; nil for no.
  private var isScoredByOthers: Bool?

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

  /// What became of the policy, from the figures; nil unless there are both policies.
  package var verdict: Verdict? {
    guard let sft, let ppo else { return nil }
    func both(_ value: (Policy) -> Summary?) -> (before: Summary, after: Summary)? {
      value(sft).flatMap { before in value(ppo).map { (before, $0) } }
    }
    return Verdict(
      score: both(\.score), gold: both(\.gold), accuracy: isScoredByModel ? reward?.accuracy : nil)
  }

  /// Sets ``gain`` and ``word`` from the other figures, which must all be there.
  ///
  /// - Parameter scoredByModel: whether the score is the reward model's.
  package mutating func judge(scoredByModel: Bool) {
    isScoredByOthers = scoredByModel ? nil : true
    (gain, word) = (verdict?.gain, verdict?.word)
  }

  /// Whether the score is the reward model's, whatever PPO earned; else it is that of `ppo.reward`.
  package var isScoredByModel: Bool { isScoredByOthers != true }

  /// Who gave the score, in a sentence.
  package var judgeName: String { isScoredByModel ? "the reward model" : "the score" }

  /// Writes evaluation.json atomically.
  ///
  /// - Throws: `notFinite` naming the figure, or `unwritable`.
  package func write(to run: RunDirectory) throws(RunRecordsError) {
    try RecordJSON.write(self, to: run.evaluation)
  }

  /// - Throws: `unreadable` or `malformed`.
  package static func read(from run: RunDirectory) throws(RunRecordsError) -> EvaluationSummary {
    try RecordJSON.read(EvaluationSummary.self, at: run.evaluation)
  }

  private enum CodingKeys: String, CodingKey {
    case sft, ppo, reward, exact
    case winRate = "win_rate"
    case gain = "gain_sd"
    case word = "verdict"
    case bestOfN = "best_of_n"
    case isScoredByOthers = "scored_by_others"
  }
}

extension EvaluationSummary {
  /// The figures of the reward model on held-out pairs and labels. Beside the few that everyone asks for,
  /// everything is optional: files of earlier versions lack it.
  package struct RewardModel: Codable, Sendable, Equatable {
    package var accuracy: Proportion?
    /// The accuracy of the gold reward itself: what the annotators' noise allows.
    package var ceiling: Double?
    /// Expected calibration error, in 0...1.
    package var ece: Double?
    /// Correlation of the model's reward with gold.
    package var goldCorrelation: Double?
    /// Spearman's rank correlation of the model's reward with gold.
    package var goldRankCorrelation: Double?
    /// How often the model orders a pair as gold does, of the pairs whose gold differs.
    package var goldAgreement: Proportion?
    /// Mean −log σ of the margin.
    package var loss: Double?
    /// Mean reward of the held-out responses, before normalization: comparisons leave it open.
    package var mean: Double?
    /// Mean margin between the chosen and the rejected response.
    package var marginMean: Double?
    package var marginHistogram: Histogram?
    package var reliability: [ReliabilityCurve.Bin]?
    /// Accuracy on as many training pairs.
    package var trainingAccuracy: Proportion?
    /// Training accuracy minus held-out accuracy.
    package var trainingGap: Double?
    package var length: LengthEvaluation?
    /// From the hardest pairs to the easiest.
    package var difficulty: [DifficultyBin]?
    package var probes: [ProbeResult]?
    /// On held-out labels of responses, or of their steps.
    package var labels: LabelEvaluation?
    /// On the labels of steps, response by response.
    package var steps: StepFigures?
    /// Of an ensemble: held-out accuracy of each member.
    package var members: [Proportion]?
    /// Of an ensemble: sd of the members' normalized rewards of a held-out response, mean over the
    /// responses; in sd of the SFT policy.
    package var disagreement: Double?
    /// What a careful reader would stop at before trusting it; nil where nobody examined it.
    package var alerts: [RewardAlert]?

    package init() {}

    private enum CodingKeys: String, CodingKey {
      case accuracy, ceiling, ece, loss, mean, reliability, length, difficulty, probes, labels,
        steps, members, disagreement, alerts
      case goldCorrelation = "gold_correlation"
      case goldRankCorrelation = "gold_rank_correlation"
      case goldAgreement = "gold_agreement"
      case marginMean = "margin_mean"
      case marginHistogram = "margin_histogram"
      case trainingAccuracy = "training_accuracy"
      case trainingGap = "training_gap"
    }
  }
}

extension EvaluationSummary {
  /// What the best of n responses of the policy before optimization earns, the best by the reward
  /// model: the simplest way to spend the same distance from the reference.
  package struct BestOfN: Codable, Sendable, Equatable {
    package var n: Int
    /// log n − (n − 1)/n in nats: the KL of choosing, where no two responses score alike, and an
    /// upper bound where some do (Stiennon et al. 2020, appendix G.3).
    package var kl: Double
    /// Of `n` prompts each: the reward model's normalized score of the chosen response.
    package var score: Summary
    /// Its gold reward; absent where there is no world.
    package var gold: Summary?

    package init(n: Int, kl: Double, score: Summary, gold: Summary?) {
      self.n = n
      self.kl = kl
      self.score = score
      self.gold = gold
    }
  }

  /// Score and gold of best-of-n at a distance from the reference, between the two nearest n; nil
  /// beyond the largest n.
  package func bestOfN(atKL kl: Double) -> (n: Double, score: Double, gold: Double?)? {
    guard let points = bestOfN, let upper = points.firstIndex(where: { $0.kl >= kl }) else {
      return nil
    }
    let (right, left) = (points[upper], points[max(0, upper - 1)])
    let share = right.kl > left.kl ? (kl - left.kl) / (right.kl - left.kl) : 1
    func between(_ a: Double, _ b: Double) -> Double { a + share * (b - a) }
    let gold = left.gold.flatMap { a in right.gold.map { between(a.mean, $0.mean) } }
    return (
      between(Double(left.n), Double(right.n)), between(left.score.mean, right.score.mean), gold
    )
  }
}

extension EvaluationSummary {
  /// The learned policy against the optimum of score − β·KL, both computed over every response.
  package struct Exact: Codable, Sendable, Equatable {
    /// Exact figures of one policy, means over the prompts.
    package struct Policy: Codable, Sendable, Equatable {
      /// J = E[score] − β KL(π ‖ π_ref).
      package var objective: Double
      /// E of what a response earns: the normalized score, or the penalty where there is no end.
      package var score: Double
      /// E of the gold reward.
      package var gold: Double?
      /// KL(π ‖ π_ref) of a response, in nats.
      package var kl: Double

      package init(objective: Double, score: Double, gold: Double?, kl: Double) {
        self.objective = objective
        self.score = score
        self.gold = gold
        self.kl = kl
      }
    }

    /// A place on the curve of the most score at each distance from the reference.
    package struct FrontierPoint: Codable, Sendable, Equatable {
      package var coefficient: Double
      package var kl: Double
      package var score: Double

      package init(coefficient: Double, kl: Double, score: Double) {
        self.coefficient = coefficient
        self.kl = kl
        self.score = score
      }
    }

    /// A response and how likely each policy is to give it.
    package struct Response: Codable, Sendable, Equatable {
      package var prompt: String
      package var response: String
      package var reference: Double
      package var policy: Double
      package var optimum: Double
      package var score: Double
      package var gold: Double?

      package init(
        prompt: String, response: String, reference: Double, policy: Double, optimum: Double,
        score: Double, gold: Double?
      ) {
        self.prompt = prompt
        self.response = response
        self.reference = reference
        self.policy = policy
        self.optimum = optimum
        self.score = score
        self.gold = gold
      }
    }

    /// β
    package var coefficient: Double
    /// How many different prompts there are.
    package var prompts: Int
    /// How many responses there are to each.
    package var responses: Int
    package var reference: Policy
    package var policy: Policy
    package var optimum: Policy
    /// KL(π ‖ π*) in nats.
    package var klFromOptimum: Double
    /// The most score that any policy has at the learned policy's KL.
    package var scoreCeiling: Double
    package var frontier: [FrontierPoint]
    /// The optimum's likeliest responses to some prompts.
    package var likeliest: [Response]

    /// (J − J(π_ref)) / (J* − J(π_ref)): how much of the possible improvement the policy has; nil where
    /// there is nothing to improve.
    package var fraction: Double? {
      let possible = optimum.objective - reference.objective
      return possible > 1e-9 ? (policy.objective - reference.objective) / possible : nil
    }

    package init(
      coefficient: Double, prompts: Int, responses: Int, reference: Policy, policy: Policy,
      optimum: Policy, klFromOptimum: Double, scoreCeiling: Double, frontier: [FrontierPoint],
      likeliest: [Response]
    ) {
      self.coefficient = coefficient
      self.prompts = prompts
      self.responses = responses
      self.reference = reference
      self.policy = policy
      self.optimum = optimum
      self.klFromOptimum = klFromOptimum
      self.scoreCeiling = scoreCeiling
      self.frontier = frontier
      self.likeliest = likeliest
    }

    private enum CodingKeys: String, CodingKey {
      case coefficient, prompts, responses, reference, policy, optimum, frontier, likeliest
      case klFromOptimum = "kl_from_optimum"
      case scoreCeiling = "score_ceiling"
    }
  }
}
