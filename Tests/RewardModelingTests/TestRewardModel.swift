import Autodiff
import Foundation
import RewardModeling
import Tensors
import Transformer

/// A small reward model whose rewards differ by more than rounding.
enum TestRewardModel {
  static let endOfSequence: Int32 = 0
  static let width = 16

  static func make(deviation: Double = 0.3) throws -> RewardModel {
    var configuration = DecoderConfiguration()
    configuration.vocabularySize = 19
    configuration.width = width
    configuration.heads = 4
    configuration.keyValueHeads = 2
    configuration.headWidth = 4
    configuration.feedForwardWidth = 32
    configuration.maximumPositions = 16
    var generator = SeededGenerator(seed: 1)
    var trunk = try LanguageModel(configuration, using: &generator)
    for index in trunk.parameters.tensors.indices {
      let shape = trunk.parameters.tensors[index].shape
      trunk.parameters.tensors[index].add(
        .gaussian(shape, deviation: deviation, using: &generator))
    }
    let head = ScalarModel.rewardHead(width: width, using: &generator)
    return RewardModel(
      model: ScalarModel(trunkOf: trunk, head: head),
      specialTokens: SpecialTokens(endOfSequence: endOfSequence, padding: 1))
  }

  /// Comparisons of random tokens, in pairs that share a prompt of one to four tokens.
  static func comparisons(_ count: Int, seed: UInt64 = 5) -> [TokenizedComparison] {
    var generator = SeededGenerator(seed: seed)
    func tokens(_ range: ClosedRange<Int>) -> [Int32] {
      let count = range.lowerBound + generator.index(below: range.count)
      return (0..<count).map { _ in Int32(2 + generator.index(below: 17)) }
    }
    return (0..<count).map { _ in
      TokenizedComparison(
        prompt: tokens(1...4), chosen: tokens(1...6) + [endOfSequence],
        rejected: tokens(1...6) + [endOfSequence])
    }
  }
}

func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).map { abs($0 - $1) }.reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
}
