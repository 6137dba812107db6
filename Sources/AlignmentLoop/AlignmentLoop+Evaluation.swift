package import Evaluation
import PolicyOptimization
package import RewardModeling
import Tensors
import Tokenizers
package import Transformer
import Worlds

/// One response of a policy and what is known of it.
package struct JudgedResponse: Sendable {
  package let exchange: Exchange
  package let ended: Bool
  /// The true reward.
  package let gold: Double
  /// The normalised reward of the reward model.
  package let score: Double
  /// Σ_t KL(π ‖ ρ) over the states of the response, exact over the vocabulary, in nats.
  package let exactKL: Double
  /// Mean entropy of the policy per token, in nats.
  package let entropy: Double
  package let isGrammatical: Bool
}

extension AlignmentLoop {
  /// Prompts on which policies are compared: the same for every policy of a run.
  package func evaluationPrompts() -> [[Int32]] {
    prompts(generator.stream("evaluation prompts"), count: scenario.evaluation.responses)
  }

  /// Samples one response to each prompt and judges it by everything there is.
  package func judge(
    _ policy: LanguageModel, reference: LanguageModel, reward: RewardModel, prompts: [[Int32]]
  ) throws -> [JudgedResponse] {
    try Rollout.requireRoom(
      for: prompts, responseTokens: maximumTokens, in: policy, reference, reward.model)
    let temperature = scenario.ppo.temperature
    let responses = try sample(
      policy, prompts: prompts, generator.stream("evaluation"), temperature: temperature)
    let exchanges = zip(prompts, responses).map { Exchange(prompt: $0, response: $1.tokens) }
    let scores = try reward.scores(exchanges.map(reward.ended), workers: workers)
    let comparison = DistributionComparison(
      policy: policy, reference: reference, temperature: temperature)
    let ranges = Shards.ranges(of: exchanges.count, tokens: exchanges.reduce(0) { $0 + $1.count })
    let tokens = try workers.map(ranges.count) { comparison(Array(exchanges[ranges[$0]])) }
      .flatMap(\.self)
    return exchanges.indices.map { index in
      let ended = responses[index].ended
      return JudgedResponse(
        exchange: exchanges[index], ended: ended, gold: gold(exchanges[index], ended: ended),
        score: scores[index], exactKL: tokens[index].exactKL.reduce(0) { $0 + Double($1) },
        entropy: Summary(tokens[index].entropies.map(Double.init)).mean,
        isGrammatical: world.isGrammatical(
          prompt: words(exchanges[index].prompt), response: words(exchanges[index].response),
          ended: ended))
    }
  }

  /// How often the gold of the second is above that of the first on the same prompt; a tie is half.
  package static func winRate(
    of after: [JudgedResponse], against before: [JudgedResponse]
  ) -> Proportion {
    let wins = zip(after, before).reduce(0.0) {
      $0 + ($1.0.gold > $1.1.gold ? 1 : $1.0.gold == $1.1.gold ? 0.5 : 0)
    }
    return Proportion(successes: wins, of: min(after.count, before.count))
  }

  /// The text of an exchange's two sides.
  package func text(_ exchange: Exchange) -> (prompt: String, response: String) {
    (tokenizer.decode(exchange.prompt), tokenizer.decode(exchange.response))
  }
}
