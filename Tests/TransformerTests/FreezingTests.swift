import Autodiff
import Foundation
import Tensors
import Testing
import Transformer

@Suite("Freezing")
struct FreezingTests {
  private static let cases = DecoderConfiguration.Family.allCases.flatMap { family in
    [1, 2, 3, 10].map { (family, $0) }
  }

  @Test(
    "keeps ⌊0.7 · layers⌋ layers and the embeddings bit for bit, and moves the rest",
    arguments: cases)
  func fraction(family: DecoderConfiguration.Family, layers: Int) throws {
    var model = try TestModels.language(family, layers: layers)
    model.freeze(fraction: 0.7)
    let frozenLayers = [1: 0, 2: 1, 3: 2, 10: 7][layers] ?? -1
    let before = model.parameters
    for (name, isFrozen) in zip(before.names, before.isFrozen) {
      let layer = name.hasPrefix("layers.") ? Int(name.split(separator: ".")[1]) : nil
      let expected = layer.map { $0 < frozenLayers } ?? name.hasSuffix("_embedding")
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
