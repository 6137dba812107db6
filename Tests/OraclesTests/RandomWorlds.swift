import Foundation
import Numerics
import Statistics

@testable import Oracles

extension SequenceSpace {
  /// Five tokens and up to four of them: 85 states, 341 responses.
  static let small = SequenceSpace(vocabularySize: 5, endOfSequence: 0, maximumTokens: 4)
}

extension SeededGenerator {
  mutating func gaussians(_ count: Int, scale: Double = 1) -> [Double] {
    (0..<count).map { _ in scale * gaussian() }
  }

  /// A policy whose rows are well away from uniform.
  mutating func policy(_ space: SequenceSpace, sharpness: Double = 1) -> TabularPolicy {
    TabularPolicy(
      space,
      logits: space.states.map { _ in gaussians(space.vocabularySize, scale: sharpness) })
  }

  /// Rewards in which words matter together: not a sum over tokens.
  mutating func rewards(_ space: SequenceSpace) -> [Double] {
    gaussians(space.sequences.count)
  }

  mutating func objective(_ space: SequenceSpace, coefficient: Double) -> RegularizedObjective {
    RegularizedObjective(
      reference: policy(space), rewards: rewards(space), coefficient: coefficient)
  }
}

/// Whether two lists are the same within a tolerance.
func isClose(_ a: [Double], _ b: [Double], within tolerance: Double) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * (1 + abs($1)) }
}
