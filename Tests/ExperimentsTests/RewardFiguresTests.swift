import Foundation
import RLHF
import RunRecords
import Statistics
import TestSupport
import Testing

@testable import Experiments

@Suite("How well rewards agree with held-out judgements")
struct RewardFiguresTests {
  typealias Figures = EvaluationSummary.RewardModel

  /// Responses of the given lengths; their tokens do not matter.
  private func comparison(_ chosen: Int, _ rejected: Int) -> RankedResponses {
    RankedResponses(
      prompt: [1], chosen: Array(repeating: 2, count: chosen),
      rejected: Array(repeating: 2, count: rejected))
  }

  private func expect(
    _ found: Double?, _ expected: Double, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(
      abs((found ?? .nan) - expected) < .float64Solutions, sourceLocation: sourceLocation)
  }

  @Test("of hand-made rewards")
  func figures() {
    // Margins log 3, −log 3, 0 and log 9.
    let comparisons = [
      comparison(1, 2), comparison(3, 4), comparison(5, 5), comparison(6, 1),
    ]
    let rewards = [log(3.0), 0, 0, log(3.0), 1, 1, log(9.0), 0]
    let figures = Figures(comparisons, rewards: rewards)
    #expect(figures.accuracy == Proportion(successes: 2.5, of: 4))
    expect(figures.marginMean, log(9.0) / 4)
    // −log of 3/4, 1/4, 1/2 and 9/10
    expect(figures.loss, -(log(0.75) + log(0.25) + log(0.5) + log(0.9)) / 4)
    // Pairs 1 and 3 turned round: σ = 0.75 true, 0.75 false, 0.5 true, 0.1 false.
    expect(figures.ece, (abs(1 - 1.5) + 0.5 + 0.1) / 4)
  }

  @Test("the correlation of reward and length")
  func length() {
    let comparisons = [comparison(1, 2), comparison(3, 4)]
    expect(Figures(comparisons, rewards: [1, 2, 3, 4]).length?.correlation, 1)
    expect(Figures(comparisons, rewards: [4, 3, 2, 1]).length?.correlation, -1)
    expect(Figures(comparisons, rewards: [1, 1, 1, 1]).length?.correlation, 0)
  }

