import Foundation
package import LanguageModels
import Numerics
package import RLHF
package import RunRecords
import Statistics

extension AlignmentLoop {
  /// Prompts over which best-of-n is averaged.
  private static let bestOfNPrompts = 256

  /// What the best of n responses by the score of evaluations earns, for n = 1, 2, 4, … up to
  /// `evaluation.best_of`.
  ///
  /// All n share one set of N responses to each prompt: the i-th worst of them is the best of n drawn
  /// without replacement with probability C(i − 1, n − 1) / C(N, n), so that every figure is an
  /// unbiased mean over all choices of n (Nakano et al. 2021, appendix I).
  ///
  /// - Returns: nil when `evaluation.best_of` is 1.
  package func bestOfN(
    _ policy: LanguageModel, reward: RewardModel?
  ) throws -> [EvaluationSummary.BestOfN]? {
    let largest = scenario.evaluation.bestOf
    guard largest > 1 else { return nil }
    let prompts = Array(evaluationPrompts().prefix(Self.bestOfNPrompts))
    let scorer = try evaluationScorer(reward)
    return try run(.bestOfN, total: prompts.count, unit: "prompts") {
      var judged: [(score: Double, gold: Double?)] = []
      // A few prompts at a time, so that the person sees it go on.
      for start in stride(from: 0, to: prompts.count, by: 32) {
        let some = Array(prompts[start..<min(prompts.count, start + 32)])
        judged += try judge(
          some, each: largest, policy, scorer, generator.stream("best of n", start))
        try observer.advance(.bestOfN, to: start + some.count, metrics: nil)
      }
      return sequence(first: 1) { 2 * $0 }.prefix { $0 <= largest }.map {
        Self.figures(of: judged, in: largest, bestOf: $0)
      }
    }
  }

  private func judge(
    _ prompts: [[Int32]], each count: Int, _ policy: LanguageModel, _ scorer: RewardScorer,
    _ stream: SeededGenerator
  ) throws -> [(score: Double, gold: Double?)] {
    let repeated = prompts.flatMap { Array(repeating: $0, count: count) }
    let responses = try sample(
      policy, prompts: repeated, stream, temperature: scenario.ppo.temperature)
    let exchanges = zip(repeated, responses).map { Exchange(prompt: $0, response: $1.tokens) }
    let scores = try scorer.scores(of: exchanges)
    return exchanges.indices.map { index in
      (scores[index], gold(exchanges[index], ended: responses[index].ended))
    }
  }

  /// - Parameter judged: `total` responses to each prompt, prompt after prompt.
  private static func figures(
    of judged: [(score: Double, gold: Double?)], in total: Int, bestOf n: Int
  ) -> EvaluationSummary.BestOfN {
    let weights = bestOfWeights(n, of: total)
    var (scores, golds): ([Double], [Double]) = ([], [])
    for start in stride(from: 0, to: judged.count, by: total) {
      let group = judged[start..<start + total].sorted { $0.score < $1.score }
      scores.append(zip(weights, group).reduce(0) { $0 + $1.0 * $1.1.score })
      golds.append(zip(weights, group).reduce(0) { $0 + $1.0 * ($1.1.gold ?? 0) })
    }
    return EvaluationSummary.BestOfN(
      n: n, kl: log(Double(n)) - Double(n - 1) / Double(n), score: Summary(scores),
      gold: judged.contains { $0.gold == nil } ? nil : Summary(golds))
  }

  /// C(i − 1, n − 1) / C(N, n) for i = 1 … N: how probably the i-th worst of N is the best of n.
  static func bestOfWeights(_ n: Int, of total: Int) -> [Double] {
    var weights = Array(repeating: 0.0, count: total)
    // From the best down: it is among the n with probability n / N; each next by the quotient of
    // two neighbours, which stays in range where the binomials do not.
    var weight = Double(n) / Double(total)
    for index in stride(from: total, through: n, by: -1) {
      weights[index - 1] = weight
      weight *= Double(index - n) / Double(max(1, index - 1))
    }
    return weights
  }
}
