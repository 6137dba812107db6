import Foundation
import LanguageModels
import Numerics
import Statistics
import Testing

@Suite("Freezing")
struct FreezingTests {
  private static let cases = DecoderConfiguration.Family.allCases.flatMap { family in
    [1, 2, 3, 10].map { (family, $0) }
  }

  @Test(
    "leaves ⌊0.7 · layers⌋ layers and the embeddings bit for bit, and moves the rest",
    arguments: cases)
  func fraction(family: DecoderConfiguration.Family, layers: Int) throws {
    var model = try TestModels.language(family, layers: layers)
    model.freeze(fraction: 0.7)
    let frozenLayers = [1: 0, 2: 1, 3: 2, 10: 7][layers] ?? -1
    let before = model.parameters
    for (name, isFrozen) in zip(before.names, before.isFrozen) {
      let layer = name.hasPrefix("layers.") ? Int(name.split(separator: ".")[1]) : nil
      let expected = layer.map { $0 < frozenLayers } ?? name.contains("embedding")
      #expect(isFrozen == expected, "\(name)")
    }

    let tape = Tape(recording: true)
    let logs = model.responseLogProbabilities(
      [Exchange(prompt: [1, 2], response: [3, 4, 5])], temperature: 1, on: tape)
    let loss = tape.weightedSum(logs.logProbabilities, weights: Tensor([-1.0, -1, -1]))
    let gradients = tape.gradients(of: loss, parameterCount: model.parameters.count)
    var options = AdamW.Options()
    options.weightDecay = 0.1
    var optimizer = AdamW(options, for: model.parameters)
    try optimizer.step(
      &model.parameters, gradients: gradients, rate: 0.01, workers: Workers(count: 1))
    for (index, name) in before.names.enumerated() {
      let same = before.tensors[index].values == model.parameters.tensors[index].values
      #expect(same == before.isFrozen[index], "\(name)")
      #expect((gradients.tensors[index] == nil) == before.isFrozen[index], "\(name)")
    }
  }

  @Test("layers that stayed frozen are computed once for both models, to the same bits")
  func sharedTrunk() throws {
    let reference = try TestModels.language(.gpt2, layers: 3)
    var model = reference
    let batch = PackedBatch(sequences: [[1, 2, 3], [4, 5]])
    let tape = Tape(recording: false)
    // The last layer is left to each model, and here the one before has moved as well.
    #expect(model.trunk(of: batch, sharedWith: reference, on: tape)?.layers == 2)
    let moved = try #require(model.parameters.names.firstIndex { $0.hasPrefix("layers.1.") })
    model.parameters.tensors[moved][0] += 1
    let trunk = try #require(model.trunk(of: batch, sharedWith: reference, on: tape))
    #expect(trunk.layers == 1)
    for each in [model, reference] {
      let whole = each.hiddenStates(of: batch, at: [2, 4], on: tape).value.values
      #expect(
        each.hiddenStates(of: batch, at: [2, 4], on: tape, after: trunk).value.values == whole)
    }
    model.parameters.tensors[0][0] += 1
    #expect(model.trunk(of: batch, sharedWith: reference, on: tape) == nil)
  }

  @Test("adapted layers are not in common, though their matrices are")
  func adaptedTrunk() throws {
    let reference = try TestModels.language(.gpt2, layers: 3)
    var model = reference
    var generator = SeededGenerator(seed: 7)
    model.addAdapters(rank: 2, scale: 1, targets: [.queryKeyValue], using: &generator)
    let batch = PackedBatch(sequences: [[1, 2, 3], [4, 5]])
    #expect(model.trunk(of: batch, sharedWith: reference, on: Tape(recording: false)) == nil)
    #expect(reference.trunk(of: batch, sharedWith: model, on: Tape(recording: false)) == nil)
  }

  @Test("a fraction that is a whole number of layers but for rounding is that number")
  func rounding() throws {
    #expect(Int(0.58 * 50) == 28, "the product of the binary fractions")
    var model = try TestModels.language(.gpt2, layers: 50)
    model.freeze(fraction: 0.58)
    let frozen = zip(model.parameters.names, model.parameters.isFrozen).filter(\.1).map(\.0)
    #expect(frozen.contains { $0.hasPrefix("layers.28.") })
    #expect(!frozen.contains { $0.hasPrefix("layers.29.") })
  }

  @Test("the head of a reward model is drawn with variance 1 / (width + 1)")
  func rewardHead() {
    var generator = SeededGenerator(seed: 9)
    let head = ScalarModel.rewardHead(width: 4_095, using: &generator)
    #expect(head.shape == [1, 4_095])
    let variance = head.values.reduce(0) { $0 + Double($1 * $1) } / 4_095
    // Five standard errors of an estimated variance.
    #expect(abs(variance * 4_096 - 1) < 5 * (2.0 / 4_095).squareRoot())
  }

  @Test("a fraction of 0 frees everything again, and 1 leaves the final norm and the head")
  func ends() throws {
    var model = try TestModels.language(.gpt2)
    model.freeze(fraction: 1)
    let free = zip(model.parameters.names, model.parameters.isFrozen).filter { !$0.1 }.map { $0.0 }
    #expect(free == ["final_norm.gain", "final_norm.bias", "language_head"])
    model.freeze(fraction: 0)
    #expect(!model.parameters.isFrozen.contains(true))
  }
}
