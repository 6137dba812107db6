import Foundation
import Numerics
import Statistics
import TestSupport
import Testing

@testable import RLHF

/// The production loss, tape, batching and optimizer with a table in the place of the decoder: what
/// is learned can then be compared with the exact solution.
///
/// The parameters are Float32. A reward of size 2 is then known to 1.2·10⁻⁷, which moves the mean
/// gradient by less than 10⁻⁷: so 10⁻⁶ is within reach, and the rewards themselves to about 10⁻⁵.
@Suite("A table of rewards trained by the production loss")
struct TabularRewardTests {
  /// Trains on all pairs at every step, with a rate that falls to a millionth.
  ///
  /// - Parameter shards: pairs of (chosen, rejected) with the weight of each in the loss.
  func train(
    items: Int, shards: [(pairs: [(Int32, Int32)], weight: Double)], centering: Double = 0
  ) throws -> [Double] {
    var parameters = ParameterSet()
    let table = parameters.append("rewards", Tensor(zeros: [items, 1]))
    var options = AdamW.Options()
    options.clipNorm = .infinity
    var optimizer = AdamW(options, for: parameters)
    let workers = Workers(count: 1)
    let steps = 4_000
    for step in 0..<steps {
      let current = parameters
      let (gradients, _) = try workers.gradients(
        of: current, shards: shards.count
      ) { shard, tape in
        let (pairs, weight) = shards[shard]
        let rewards = tape.gather(
          pairs.flatMap { [$0.0, $0.1] }, from: tape.parameter(table, of: current))
        let loss = tape.pairwiseLoss(
          tape.flatten(rewards), margins: pairs.map { _ in 0 }, centering: centering,
          weight: weight)
        return (loss, ())
      }
      let rate = 0.1 * pow(1e-5, Double(step) / Double(steps))
      try optimizer.step(&parameters, gradients: gradients, rate: rate, workers: workers)
    }
    return parameters.tensors[table].values.map(Double.init)
  }

  /// Differences from the mean of the items: what comparisons can say.
  private func centered(_ values: some Collection<Double>) -> [Double] {
    let mean = values.reduce(0, +) / Double(values.count)
    return values.map { $0 - mean }
  }

  private func norm(_ values: [Double]) -> Double {
    values.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  @Test("reaches the maximum-likelihood solution up to a constant per prompt")
  func maximumLikelihood() throws {
    // Two prompts of four and three responses; every response is beaten and beats.
    let first: [(Int32, Int32, Int)] = [
      (0, 1, 7), (1, 0, 2), (1, 2, 5), (2, 1, 4), (2, 3, 6), (3, 2, 1), (0, 3, 9), (3, 0, 1),
    ]
    let second: [(Int32, Int32, Int)] = [(4, 5, 8), (5, 4, 1), (5, 6, 3), (6, 4, 2), (4, 6, 2)]
    let rows = (first + second).flatMap { Array(repeating: ($0.0, $0.1), count: $0.2) }
    let shards = stride(from: 0, to: rows.count, by: 10).map { start in
      (pairs: Array(rows[start..<min(start + 10, rows.count)]), weight: 1 / Double(rows.count))
    }
    let rewards = try train(items: 7, shards: shards)
    let judged = rows.map {
      BradleyTerry.Outcome(
        winner: Int($0.0), loser: Int($0.1), weight: 1 / Double(rows.count))
    }
    #expect(norm(BradleyTerry.gradient(of: rewards, judged)) < .float32Rounding)

    let exactFirst = try BradleyTerry.fit(items: 4, judged.filter { $0.winner < 4 })
    let exactSecond = try BradleyTerry.fit(
      items: 3,
      judged.filter { $0.winner >= 4 }.map {
        BradleyTerry.Outcome(winner: $0.winner - 4, loser: $0.loser - 4, weight: $0.weight)
      })
    #expect(largestDifference(centered(rewards[..<4]), exactFirst) < .trainingRounding)
    #expect(largestDifference(centered(rewards[4...]), exactSecond) < .trainingRounding)
  }

  @Test("with unlimited judgements by gold, the rewards are gold up to a constant per prompt")
  func population() throws {
    let gold = [1.5, -0.5, 0.25, -2, 0.75, 2.25, -1]
    let prompts = [0..<4, 4..<7]
    var judged: [BradleyTerry.Outcome] = []
    for prompt in prompts {
      for i in prompt {
        for j in prompt where i != j {
          judged.append(.init(winner: i, loser: j, weight: Statistics.sigmoid(gold[i] - gold[j])))
        }
      }
    }
    let rewards = try train(items: 7, shards: shards(of: judged))
    for prompt in prompts {
      #expect(
        largestDifference(centered(rewards[prompt]), centered(gold[prompt])) < .trainingRounding)
    }
  }

  @Test(
    "with unlimited judgements and label noise rate ε, the margin is logit(ε + (1 − 2ε) σ(Δ))",
    arguments: [0, 0.1, 0.3])
  func flips(rate: Double) throws {
    let differences = [-2.5, -0.5, 0, 0.25, 1, 3]
    let judged = differences.enumerated().flatMap { prompt, difference in
      let probability = rate + (1 - 2 * rate) * Statistics.sigmoid(difference)
      return [
        BradleyTerry.Outcome(winner: 2 * prompt, loser: 2 * prompt + 1, weight: probability),
        BradleyTerry.Outcome(winner: 2 * prompt + 1, loser: 2 * prompt, weight: 1 - probability),
      ]
    }
    let rewards = try train(items: 2 * differences.count, shards: shards(of: judged))
    for (prompt, difference) in differences.enumerated() {
      let probability = rate + (1 - 2 * rate) * Statistics.sigmoid(difference)
      let margin = rewards[2 * prompt] - rewards[2 * prompt + 1]
      #expect(abs(margin - log(probability / (1 - probability))) < .trainingRounding)
    }
  }

  @Test("centering fixes the constant: the rewards of a pair then sum to 0")
  func centering() throws {
    let rewards = try train(
      items: 2, shards: [([(0, 1), (0, 1), (0, 1), (1, 0)], 0.25)], centering: 0.01)
    #expect(abs(rewards[0] + rewards[1]) < .trainingRounding)
    #expect(abs(rewards[0] - rewards[1] - log(3)) < .trainingRounding)
  }

  /// A shard per judgement, as each has a weight of its own.
  private func shards(
    of judged: [BradleyTerry.Outcome]
  ) -> [(pairs: [(Int32, Int32)], weight: Double)] {
    let total = judged.reduce(0) { $0 + $1.weight }
    return judged.map { ([(Int32($0.winner), Int32($0.loser))], $0.weight / total) }
  }
}
