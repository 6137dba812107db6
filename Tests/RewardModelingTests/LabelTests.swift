import Foundation
import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@testable import RLHF

@Suite("Labels of responses and of steps")
struct LabelTests {
  private let model: RewardModel

  init() throws { model = try TestRewardModel.make(deviation: 0.05) }

  private func trainer(
    _ change: (inout RewardConfiguration) -> Void = { _ in }
  ) -> RewardTrainer {
    var configuration = RewardConfiguration()
    configuration.objective = .binary
    configuration.optimizer.learningRate = 5e-3
    change(&configuration)
    return RewardTrainer(configuration, workers: Workers(count: 2))
  }

  /// Two steps and three, of which the last of the first response and the second of the other are wrong.
  private let solutions: [RankedResponses] = {
    var first = RankedResponses(prompt: [3, 4], responses: [[5, 6, 2, 7, 0]])
    (first.stepEnds, first.ratings) = ([2, 4], [1, 0])
    var second = RankedResponses(prompt: [8], responses: [[6, 2, 5, 2, 9, 0]])
    (second.stepEnds, second.ratings) = ([1, 3, 5], [1, 0, 1])
    return [first, second]
  }()

  @Test("the loss is −y log σ(r) − (1 − y) log σ(−r), weighted")
  func loss() {
    let tape = Tape(recording: true)
    let leaf = tape.leaf(Tensor([log(3), log(3), -200]))
    let loss = tape.binaryLoss(leaf, labels: [1, 0, 1], weights: [0.5, 0.25, 0.125])
    // σ(log 3) = 3/4; nothing overflows where σ is 0.
    let expected = -0.5 * log(0.75) - 0.25 * log(0.25) + 0.125 * 200
    #expect(abs(Double(loss.value[0]) - expected) < .float32Rounding * expected)
    let gradient = tape.gradients(of: loss, leaves: [leaf])[0].values.map(Double.init)
    for (found, expected) in zip(gradient, [0.5 * -0.25, 0.25 * 0.75, -0.125]) {
      #expect(abs(found - expected) < .float32Rounding)
    }
  }

  @Test("a pair is a desirable response and an undesirable one, half the weight each")
  func pairs() throws {
    let pair = TestRewardModel.comparisons(1)[0]
    #expect(pair.labelled.map(\.ratings) == [[1], [0]])
    #expect(pair.labelled.map(\.responses) == pair.responses.map { [$0] })
    let together = try trainer().gradients(of: model.model, on: [pair])
    let apart = try trainer().gradients(of: model.model, on: pair.labelled)
    #expect(abs(together.loss - apart.loss) < .decoderRounding)
    let rewards = try model.rewards(pair.exchanges, workers: Workers(count: 1))
    #expect(
      abs(together.loss - (softplus(-rewards[0]) + softplus(rewards[1])) / 2) < .decoderRounding)
    let right = [rewards[0] > 0, rewards[1] < 0].count { $0 }
    #expect(together.accuracy == Double(right) / 2 && apart.accuracy == together.accuracy)
    // A ranking does not say which of its responses are good.
    #expect(TestRewardModel.rankings(2)[1].ratings?.count == 3)
    var ranking = TestRewardModel.rankings(2)[1]
    ranking.ratings = nil
    #expect(ranking.labels.isEmpty && ranking.labelled.isEmpty)
  }

  @Test("steps are read at their last tokens, each response with the same weight")
  func steps() throws {
    // The head reads them all in one pass, and a causal model does not see what follows.
    let prefixes = solutions.flatMap(\.stepExchanges)
    #expect(prefixes.map(\.response.count) == [3, 5, 2, 4, 6])
    let rewards = try model.rewards(prefixes, workers: Workers(count: 1))
    let result = try trainer { $0.reading = .steps }.gradients(of: model.model, on: solutions)
    let first = (softplus(-rewards[0]) + softplus(rewards[1])) / 2
    let second = (softplus(-rewards[2]) + softplus(rewards[3]) + softplus(-rewards[4])) / 3
    #expect(abs(result.loss - (first + second) / 2) < .decoderRounding)
    let signs: [Double] = [1, -1, 1, -1, 1]
    let right = zip(rewards, signs).count { $0 * $1 > 0 }
    #expect(result.accuracy == Double(right) / 5)
    #expect(right > 0 && right < 5)
  }

  @Test("at the end, a response is right where all of its steps are")
  func outcome() throws {
    var right = solutions[1]
    right.ratings = [1, 1, 1]
    #expect(solutions[1].labels == [0] && right.labels == [1])
    let result = try trainer().gradients(of: model.model, on: [solutions[1], right])
    let reward = try model.rewards(right.exchanges, workers: Workers(count: 1))[0]
    #expect(abs(result.loss - (softplus(reward) + softplus(-reward)) / 2) < .decoderRounding)
  }

  @Test("a handful of labelled steps is learned by heart, right after wrong and wrong after right")
  func overfits() throws {
    let tokens = TestRewardModel.comparisons(4).flatMap(\.responses)
    let rows = tokens.enumerated().map { index, tokens in
      let first: [Int32] = [Int32(3 + index), 2]
      var row = RankedResponses(prompt: [3], responses: [first + tokens])
      row.stepEnds = [1, 1 + tokens.count]
      row.ratings = [Double(index % 2), Double(index / 2 % 2)]
      return row
    }
    let trainer = trainer {
      $0.reading = .steps
      $0.epochs = 150
    }
    var trained = model.model
    var steps: [StepMetrics] = []
    try trainer.train(
      &trained, on: rows, using: SeededGenerator(seed: 1), evaluate: { _, _ in },
      report: { steps.append($0) })
    #expect(try #require(steps.last?["reward/loss"]) < 0.05)
    #expect(steps.last?["reward/accuracy"] == 1)
    let learned = RewardModel(model: trained, specialTokens: model.specialTokens)
    for row in rows {
      let rewards = try learned.rewards(row.stepExchanges, workers: Workers(count: 1))
      #expect(rewards.map { $0 > 0 ? 1.0 : 0 } == row.ratings)
    }
  }

  @Test(
    "rows without labelled steps are refused where steps are read, and ratings that are no labels")
  func refused() throws {
    let pair = TestRewardModel.comparisons(1)[0]
    func refusal(_ reading: RewardReading, _ rows: [RankedResponses]) throws -> String {
      let configuration = trainer { $0.reading = reading }.configuration
      return try
        "\(#require(throws: RewardModelingError.self) { try configuration.elements(of: rows) })"
    }
    #expect(
      try refusal(.steps, solutions + [pair]).contains("reward.read: 1 of 3 training rows do not"))
    var rated = pair
    rated.ratings = [0.5, 1]
    #expect(try refusal(.end, [pair, rated]).contains("reward.objective: 1 of 2 training rows"))
  }

  @Test("are judged like pairs whose other side is 0, with the area under the curve")
  func evaluation() throws {
    let rewards = [2.0, -1, 0, -3, 1]
    let labels = [true, true, false, false, false]
    let evaluation = LabelEvaluation(rewards: rewards, labels: labels)
    #expect(evaluation.accuracy == Proportion(successes: 2.5, of: 5))
    // Of six pairs of a desirable and another response, 2 is above all three, −1 above one.
    #expect(evaluation.areaUnderCurve == 4.0 / 6)
    let losses = [softplus(-2), softplus(1), softplus(0), softplus(-3), softplus(1)]
    #expect(abs(evaluation.loss - losses.reduce(0, +) / 5) < .float64Rounding)
    #expect(LabelEvaluation(rewards: [1, 2], labels: [true, true]).areaUnderCurve == nil)
  }
}