  @Test("margins against the judgement are left of 0 in the histogram, the others right of it")
  func margins() throws {
    let comparisons = (0..<4).map { _ in comparison(1, 1) }
    let histogram = try #require(
      Figures(comparisons, rewards: [0, 1, 3, 0, 0.5, 0, 2, 2]).marginHistogram)
    let edge = Int((-histogram.lower / histogram.width).rounded())
    #expect(histogram.counts[..<edge].reduce(0, +) == 1)
    #expect(histogram.counts[edge...].reduce(0, +) == 3)
  }

  @Test("the reliability curve counts each pair once, from sides that judgements do not choose")
  func reliability() throws {
    // σ(Δ) = 3/4 and true, σ(Δ) = 3/4 turned to 1/4 and false.
    let bins = try #require(
      Figures(
        [comparison(1, 1), comparison(1, 1)], rewards: [log(3.0), 0, log(3.0), 0]
      ).reliability)
    #expect(bins.map(\.observed.count) == [1, 1])
    #expect(bins.map(\.observed.value) == [0, 1])
    expect(bins[0].predicted, 0.25)
    expect(bins[1].predicted, 0.75)
  }

  @Test("a reward that only counts tokens is right on exactly half of the length-balanced pairs")
  func lengthBalanced() throws {
    // The longer is chosen five times of seven, by 2, 2, 2, 1, 3 tokens; the shorter by 2 and 1.
    let comparisons = [
      comparison(5, 3), comparison(4, 2), comparison(3, 1), comparison(2, 4), comparison(4, 4),
      comparison(3, 2), comparison(1, 2), comparison(6, 3),
    ]
    let counting = comparisons.flatMap { [Double($0.chosen.count), Double($0.rejected.count)] }
    let length = try #require(Figures(comparisons, rewards: counting).length)
    #expect(length.longerChosen == Proportion(successes: 5, of: 7))
    #expect(length.longerPreferred == Proportion(successes: 7, of: 7))
    // Included: the equal pair (a tie), one of each side by 2 and by 1.
    #expect(length.balancedAccuracy == Proportion(successes: 2.5, of: 5))
    // Pairs 0, 3, 4, 5 and 6 are included: a model wrong on the others is right on all of them.
    let wrong: Set = [1, 2, 7]
    let rewards: [Double] = comparisons.indices.flatMap { wrong.contains($0) ? [0, 1] : [1, 0] }
    #expect(
      Figures(comparisons, rewards: rewards).length?.balancedAccuracy
        == Proportion(successes: 5, of: 5))
    #expect(
      Figures(comparisons, rewards: rewards).length?.longerPreferred
        == Proportion(successes: 2, of: 7))
  }

  @Test("agreement with gold leaves out pairs of equal gold; ranks see order alone")
  func gold() {
    let comparisons = (0..<4).map { _ in comparison(1, 1) }
    let golds = [1.0, 0, 0, 2, 3, 3, 0, 1]
    // Right, right (the judgement was against gold), no matter, tie.
    let rewards = [5.0, 1, 1, 50, 200, 200, 2, 2]
    let figures = Figures(comparisons, rewards: rewards, golds: golds)
    #expect(figures.goldAgreement == Proportion(successes: 2.5, of: 3))
    expect(figures.goldCorrelation, Statistics.correlation(rewards, golds))
    expect(figures.goldRankCorrelation, Statistics.rankCorrelation(rewards, golds))
    let without = Figures(comparisons, rewards: rewards)
    #expect(without.goldAgreement == nil && without.goldCorrelation == nil)
    #expect(without.goldRankCorrelation == nil && without.ceiling == nil)
  }

  @Test("each bin of difficulty has its own accuracy and ceiling, the hardest first")
  func difficulty() throws {
    // Differences of gold 9, 8, …, 0, of either sign; the model is right where they are above 4.
    let comparisons = (0..<10).map { _ in comparison(1, 1) }
    let ease = (0..<10).map { 9 - $0 }
    let probabilities = ease.map {
      $0.isMultiple(of: 2) ? 0.5 + Double($0) / 20 : 0.5 - Double($0) / 20
    }
    let golds: [Double] = ease.flatMap {
      $0.isMultiple(of: 2) ? [Double($0), 0] : [0, Double($0)]
    }
    let rewards: [Double] = ease.flatMap { $0 > 4 ? [1, 0] : [0, 1] }
    let figures = Figures(
      comparisons, rewards: rewards, probabilities: probabilities, golds: golds)
    let bins = try #require(figures.difficulty)
    #expect(bins.map(\.low) == [0, 2, 4, 6, 8])
    #expect(bins.map(\.high) == [1, 3, 5, 7, 9])
    #expect(bins.map(\.mean) == [0.5, 2.5, 4.5, 6.5, 8.5])
    #expect(bins.map(\.accuracy.value) == [0, 0, 0.5, 1, 1])
    for (bin, expected) in zip(bins, [0.525, 0.625, 0.725, 0.825, 0.925]) {
      expect(bin.ceiling, expected)
    }
    expect(figures.ceiling, 0.725)
    // Without gold the certainty of an ideal predictor orders them the same way.
    let certain = try #require(
      Figures(comparisons, rewards: rewards, probabilities: probabilities).difficulty)
    #expect(certain.map(\.accuracy) == bins.map(\.accuracy))
    expect(certain[4].high, 0.95)
    #expect(Figures(comparisons, rewards: rewards).difficulty == [])
  }

  @Test("pairs of equal difficulty share a bin")
  func equalDifficulty() {
    let comparisons = (0..<10).map { _ in comparison(1, 1) }
    let bins = Figures(
      comparisons, rewards: (0..<10).flatMap { _ in [1.0, 0] },
      probabilities: (0..<10).map { $0 < 7 ? 0.5 : 0.9 }
    ).difficulty
    #expect(bins?.map(\.accuracy.count) == [7, 3])
  }

  @Test("under label noise the stated probability stays away from 0 and 1")
  func labelNoise() {
    // σ = 3/4, so that P = 0.1 + 0.8 · 3/4 = 0.7; the second pair is turned round, to 0.3.
    let comparisons = (0..<2).map { _ in comparison(1, 1) }
    let rewards = [log(3.0), 0, log(3.0), 0]
    let choices = ChoiceProbability(labelNoise: 0.1)
    let figures = Figures(comparisons, rewards: rewards, choices: choices)
    expect(figures.loss, -log(0.7))
    expect(figures.ece, 0.3)
    #expect(figures.accuracy == Figures(comparisons, rewards: rewards).accuracy)
  }
}
