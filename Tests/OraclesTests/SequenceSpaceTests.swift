import Foundation
import Numerics
import Statistics
import TestSupport
import Testing

@testable import Oracles

@Suite struct SequenceSpaceTests {
  @Test("a space lists every response once, ended or cut off, and no other")
  func complete() {
    for (vocabulary, length) in [(1, 1), (1, 3), (2, 1), (3, 3), (5, 4), (8, 3)] {
      let end = Int32(vocabulary - 1)
      let space = SequenceSpace(
        vocabularySize: vocabulary, endOfSequence: end, maximumTokens: length)
      let tokens = space.sequences.map(\.tokens)
      #expect(Set(tokens).count == tokens.count)
      for sequence in space.sequences {
        #expect(!sequence.tokens.dropLast().contains(end))
        #expect(sequence.isEnded == (sequence.tokens.last == end))
        #expect(sequence.isEnded || sequence.tokens.count == length)
        #expect((1...length).contains(sequence.tokens.count))
        for (step, state) in sequence.states.enumerated() {
          #expect(space.states[state].prefix == Array(sequence.tokens.prefix(step)))
        }
      }
      // Σ (V − 1)^t ended, t < T, and (V − 1)^T cut off.
      let ended = (0..<length).reduce(0) { $0 + Int(pow(Double(vocabulary - 1), Double($1))) }
      let cut = Int(pow(Double(vocabulary - 1), Double(length)))
      #expect(tokens.count == ended + cut && space.states.count == ended)
      #expect(
        SequenceSpace.sequenceCount(
          vocabularySize: vocabulary, maximumTokens: length, limit: ended + cut) == ended + cut)
      #expect(
        SequenceSpace.sequenceCount(
          vocabularySize: vocabulary, maximumTokens: length, limit: ended + cut - 1) == nil)
    }
    #expect(
      SequenceSpace.sequenceCount(vocabularySize: 150, maximumTokens: 400, limit: .max) == nil)
  }

  @Test("probabilities of responses sum to 1, and a state is visited by what passes through it")
  func normalised() {
    var generator = SeededGenerator(seed: 1)
    let policy = generator.policy(.small, sharpness: 2)
    let probabilities = policy.sequenceProbabilities
    #expect(abs(probabilities.reduce(0, +) - 1) < .float64Rounding)
    let visits = policy.visits
    for state in policy.space.states.indices {
      let passing = zip(policy.space.sequences, probabilities).reduce(0) {
        $1.0.states.contains(state) ? $0 + $1.1 : $0
      }
      #expect(abs(passing - visits[state]) < .float64Rounding)
    }
    // A sum over steps is the expectation of a sum along responses.
    let cost = { (state: Int, token: Int) in sin(Double(7 * state + token)) }
    let along = policy.space.sequences.map { $0.steps.reduce(0) { $0 + cost($1.state, $1.token) } }
    #expect(abs(policy.expectedSum(cost) - policy.expectation(of: along)) < .float64Rounding)
  }

  @Test("a policy given as a conditional distribution is the one given as a table")
  func closure() {
    let space = SequenceSpace.small
    let logits = { (prefix: [Int32]) in
      (0..<space.vocabularySize).map { token in
        cos(Double(prefix.reduce(3) { 5 * $0 + Int($1) } + token))
      }
    }
    let table = TabularPolicy(space, logits: space.states.map { logits($0.prefix) })
    #expect(TabularPolicy(space, logits: logits) == table)
  }

  @Test("a token that cannot occur costs nothing and breaks nothing")
  func impossibleTokens() {
    var generator = SeededGenerator(seed: 2)
    let space = SequenceSpace.small
    func without(_ token: Int) -> TabularPolicy {
      TabularPolicy(
        space,
        logits: space.states.map { _ in
          var row = generator.gaussians(space.vocabularySize)
          row[token] = -.infinity
          return row
        })
    }
    let (policy, reference) = (without(2), without(2))
    #expect(policy.divergence(from: reference).isFinite)
    #expect(
      abs(policy.divergence(from: reference) - policy.divergenceByStates(from: reference))
        < .float64Rounding)
    let objective = RegularizedObjective(
      reference: reference, rewards: generator.rewards(space), coefficient: 0.3)
    #expect(abs(objective.value(of: objective.optimum) - objective.optimalValue) < .float64Sums)
  }
}
