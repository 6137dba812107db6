import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@Suite("Packing")
struct PackingTests {
  private let sequences: [[Int32]] = [
    [3, 1, 4, 1, 5], [9], [2, 6, 5], [18, 0, 7, 7, 7, 7, 7, 7],
  ]

  private func hidden(_ model: LanguageModel, _ sequences: [[Int32]]) -> [[Float]] {
    let batch = PackedBatch(sequences: sequences)
    let states = model.hiddenStates(of: batch, on: Tape(recording: false)).value
    return batch.segments.map { segment in
      Array(
        states.values[
          segment.rows.lowerBound * states.columns..<segment.rows.upperBound * states.columns])
    }
  }

  @Test(
    "a sequence's hidden states depend neither on neighbours nor on order",
    arguments: TestModels.families)
  func neighbours(family: DecoderConfiguration.Family) throws {
    let model = try TestModels.language(family)
    let alone = sequences.flatMap { hidden(model, [$0]) }
    let together = hidden(model, sequences)
    let reversed = Array(hidden(model, sequences.reversed()).reversed())
    for index in sequences.indices {
      #expect(largestDifference(together[index], alone[index]) < .decoderRounding)
      #expect(largestDifference(reversed[index], alone[index]) < .decoderRounding)
    }
  }

  /// Four exchanges, three of one prompt, and the batches that compute the prompt once or always.
  private let exchanges = [
    Exchange(prompt: [3, 1, 4], response: [1, 5]), Exchange(prompt: [3, 1, 4], response: [9]),
    Exchange(prompt: [3, 1, 4], response: [2, 6, 5, 3]), Exchange(prompt: [8], response: [9, 7]),
  ]

  @Test("neighbours with one prompt share it, and rows point where the tokens are")
  func responseBatch() {
    let batch = ResponseBatch(exchanges)
    #expect(batch.packed.tokens == [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 8, 9, 7])
    #expect(batch.packed.positions == [0, 1, 2, 3, 4, 3, 3, 4, 5, 6, 0, 1, 2])
    #expect(batch.responseRows == [[3, 4], [5], [6, 7, 8, 9], [11, 12]])
    #expect(batch.predictingRows == [[2, 3], [2], [2, 6, 7, 8], [10, 11]])
    #expect(batch.lastRows == [4, 5, 9, 12])
    #expect(batch.packed.segments.map(\.prefix) == [0..<0, 0..<3, 0..<3, 0..<3, 0..<0])

    let apart = ResponseBatch([exchanges[0], exchanges[3], exchanges[1]])
    #expect(apart.packed.tokens == [3, 1, 4, 1, 5, 8, 9, 7, 3, 1, 4, 9])
    #expect(apart.predictingRows == [[2, 3], [5, 6], [10]])
  }

  @Test(
    "hidden states of chosen rows are those of all rows, and so are their gradients",
    arguments: TestModels.families)
  func chosenRows(family: DecoderConfiguration.Family) throws {
    let model = try TestModels.language(family)
    let batch = ResponseBatch(exchanges).packed
    let rows: [Int32] = [8, 2, 12, 2]
    func pass(_ states: (Tape) -> Variable) -> (Tensor, Gradients) {
      let tape = Tape(recording: true)
      let states = states(tape)
      var generator = SeededGenerator(seed: 3)
      let weights = Tensor.gaussian(states.value.shape, sd: 1, using: &generator)
      let loss = tape.weightedSum(states, weights: weights)
      return (
        states.value, tape.gradients(of: loss, parameterCount: model.parameters.count)
      )
    }
    let (some, gradients) = pass { model.hiddenStates(of: batch, at: rows, on: $0) }
    let (same, expected) = pass { $0.gather(rows, from: model.hiddenStates(of: batch, on: $0)) }
    #expect(some.shape == [4, model.configuration.headInputWidth])
    #expect(largestDifference(some.values, same.values) < .decoderRounding)
    for (index, name) in model.parameters.names.enumerated() {
      let (found, reference) = (gradients.tensors[index], expected.tensors[index])
      #expect((found == nil) == (reference == nil), "\(name)")
      if let found, let reference {
        #expect(largestDifference(found.values, reference.values) < .trainingRounding, "\(name)")
      }
    }
  }

  @Test(
    "a shared prompt gives the values and gradients of whole sequences",
    arguments: TestModels.families)
  func sharedPrompt(family: DecoderConfiguration.Family) throws {
    let model = try TestModels.language(family)
    /// −Σ log π of some exchanges, weighted, and its gradients.
    func run(_ groups: [[Exchange]]) -> (values: [Float], gradients: Gradients) {
      var values: [Float] = []
      var total = Gradients(count: model.parameters.count)
      for group in groups {
        let tape = Tape(recording: true)
        let logs = model.responseLogProbabilities(group, temperature: 0.8, on: tape)
          .logProbabilities
        values += logs.value.values
        // A weight for each token by its id, so that no two gradients can stand in for each other.
        let weights = Tensor(group.flatMap(\.response).map { 0.1 * Float($0) - 0.3 })
        let loss = tape.weightedSum(logs, weights: weights)
        total.add(tape.gradients(of: loss, parameterCount: model.parameters.count))
      }
      return (values, total)
    }
    let shared = run([exchanges])
    let whole = run(exchanges.map { [$0] })
    #expect(ResponseBatch(exchanges).packed.count < exchanges.reduce(0) { $0 + $1.count })
    #expect(largestDifference(shared.values, whole.values) < .decoderRounding)
    for (index, name) in model.parameters.names.enumerated() {
      let a = try #require(shared.gradients.tensors[index]).values
      let b = try #require(whole.gradients.tensors[index]).values
      let scale = max(1, b.map(abs).max() ?? 0)
      #expect(largestDifference(a, b) < .decoderRounding * scale, "\(name)")
    }
  }

  @Test(
    "a shared prompt gives the rewards and values of whole sequences",
    arguments: TestModels.families)
  func scalars(family: DecoderConfiguration.Family) throws {
    let model = try TestModels.scalar(family)
    let tape = Tape(recording: false)
    let rewards = model.rewards(exchanges, on: tape).value.values
    let values = model.values(exchanges, on: tape).value.values
    let apart = exchanges.map { model.rewards([$0], on: tape).value.values }
    let valuesApart = exchanges.map { model.values([$0], on: tape).value.values }
    #expect(largestDifference(rewards, apart.flatMap(\.self)) < .decoderRounding)
    #expect(largestDifference(values, valuesApart.flatMap(\.self)) < .decoderRounding)
    // A reward is read at the last token, a value one token before the one it stands for.
    let prefix = Exchange(prompt: exchanges[2].prompt, response: [2, 6, 5])
    let reward = model.rewards([prefix], on: tape).value.values
    #expect(largestDifference(reward, [valuesApart[2][3]]) < .decoderRounding)
  }

  @Test("shards are contiguous, cover everything, and depend on the batch alone")
  func shards() {
    for items in [0, 1, 2, 3, 7, 64, 1000] {
      for tokens in [0, 100, 5_000, 1_000_000] {
        let ranges = Shards.ranges(of: items, tokens: tokens)
        #expect(ranges.flatMap(Array.init) == Array(0..<items))
        #expect(ranges.count <= 16)
        if items > 0 { #expect(ranges.allSatisfy { !$0.isEmpty }) }
      }
    }
    #expect(Shards.ranges(of: 1000, tokens: 100).count == 2)
    #expect(Shards.ranges(of: 1000, tokens: 4096).count == 8)
    #expect(Shards.ranges(of: 1000, tokens: 1_000_000).count == 16)
  }
}
