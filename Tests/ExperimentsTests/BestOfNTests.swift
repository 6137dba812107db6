import Foundation
import RunRecords
import Statistics
import TestSupport
import Testing

@testable import Experiments

@Suite struct BestOfNTests {
  @Test("weights are those of listing every choice of n")
  func weights() {
    let total = 6
    for n in 1...total {
      var counts = Array(repeating: 0.0, count: total)
      let choices = (0..<1 << total).filter { $0.nonzeroBitCount == n }
      for choice in choices { counts[Int.bitWidth - 1 - choice.leadingZeroBitCount] += 1 }
      let weights = AlignmentLoop.bestOfWeights(n, of: total)
      for index in 0..<total {
        #expect(abs(weights[index] - counts[index] / Double(choices.count)) < .float64Rounding)
      }
    }
    #expect(abs(AlignmentLoop.bestOfWeights(700, of: 4_096).reduce(0, +) - 1) < .float64Solutions)
  }

  @Test("more to choose from has a higher score, from the same first sample on")
  func rises() throws {
    let loop = try makeLoop()
    let policy = try loop.trainPolicy()
    let (training, heldOut, _) = try loop.comparePreferences(of: policy)
    let reward = try loop.trainReward(from: policy, training: training, heldOut: heldOut).model
    let points = try #require(try loop.bestOfN(policy, reward: reward))
    #expect(points.map(\.n) == [1, 2, 4, 8, 16])
    #expect(zip(points, points.dropFirst()).allSatisfy { $0.score.mean < $1.score.mean })
    #expect(points[0].kl == 0 && abs(points[1].kl - (log(2) - 0.5)) < .float64Rounding)
    #expect(points.allSatisfy { $0.gold != nil })
    #expect(try makeLoop(["evaluation.best_of=1"]).bestOfN(policy, reward: reward) == nil)

    var summary = EvaluationSummary(bestOfN: points)
    let between = try #require(summary.bestOfN(atKL: (points[1].kl + points[2].kl) / 2))
    #expect(abs(between.n - 3) < .float64Solutions)
    #expect(
      abs(between.score - (points[1].score.mean + points[2].score.mean) / 2) < .float64Solutions)
    #expect(summary.bestOfN(atKL: 99) == nil)
    summary.bestOfN = nil
    #expect(summary.bestOfN(atKL: 0) == nil)
  }
}
