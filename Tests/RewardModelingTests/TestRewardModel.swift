import Foundation
import LanguageModels
import Numerics
import Statistics

@testable import RLHF

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
        .gaussian(shape, sd: deviation, using: &generator))
    }
    let head = ScalarModel.rewardHead(width: width, using: &generator)
    return RewardModel(
      model: ScalarModel(trunkOf: trunk, head: head),
      specialTokens: SpecialTokens(endOfSequence: endOfSequence, padding: 1))
  }

  /// Comparisons of random tokens, in pairs that share a prompt of one to four tokens.
  static func comparisons(_ count: Int, seed: UInt64 = 5) -> [RankedResponses] {
    var generator = SeededGenerator(seed: seed)
    func tokens(_ range: ClosedRange<Int>) -> [Int32] {
      let count = range.lowerBound + generator.index(below: range.count)
      return (0..<count).map { _ in Int32(2 + generator.index(below: 17)) }
    }
    return (0..<count).map { _ in
      RankedResponses(
        prompt: tokens(1...4), chosen: tokens(1...6) + [endOfSequence],
        rejected: tokens(1...6) + [endOfSequence])
    }
  }

  /// Rankings of two to five responses of random tokens, all different, with ratings that fall.
  static func rankings(_ count: Int, seed: UInt64 = 6) -> [RankedResponses] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { index in
      let size = 2 + index % 4
      // The first token makes every response of a prompt a different one.
      let responses = (0..<size).map { response in
        [Int32(2 + response)]
          + (0..<generator.index(below: 5)).map { _ in
            Int32(2 + generator.index(below: 17))
          } + [endOfSequence]
      }
      var ranking = RankedResponses(
        prompt: [Int32(2 + generator.index(below: 17)), Int32(2 + index)], responses: responses)
      ranking.ratings = (0..<size).map { 1 - Double($0) / 2 }
      return ranking
    }
  }
}

func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  return zip(a, b).map { abs($0 - $1) }.reduce(0) { $1.isNaN ? .infinity : max($0, $1) }
}
