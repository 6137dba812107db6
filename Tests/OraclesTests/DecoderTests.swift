import Foundation
import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@testable import Oracles
@testable import RLHF

@Suite struct DecoderTests {
  let workers = Workers(count: 2)
  let prompt: [Int32] = [3, 1]

  func model(_ seed: UInt64) throws -> LanguageModel {
    var shape = DecoderConfiguration()
    shape.vocabularySize = 5
    (shape.width, shape.layers, shape.heads, shape.keyValueHeads) = (16, 1, 2, 2)
    (shape.headWidth, shape.feedForwardWidth, shape.maximumPositions) = (8, 24, 8)
    var generator = SeededGenerator(seed: seed)
    var model = try LanguageModel(shape, using: &generator)
    for (index, name) in model.parameters.names.enumerated() where name == "language_head" {
      model.parameters.tensors[index].multiply(by: 25)
    }
    return model
  }

  func table(_ model: LanguageModel, _ space: SequenceSpace, temperature: Double = 1) throws
    -> TabularPolicy
  {
    try TabularPolicy(
      of: model, after: prompt, in: space, temperature: temperature, workers: workers)
  }

  @Test(
    "the table of a decoder has its log-probabilities of every response", arguments: [1, 2, 4],
    [0.7, 1])
  func policies(length: Int, temperature: Double) throws {
    let space = SequenceSpace(vocabularySize: 5, endOfSequence: 0, maximumTokens: length)
    let model = try model(1)
    let table = try table(model, space, temperature: temperature)
    let said = model.responseLogProbabilities(
      space.exchanges(after: prompt), temperature: temperature, on: Tape(recording: false)
    ).logProbabilities.value.values.map(Double.init)
    let held = space.sequences.flatMap { sequence in
      sequence.steps.map { table.logProbabilities[$0.state][$0.token] }
    }
    #expect(isClose(held, said, within: .decoderRounding))
  }

  @Test("and the values of every state")
  func values() throws {
    let space = SequenceSpace.small
    var generator = SeededGenerator(seed: 2)
    let head = ScalarModel.rewardHead(width: 16, using: &generator)
    let model = ScalarModel(trunkOf: try model(1), head: head)
    let table = try space.values(of: model, after: prompt, workers: workers)
    let said = model.values(space.exchanges(after: prompt), on: Tape(recording: false)).value.values
    let held = space.sequences.flatMap { $0.states.map { table[$0] } }
    #expect(isClose(held, said.map(Double.init), within: .decoderRounding))
  }

  @Test("the exact KL that rollouts sum over a response is, in expectation, that of responses")
  func divergence() throws {
    let space = SequenceSpace.small
    let (policy, reference) = (try model(1), try model(2))
    let (own, other) = (try table(policy, space), try table(reference, space))
    let tokens = DistributionComparison(policy: policy, reference: reference, temperature: 1)
      .compare(space.exchanges(after: prompt))
    let mean = own.expectation(
      of: tokens.map { $0.exactKL.reduce(0) { $0 + Double($1) } })
    let divergence = own.divergence(from: other)
    #expect(divergence > 0.1)
    #expect(abs(mean - divergence) < .decoderRounding)
  }
}
