import Foundation
import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@testable import RLHF

@Suite("Two policies compared on given responses")
struct DistributionComparisonTests {
  private let policy: LanguageModel
  private let reference: LanguageModel
  private let exchanges = [
    Exchange(prompt: [3, 1, 4], response: [1, 5, 9]), Exchange(prompt: [3, 1, 4], response: [2]),
    Exchange(prompt: [18], response: [6, 0]),
  ]

  init() throws {
    policy = try Self.model(seed: 1)
    reference = try Self.model(seed: 2)
  }

  private static func model(seed: UInt64) throws -> LanguageModel {
    var configuration = DecoderConfiguration()
    configuration.vocabularySize = 19
    configuration.width = 12
    configuration.heads = 2
    configuration.keyValueHeads = 1
    configuration.headWidth = 6
    configuration.feedForwardWidth = 20
    configuration.maximumPositions = 16
    var generator = SeededGenerator(seed: seed)
    var model = try LanguageModel(configuration, using: &generator)
    for index in model.parameters.tensors.indices {
      let shape = model.parameters.tensors[index].shape
      model.parameters.tensors[index].add(.gaussian(shape, sd: 0.4, using: &generator))
    }
    return model
  }

  /// log softmax(logits / T) before each response token, each exchange computed alone.
  private func distributions(
    _ model: LanguageModel, _ exchange: Exchange, temperature: Double
  ) -> [[Double]] {
    let tape = Tape(recording: false)
    let batch = PackedBatch(sequences: [exchange.prompt + exchange.response])
    let logits = model.logits(model.hiddenStates(of: batch, on: tape), on: tape).value
    return exchange.response.indices.map { index in
      let row = exchange.prompt.count + index - 1
      let scaled = logits.values[row * 19..<(row + 1) * 19].map { Double($0) / temperature }
      let sum = log(scaled.reduce(0) { $0 + exp($1) })
      return scaled.map { $0 - sum }
    }
  }

  private func expect(_ found: [Float], _ expected: [Double]) {
    #expect(found.count == expected.count)
    for (a, b) in zip(found, expected) { #expect(abs(Double(a) - b) < .decoderRounding) }
  }

  @Test("equals a Float64 sum over the whole vocabulary", arguments: [0.7, 1, 2])
  func twin(temperature: Double) {
    let comparison = DistributionComparison(
      policy: policy, reference: reference, temperature: temperature)
    let found = comparison.compare(exchanges)
    #expect(found.count == exchanges.count)
    for (exchange, tokens) in zip(exchanges, found) {
      let p = distributions(policy, exchange, temperature: temperature)
      let q = distributions(reference, exchange, temperature: temperature)
      let targets = exchange.response.map { Int($0) }
      expect(tokens.logProbabilities, zip(p, targets).map { $0[$1] })
      expect(tokens.referenceLogProbabilities, zip(q, targets).map { $0[$1] })
      expect(
        tokens.exactKL,
        zip(p, q).map { p, q in zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) } })
      expect(tokens.entropies, p.map { -$0.reduce(0) { $0 + exp($1) * $1 } })
      #expect(tokens.exactKL.allSatisfy { $0 > 0.01 })
    }
  }

  @Test("the divergence of a policy from itself is 0")
  func itself() {
    let comparison = DistributionComparison(policy: policy, reference: policy, temperature: 0.7)
    for tokens in comparison.compare(exchanges) {
      #expect(tokens.exactKL.allSatisfy { $0 == 0 })
      #expect(tokens.logProbabilities == tokens.referenceLogProbabilities)
    }
  }

  @Test("has the log-probabilities with which the sampler drew")
  func sampler() throws {
    var options = SamplingOptions()
    options.temperature = 0.8
    options.maximumTokens = 5
    let prompts = exchanges.map(\.prompt)
    let root = SeededGenerator(seed: 3)
    let responses = try Sampler(options, endOfSequence: 0).responses(
      from: policy, to: prompts, generators: prompts.indices.map { root.stream("sample", $0) },
      workers: Workers(count: 2))
    let comparison = DistributionComparison(
      policy: policy, reference: reference, temperature: 0.8)
    let found = comparison.compare(
      zip(prompts, responses).map { Exchange(prompt: $0, response: $1.tokens) })
    for (tokens, response) in zip(found, responses) {
      expect(tokens.logProbabilities, response.logProbabilities.map(Double.init))
    }
  }
}
