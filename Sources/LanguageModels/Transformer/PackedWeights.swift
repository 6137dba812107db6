import Numerics

/// The matrices of a language model, laid out for sampling.
package struct PackedWeights: Sendable {
  private let matrices: [PackedMatrix?]  // one per parameter

  init(_ model: LanguageModel, workers: Workers) throws {
    let layers = model.decoder.layout.layers
    let indices = layers.flatMap(\.weights) + [model.headWeight]
    let packed = try workers.map(indices.count) {
      PackedMatrix(model.parameters.effective(indices[$0]))
    }
    var matrices = [PackedMatrix?](repeating: nil, count: model.parameters.count)
    for (index, matrix) in zip(indices, packed) { matrices[index] = matrix }
    self.matrices = matrices
  }

  subscript(parameter: Int) -> PackedMatrix? { matrices[parameter] }
}
