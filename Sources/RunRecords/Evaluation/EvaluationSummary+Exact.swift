extension EvaluationSummary {
  /// The learned policy against the optimum of score − β·KL, both computed over every response.
  package struct Exact: Codable, Sendable, Equatable {
    /// Exact figures of one policy, means over the prompts.
    package struct Policy: Codable, Sendable, Equatable {
      /// J = E[score] − β KL(π ‖ π_ref).
      package var objective: Double
      /// E of what a response earns: the normalized score, or the penalty where there is no end.
      package var score: Double
      /// E of the true reward.
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
