import Foundation
import Statistics
import TestSupport
import Testing

@testable import RLHF

@Suite("How well rewards agree with held-out judgements")
struct RewardEvaluationTests {
  /// Responses of the given lengths; their tokens do not matter.
  private func comparison(_ chosen: Int, _ rejected: Int) -> RankedResponses {
    RankedResponses(
      prompt: [1], chosen: Array(repeating: 2, count: chosen),
      rejected: Array(repeating: 2, count: rejected))
  }

  private func expect(
    _ found: Double, _ expected: Double, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(abs(found - expected) < .float64Solutions, sourceLocation: sourceLocation)
  }

  @Test("of hand-made rewards")
  func figures() {
    // Margins log 3, −log 3, 0 and log 9.
    let comparisons = [
      comparison(1, 2), comparison(3, 4), comparison(5, 5), comparison(6, 1),
    ]
    let rewards = [log(3.0), 0, 0, log(3.0), 1, 1, log(9.0), 0]
    let evaluation = RewardEvaluation(comparisons, rewards: rewards)
    expect(evaluation.accuracy.value, 2.5 / 4)
    #expect(evaluation.accuracy.count == 4)
    expect(evaluation.meanMargin, log(9.0) / 4)
    // −log of 3/4, 1/4, 1/2 and 9/10
    expect(evaluation.loss, -(log(0.75) + log(0.25) + log(0.5) + log(0.9)) / 4)
    // Pairs 1 and 3 turned round: σ = 0.75 true, 0.75 false, 0.5 true, 0.1 false.
    expect(evaluation.calibrationError, (abs(1 - 1.5) + 0.5 + 0.1) / 4)
  }

  @Test("the correlation of reward and length")
  func length() {
    let comparisons = [comparison(1, 2), comparison(3, 4)]
    expect(RewardEvaluation(comparisons, rewards: [1, 2, 3, 4]).lengthCorrelation, 1)
    expect(RewardEvaluation(comparisons, rewards: [4, 3, 2, 1]).lengthCorrelation, -1)
    expect(RewardEvaluation(comparisons, rewards: [1, 1, 1, 1]).lengthCorrelation, 0)
  }

  @Test("margins against the judgement are left of 0 in the histogram, the others right of it")
  func margins() {
    let comparisons = (0..<4).map { _ in comparison(1, 1) }
    let histogram = RewardEvaluation(comparisons, rewards: [0, 1, 3, 0, 0.5, 0, 2, 2]).margins
    let edge = Int((-histogram.lower / histogram.width).rounded())
    #expect(histogram.counts[..<edge].reduce(0, +) == 1)
    #expect(histogram.counts[edge...].reduce(0, +) == 3)
  }

  @Test("the reliability curve counts each pair once, from sides that judgements do not choose")
  func reliability() {
    // σ(Δ) = 3/4 and true, σ(Δ) = 3/4 turned to 1/4 and false.
    let curve = RewardEvaluation(
      [comparison(1, 1), comparison(1, 1)], rewards: [log(3.0), 0, log(3.0), 0]
    ).reliability
    #expect(curve.bins.map(\.observed.count) == [1, 1])
    #expect(curve.bins.map(\.observed.value) == [0, 1])
    expect(curve.bins[0].predicted, 0.25)
    expect(curve.bins[1].predicted, 0.75)
  }

