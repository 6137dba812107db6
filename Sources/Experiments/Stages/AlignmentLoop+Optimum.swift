import Foundation
package import LanguageModels
import Numerics
import Oracles
package import RLHF
package import RunRecords
import Worlds

extension AlignmentLoop {
  /// Responses to list, over all prompts: a few seconds' work for small models.
  static let largestEnumeration = 400_000

  /// The learned policy against the optimum π* ∝ π_ref exp(score / β) of what PPO maximises, computed in
  /// Float64 over every response to the prompts on which policies are compared.
  ///
  /// - Returns: nil where the responses are too many to list, or there is no fixed β above 0 and so
  ///   no one optimum.
  package func compareWithOptimum(
    _ policy: LanguageModel, reference: LanguageModel, reward: RewardModel?
  ) throws -> EvaluationSummary.Exact? {
    let kl = scenario.ppo.kl
    let vocabulary = policy.configuration.vocabularySize
    guard kl.coefficient > 0, kl.controller == .fixed,
      let count = SequenceSpace.sequenceCount(
        vocabularySize: vocabulary, maximumTokens: maximumTokens, limit: Self.largestEnumeration)
    else { return nil }
    let prompts = Self.shares(of: evaluationPrompts())
    guard count * prompts.count <= Self.largestEnumeration else { return nil }
    let space = SequenceSpace(
      vocabularySize: vocabulary, endOfSequence: tokenizer.endOfSequence,
      maximumTokens: maximumTokens)
    let scorer = try evaluationScorer(reward)
    return try run(.exactOptimum, total: prompts.count, unit: "prompts") {
      let comparisons = try prompts.enumerated().map { index, prompt in
        let comparison = try compare(
          policy, reference, scorer, in: space, after: prompt.tokens, weight: prompt.share)
        try observer.advance(.exactOptimum, to: index + 1, metrics: nil)
        return comparison
      }
      return summary(of: comparisons, in: space)
    }
  }

  /// Different prompts with their shares, the most frequent first.
  private static func shares(of prompts: [[Int32]]) -> [(tokens: [Int32], share: Double)] {
    let counts = Dictionary(prompts.map { ($0, 1) }, uniquingKeysWith: +)
    return counts.map { (tokens: $0.key, share: Double($0.value) / Double(prompts.count)) }
      .sorted {
        $0.share == $1.share
          ? $0.tokens.lexicographicallyPrecedes($1.tokens) : $0.share > $1.share
      }
  }

  private func compare(
    _ policy: LanguageModel, _ reference: LanguageModel, _ scorer: RewardScorer,
    in space: SequenceSpace, after prompt: [Int32], weight: Double
  ) throws -> PromptComparison {
    let settings = scenario.ppo
    func table(_ model: LanguageModel) throws -> TabularPolicy {
      try TabularPolicy(
        of: model, after: prompt, in: space, temperature: settings.temperature, workers: workers)
    }
    let exchanges = space.exchanges(after: prompt)
    let scores = try scorer.scores(of: exchanges)
    let objective = RegularizedObjective(
      reference: try table(reference),
      rewards: zip(scores, space.sequences).map {
        settings.finalScore($0, ended: $1.isEnded)
      }, coefficient: settings.kl.coefficient)
    let golds = zip(exchanges, space.sequences).compactMap { gold($0, ended: $1.isEnded) }
    return PromptComparison(
      prompt: prompt, weight: weight, objective: objective, policy: try table(policy),
      optimum: objective.optimum,
      golds: golds.isEmpty ? nil : golds)
  }

  private func summary(
    of comparisons: [PromptComparison], in space: SequenceSpace
  ) -> EvaluationSummary.Exact {
    let beta = scenario.ppo.kl.coefficient
    let frontier = RewardFrontier(
      comparisons.map {
        RewardFrontier.Part(
          reference: $0.objective.reference, rewards: $0.objective.rewards, weight: $0.weight)
      })
    let policy = PromptComparison.figures(of: comparisons, \.policy)
    return EvaluationSummary.Exact(
      coefficient: beta, prompts: comparisons.count, responses: space.sequences.count,
      reference: PromptComparison.figures(of: comparisons, \.objective.reference), policy: policy,
      optimum: PromptComparison.figures(of: comparisons, \.optimum),
      klFromOptimum: comparisons.reduce(0) {
        $0 + $1.weight * $1.policy.divergenceByStates(from: $1.optimum)
      },
      scoreCeiling: frontier.highestReward(atDivergence: policy.kl),
      // From 32 β, where hardly anything is worth leaving the reference for, down to β / 4.
      frontier: (-10...4).map { step in
        let point = frontier.point(coefficient: beta * pow(2, -Double(step) / 2))
        return .init(
          coefficient: point.coefficient, kl: point.divergence, score: point.reward)
      },
      likeliest: comparisons.prefix(3).flatMap { likeliest($0, count: 6) })
  }

  private func likeliest(
    _ comparison: PromptComparison, count: Int
  ) -> [EvaluationSummary.Exact.Response] {
    let sequences = comparison.policy.space.sequences
    let reference = comparison.objective.reference.sequenceProbabilities
    let (policy, optimum) = (
      comparison.policy.sequenceProbabilities, comparison.optimum.sequenceProbabilities
    )
    let order = sequences.indices.sorted { (optimum[$1], $0) < (optimum[$0], $1) }
    return order.prefix(count).map { index in
      let texts = text(Exchange(prompt: comparison.prompt, response: sequences[index].tokens))
      return .init(
        prompt: texts.prompt, response: texts.response + (sequences[index].isEnded ? "" : " …"),
        reference: reference[index], policy: policy[index], optimum: optimum[index],
        score: comparison.objective.rewards[index], gold: comparison.golds?[index])
    }
  }
}

/// Three policies after one prompt.
private struct PromptComparison {
  let prompt: [Int32]
  /// The prompt's share of all.
  let weight: Double
  let objective: RegularizedObjective
  let policy: TabularPolicy
  let optimum: TabularPolicy
  /// The gold reward of every response.
  let golds: [Double]?

  /// Means over the prompts of the exact figures of one of the policies.
  static func figures(
    of comparisons: [PromptComparison], _ policy: (PromptComparison) -> TabularPolicy
  ) -> EvaluationSummary.Exact.Policy {
    func mean(_ value: (PromptComparison, TabularPolicy) -> Double) -> Double {
      comparisons.reduce(0) { $0 + $1.weight * value($1, policy($1)) }
    }
    let knowsGold = comparisons.allSatisfy { $0.golds != nil }
    return .init(
      objective: mean { $0.objective.value(of: $1) },
      score: mean { $1.expectation(of: $0.objective.rewards) },
      gold: knowsGold ? mean { $1.expectation(of: $0.golds ?? []) } : nil,
      kl: mean { $1.divergenceByStates(from: $0.objective.reference) })
  }
}
