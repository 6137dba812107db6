import Foundation
import Numerics
import Statistics
import TestSupport
import Testing

@testable import Oracles

@Suite struct BestOfNTests {
  let space = SequenceSpace(vocabularySize: 3, endOfSequence: 0, maximumTokens: 2)

  @Test("the distribution is that of all n-tuples, ties shared", arguments: [1, 2, 3])
  func tuples(n: Int) {
    var generator = SeededGenerator(seed: 10)
    let policy = generator.policy(space)
    // Seven responses, with two ties and a unique best.
    let rewards = [0.5, -1, 0.5, 2, -1, 0.5, 0]
    let probabilities = policy.sequenceProbabilities
    var expected = Array(repeating: 0.0, count: rewards.count)
    func add(_ drawn: [Int], _ probability: Double) {
      guard drawn.count == n else {
        for next in rewards.indices { add(drawn + [next], probability * probabilities[next]) }
        return
      }
      let best = drawn.map { rewards[$0] }.max() ?? 0
      let winners = drawn.filter { rewards[$0] == best }
      for winner in winners { expected[winner] += probability / Double(winners.count) }
    }
    add([], 1)
    let exact = BestOfN.distribution(of: policy, rewards: rewards, n: n)
    #expect(isClose(exact.probabilities, expected, within: .float64Rounding))
  }

  @Test("log n − (n − 1)/n bounds the divergence, closely without ties and loosely with them")
  func bound() {
    var generator = SeededGenerator(seed: 11)
    let space = SequenceSpace(vocabularySize: 8, endOfSequence: 0, maximumTokens: 4)
    let policy = generator.policy(space, sharpness: 0.3)
    let reference = SequenceDistribution(policy.sequenceProbabilities)
    let rewards = generator.rewards(space)
    for n in [1, 2, 4, 8, 16] {
      let bound = BestOfN.divergenceBound(n: n)
      let free = BestOfN.distribution(of: policy, rewards: rewards, n: n)
      #expect(abs(free.probabilities.reduce(0, +) - 1) < .float64Rounding)
      let divergence = free.divergence(from: reference)
      #expect(divergence <= bound + .float64Rounding)
      #expect(divergence > 0.8 * bound - .float64Rounding, "n = \(n): \(divergence) of \(bound)")
      let tied = BestOfN.distribution(of: policy, rewards: rewards.map { $0 > 0 ? 1 : 0 }, n: n)
      let tiedDivergence = tied.divergence(from: reference)
      #expect(tiedDivergence <= bound + .float64Rounding)
      #expect(n == 1 || tiedDivergence < 0.95 * bound)
    }
  }
}