  @Test("a reward that only counts tokens is right on exactly half of the length-balanced pairs")
  func lengthBalanced() {
    // The longer is chosen five times of seven, by 2, 2, 2, 1, 3 tokens; the shorter by 2 and 1.
    let comparisons = [
      comparison(5, 3), comparison(4, 2), comparison(3, 1), comparison(2, 4), comparison(4, 4),
      comparison(3, 2), comparison(1, 2), comparison(6, 3),
    ]
    let counting = comparisons.flatMap { [Double($0.chosen.count), Double($0.rejected.count)] }
    let length = RewardEvaluation(comparisons, rewards: counting).length
    #expect(length.longerChosen == Proportion(successes: 5, of: 7))
    #expect(length.longerPreferred == Proportion(successes: 7, of: 7))
    // Included: the equal pair (a tie), one of each side by 2 and by 1.
    #expect(length.balancedAccuracy == Proportion(successes: 2.5, of: 5))
    // Pairs 0, 3, 4, 5 and 6 are included: a model wrong on the others is right on all of them.
    let wrong: Set = [1, 2, 7]
    let rewards: [Double] = comparisons.indices.flatMap { wrong.contains($0) ? [0, 1] : [1, 0] }
    #expect(
      RewardEvaluation(comparisons, rewards: rewards).length.balancedAccuracy
        == Proportion(successes: 5, of: 5))
    #expect(
      RewardEvaluation(comparisons, rewards: rewards).length.longerPreferred
        == Proportion(successes: 2, of: 7))
  }

  @Test("agreement with gold leaves out pairs of equal gold; ranks see order alone")
  func gold() throws {
    let comparisons = (0..<4).map { _ in comparison(1, 1) }
    let golds = [(1.0, 0.0), (0, 2), (3, 3), (0, 1)].map {
      PairGold(chosen: $0.0, rejected: $0.1)
    }
    // Right, right (the judgement was against gold), no matter, tie.
    let rewards = [5.0, 1, 1, 50, 200, 200, 2, 2]
    let gold = try #require(
      RewardEvaluation(comparisons, rewards: rewards, golds: golds).gold)
    #expect(gold.agreement == Proportion(successes: 2.5, of: 3))
    let values: [Double] = golds.flatMap { [$0.chosen ?? 0, $0.rejected ?? 0] }
    expect(gold.correlation, Statistics.correlation(rewards, values))
    expect(gold.rankCorrelation, Statistics.rankCorrelation(rewards, values))
    var partial = golds
    partial[2].chosen = nil
    #expect(RewardEvaluation(comparisons, rewards: rewards, golds: partial).gold == nil)
    #expect(RewardEvaluation(comparisons, rewards: rewards).gold == nil)
  }

  @Test("each bin of difficulty has its own accuracy and ceiling, the hardest first")
  func difficulty() {
    // Differences of gold 9, 8, …, 0, of either sign; the model is right where they are above 4.
    let comparisons = (0..<10).map { _ in comparison(1, 1) }
    let ease = (0..<10).map { 9 - $0 }
    let golds = ease.map {
      PairGold(
        probability: $0.isMultiple(of: 2) ? 0.5 + Double($0) / 20 : 0.5 - Double($0) / 20,
        chosen: $0.isMultiple(of: 2) ? Double($0) : 0,
        rejected: $0.isMultiple(of: 2) ? 0 : Double($0))
    }
    let rewards: [Double] = ease.flatMap { $0 > 4 ? [1, 0] : [0, 1] }
    let evaluation = RewardEvaluation(comparisons, rewards: rewards, golds: golds)
    #expect(evaluation.difficulty.map(\.low) == [0, 2, 4, 6, 8])
    #expect(evaluation.difficulty.map(\.high) == [1, 3, 5, 7, 9])
    #expect(evaluation.difficulty.map(\.mean) == [0.5, 2.5, 4.5, 6.5, 8.5])
    #expect(evaluation.difficulty.map(\.accuracy.value) == [0, 0, 0.5, 1, 1])
    for (bin, expected) in zip(evaluation.difficulty, [0.525, 0.625, 0.725, 0.825, 0.925]) {
      expect(bin.ceiling ?? 0, expected)
    }
    expect(evaluation.ceiling ?? 0, 0.725)
    // Without gold the certainty of an ideal predictor orders them the same way.
    let certain = RewardEvaluation(
      comparisons, rewards: rewards,
      golds: golds.map { PairGold(probability: $0.probability) })
    #expect(certain.difficulty.map(\.accuracy) == evaluation.difficulty.map(\.accuracy))
    expect(certain.difficulty[4].high, 0.95)
    #expect(RewardEvaluation(comparisons, rewards: rewards).difficulty.isEmpty)
    #expect(RewardEvaluation(comparisons, rewards: rewards).ceiling == nil)
    var unsure = golds
    unsure[0].probability = nil
    #expect(RewardEvaluation(comparisons, rewards: rewards, golds: unsure).ceiling == nil)
  }

  @Test("pairs of equal difficulty share a bin")
  func equalDifficulty() {
    let comparisons = (0..<10).map { _ in comparison(1, 1) }
    let golds = (0..<10).map { PairGold(probability: $0 < 7 ? 0.5 : 0.9) }
    let bins = RewardEvaluation(
      comparisons, rewards: (0..<10).flatMap { _ in [1.0, 0] }, golds: golds
    ).difficulty
    #expect(bins.map(\.accuracy.count) == [7, 3])
  }
}
