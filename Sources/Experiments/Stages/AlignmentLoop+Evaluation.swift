package import LanguageModels
import Numerics
package import RLHF
package import RunRecords
import Statistics
import Worlds

/// One response of a policy and what is known of it.
package struct JudgedResponse: Sendable {
  let exchange: Exchange
  let ended: Bool
  /// The gold reward; nil where there is no world to say it.
  package let gold: Double?
  /// By ``AlignmentLoop/evaluationScorer(_:)``; nil where nothing judges.
  let score: Double?
  /// What each member of an ensemble says; empty where the reward model is one.
  var memberScores: [Double] = []
  /// What policy and reference say of each token.
  let tokens: TokenComparison
  /// Whether the text is one of the world's; nil where there is no world.
  let isGrammatical: Bool?

  /// Σ_t KL(π ‖ π_ref) over the states of the response, exact over the vocabulary, in nats.
  var exactKL: Double { tokens.exactKL.reduce(0) { $0 + Double($1) } }
  /// Mean entropy of the policy per token, in nats.
  var entropy: Double { Summary(tokens.entropies.map(Double.init)).mean }
}

extension AlignmentLoop {
  /// Prompts on which policies are compared: the same for every policy of a run.
  ///
  /// Those of a file are taken in turn.
  func evaluationPrompts() -> [[Int32]] {
    let count = scenario.evaluation.responses
    return switch promptSource {
    case .world: prompts(generator.stream("evaluation prompts"), count: count)
    case .files(let given): (0..<count).map { given[$0 % given.count] }
    }
  }

  /// Samples one response to each prompt and judges it by everything there is.
  func judge(
    _ policy: LanguageModel, reference: LanguageModel, reward: RewardModel?, prompts: [[Int32]]
  ) throws -> [JudgedResponse] {
    if let reward {
      try Rollout.requireRoom(for: prompts, responseTokens: maximumTokens, in: reward.model)
    }
    var responses = try judge(
      policy, reference: reference, scorer: evaluationScorer(reward), prompts: prompts)
    if let reward, reward.members.count > 1 {
      let scores = try reward.memberScores(
        responses.map { reward.ended($0.exchange) }, workers: workers)
      for index in responses.indices { responses[index].memberScores = scores[index] }
    }
    return responses
  }

  /// - Parameter purpose: names the random numbers; the same ones give the same responses.
  func judge(
    _ policy: LanguageModel, reference: LanguageModel, scorer: RewardScorer?, prompts: [[Int32]],
    purpose: String = "evaluation"
  ) throws -> [JudgedResponse] {
    try Rollout.requireRoom(for: prompts, responseTokens: maximumTokens, in: policy, reference)
    let temperature = scenario.ppo.temperature
    let responses = try sample(
      policy, prompts: prompts, generator.stream(purpose), temperature: temperature)
    let exchanges = zip(prompts, responses).map { Exchange(prompt: $0, response: $1.tokens) }
    let scores = try scorer?.scores(of: exchanges)
    let comparison = DistributionComparison(
      policy: policy, reference: reference, temperature: temperature)
    let ranges = Shards.ranges(of: exchanges.count, tokens: exchanges.reduce(0) { $0 + $1.count })
    let tokens = try workers.map(ranges.count) { comparison.compare(Array(exchanges[ranges[$0]])) }
      .flatMap(\.self)
    return exchanges.indices.map { index in
      let ended = responses[index].ended
      return JudgedResponse(
        exchange: exchanges[index], ended: ended,
        gold: gold(exchanges[index], ended: ended), score: scores?[index],
        tokens: tokens[index],
        isGrammatical: promptSource == .world
          ? world.isGrammatical(
            prompt: words(exchanges[index].prompt), response: words(exchanges[index].response),
            ended: ended) : nil)
    }
  }

