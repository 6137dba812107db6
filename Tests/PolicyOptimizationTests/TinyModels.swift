import LanguageModels
import Numerics
import Statistics

@testable import RLHF

/// Token 0 ends a response; 1 to 7 are words.
let endOfSequence: Int32 = 0

/// A policy over eight tokens whose next-token distributions are well away from uniform.
func makePolicy(seed: UInt64 = 1, sharpness: Float = 12) throws -> LanguageModel {
  var shape = DecoderConfiguration()
  shape.vocabularySize = 8
  (shape.width, shape.layers, shape.heads, shape.keyValueHeads) = (16, 1, 2, 2)
  (shape.headWidth, shape.feedForwardWidth, shape.maximumPositions) = (8, 32, 16)
  var generator = SeededGenerator(seed: seed)
  var model = try LanguageModel(shape, using: &generator)
  for (index, name) in model.parameters.names.enumerated() where name == "language_head" {
    model.parameters.tensors[index].multiply(by: sharpness)
  }
  return model
}

/// A value model on the policy's trunk whose head is random, so that values differ.
func makeValue(on policy: LanguageModel, seed: UInt64 = 2) -> ScalarModel {
  var generator = SeededGenerator(seed: seed)
  let head = ScalarModel.rewardHead(width: policy.configuration.width, using: &generator)
  return ScalarModel(trunkOf: policy, head: head)
}

func makePrompts(_ count: Int, seed: UInt64 = 3) -> [[Int32]] {
  var generator = SeededGenerator(seed: seed)
  return (0..<count).map { _ in
    (0...generator.index(below: 3)).map { _ in Int32(1 + generator.index(below: 7)) }
  }
}

/// Eight episodes of at most six tokens, in two minibatches, with whatever `change` says.
func configured(_ change: (inout PPOConfiguration) -> Void = { _ in }) -> PPOConfiguration {
  var configuration = PPOConfiguration()
  configuration.iterations = 2
  configuration.episodes = 8
  configuration.epochs = 2
  configuration.minibatches = 2
  configuration.maximumTokens = 6
  configuration.missingEOS = .keep
  change(&configuration)
  return configuration
}

func makeRollout(
  _ configuration: PPOConfiguration, reference: LanguageModel, threads: Int = 2,
  score: @escaping @Sendable ([Exchange]) throws -> [Double] = { $0.map { _ in 0 } }
) -> Rollout {
  Rollout(
    configuration: configuration, reference: reference, endOfSequence: endOfSequence,
    workers: Workers(count: threads), judge: score)
}

/// An episode with given figures; its tokens do not matter.
func makeEpisode(
  old: [Double], reference: [Double]? = nil, values: [Double]? = nil, score: Double = 0
) -> Episode {
  let zeros = old.map { _ in 0.0 }
  return Episode(
    exchange: Exchange(prompt: [1], response: old.map { _ in 2 }), ended: true,
    logProbabilities: old, referenceLogProbabilities: reference ?? old, exactKL: zeros,
    entropies: zeros, values: values ?? zeros, score: score)
}

/// Every weight as bits, so that equality means the same bytes.
func bits(_ parameters: ParameterSet) -> [[UInt32]] {
  parameters.tensors.map { $0.values.map(\.bitPattern) }
}

extension SeededGenerator {
  mutating func gaussians(_ count: Int) -> [Double] { (0..<count).map { _ in gaussian() } }
}

func isClose(_ a: [Double], _ b: [Double], within tolerance: Double) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * (1 + abs($1)) }
}