  /// How often the gold of `after` is above that of `before` on the same prompt, a tie counting
  /// half; nil where there is no gold.
  static func winRate(
    of after: [JudgedResponse], against before: [JudgedResponse]
  ) -> Proportion? {
    let pairs = zip(after, before).compactMap { after, before in
      after.gold.flatMap { gold in before.gold.map { (gold, $0) } }
    }
    guard !pairs.isEmpty else { return nil }
    let wins = pairs.reduce(0.0) { $0 + ($1.0 > $1.1 ? 1 : $1.0 == $1.1 ? 0.5 : 0) }
    return Proportion(successes: wins, of: pairs.count)
  }

  /// The text of an exchange's two sides.
  func text(_ exchange: Exchange) -> (prompt: String, response: String) {
    (tokenizer.decode(exchange.prompt), tokenizer.decode(exchange.response))
  }
}

extension AlignmentLoop {
  /// Responses of the reference and of the policy to the same prompts, each judged.
  ///
  /// - Parameter known: those of the reference, where they were judged before.
  package func compare(
    _ policy: LanguageModel, with reference: LanguageModel, reward: RewardModel?,
    known: [JudgedResponse]? = nil
  ) throws -> (before: [JudgedResponse], after: [JudgedResponse]) {
    try run(.evaluation, total: 2, unit: "policies") {
      let prompts = evaluationPrompts()
      let before =
        try known
        ?? judge(reference, reference: reference, reward: reward, prompts: prompts)
      try observer.advance(.evaluation, to: 1, metrics: nil)
      let after = try judge(
        policy, reference: reference, reward: reward, prompts: prompts)
      try observer.advance(.evaluation, to: 2, metrics: nil)
      return (before, after)
    }
  }

  /// The figures of an SFT policy by itself, on prompts of the world.
  func figures(of policy: LanguageModel) throws -> EvaluationSummary {
    try run(.evaluation, total: 1, unit: "policy") {
      let responses = try judge(
        policy, reference: policy, scorer: nil, prompts: evaluationPrompts())
      try observer.advance(.evaluation, to: 1, metrics: nil)
      return EvaluationSummary(sft: .init(responses))
    }
  }
}

extension EvaluationSummary {
  /// The final figures of a run.
  ///
  /// - Parameter scoredByModel: whether the score is the reward model's alone.
  package init(
    before: [JudgedResponse], after: [JudgedResponse], reward: RewardModel?, scoredByModel: Bool
  ) {
    self.init(
      sft: Policy(before), ppo: Policy(after),
      winRate: AlignmentLoop.winRate(of: after, against: before),
      reward: reward)
    judge(scoredByModel: scoredByModel)
  }
}

extension EvaluationSummary.Policy {
  init(_ responses: [JudgedResponse]) {
    func summary(_ value: (JudgedResponse) -> Double?) -> Summary? {
      let values = responses.compactMap(value)
      return values.isEmpty ? nil : Summary(values)
    }
    func fraction(_ isCounted: (JudgedResponse) -> Bool?) -> Double? {
      let outcomes = responses.compactMap(isCounted)
      guard !outcomes.isEmpty else { return nil }
      return Double(outcomes.count { $0 }) / Double(outcomes.count)
    }
    self.init(
      gold: summary(\.gold), score: summary(\.score), klExact: summary(\.exactKL),
      length: summary { Double($0.exchange.response.count) },
      entropy: summary(\.entropy), grammaticalFraction: fraction(\.isGrammatical),
      eosFraction: fraction(\.ended), memberAgreement: Self.memberAgreement(on: responses))
  }

  /// On every response and the next one to its prompt, if that is another.
  private static func memberAgreement(on responses: [JudgedResponse]) -> Double? {
    var last: [[Int32]: JudgedResponse] = [:]
    return preferenceAgreement(
      responses.compactMap { second in
        let first = last.updateValue(second, forKey: second.exchange.prompt)
        guard let first, first.exchange.response != second.exchange.response else { return nil }
        return zip(first.memberScores, second.memberScores).map(-)
      })
  }
}
