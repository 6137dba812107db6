import Numerics
import Statistics

/// Where a model's parameters are in its `ParameterSet`.
///
/// Products that share an input are one matrix: queries, keys and values; gate and up.
struct DecoderLayout: Sendable {
  struct Linear: Sendable {
    let weight: Int  // [O, I]
    let bias: Int?  // [O]

    var indices: [Int] { [weight, bias].compactMap(\.self) }
  }

  struct Norm: Sendable {
    let gain: Int  // [D]
    let bias: Int?  // [D]; layer norm only

    var indices: [Int] { [gain, bias].compactMap(\.self) }
  }

  struct Layer: Sendable {
    let attentionNorm: Norm
    let queryKeyValue: Linear  // [(H + 2 Hkv) d, D]
    let queryNorm: Int?  // [d]
    let keyNorm: Int?  // [d]
    let attentionOutput: Linear  // [D, H d]
    let feedForwardNorm: Norm?  // nil where both blocks share one
    let feedForwardInput: Linear  // [2F, D] gate over up, or [F, D]
    let feedForwardOutput: Linear  // [D, F]

    private var linears: [Linear] {
      [queryKeyValue, attentionOutput, feedForwardInput, feedForwardOutput]
    }

    /// Its matrices.
    var weights: [Int] { linears.map(\.weight) }

    /// All parameters of the layer, for freezing.
    var indices: [Int] {
      attentionNorm.indices + (feedForwardNorm?.indices ?? [])
        + [queryNorm, keyNorm].compactMap(\.self) + linears.flatMap(\.indices)
    }
  }

  let tokenEmbedding: Int  // [V, E]
  let positionEmbedding: Int?  // [positions, D]; learned positions only
  let embeddingProjection: Linear?  // [D, E]; where E is not D
  let layers: [Layer]
  let finalNorm: Norm?
  let outputProjection: Linear?  // [E, D]; where E is not D

  /// The last parameter of the decoder; a head's come after it.
  let lastIndex: Int

  /// What comes before the first layer.
  var embeddings: [Int] {
    [tokenEmbedding, positionEmbedding, embeddingProjection?.weight].compactMap(\.self)
  }

  /// - Parameter tensor: gives the parameter of a name and a shape.
  init<Failure: Error>(
    _ shape: DecoderConfiguration, appendingTo parameters: inout ParameterSet,
    _ tensor: (String, [Int], InitialValue) throws(Failure) -> Tensor
  ) throws(Failure) {
    func append(_ name: String, _ extents: [Int], _ start: InitialValue) throws(Failure) -> Int {
      parameters.append(name, try tensor(name, extents, start))
    }
    func linear(
      _ name: String, _ outputs: Int, _ inputs: Int, bias: Bool, _ start: InitialValue = .weight
    ) throws(Failure) -> Linear {
      Linear(
        weight: try append(name + ".weight", [outputs, inputs], start),
        bias: bias ? try append(name + ".bias", [outputs], .zero) : nil)
    }
    func norm(_ name: String) throws(Failure) -> Norm {
      Norm(
        gain: try append(name + ".gain", [shape.width], .one),
        bias: shape.norm == .layer ? try append(name + ".bias", [shape.width], .zero) : nil)
    }
    /// A matrix that writes into the residual stream.
    let residual = InitialValue.residualWeight(layers: shape.layers)

    tokenEmbedding = try append(
      "token_embedding", [shape.vocabularySize, shape.headInputWidth], .weight)
    if case .learned(let unusedRows) = shape.positions {
      positionEmbedding = try append(
        "position_embedding", [shape.maximumPositions + unusedRows, shape.width], .weight)
    } else {
      positionEmbedding = nil
    }
    func projection(_ name: String, _ outputs: Int, _ inputs: Int) throws(Failure) -> Linear? {
      guard outputs != inputs else { return nil }
      return Linear(weight: try append(name, [outputs, inputs], .weight), bias: nil)
    }
    embeddingProjection = try projection(
      "embedding_projection", shape.width, shape.headInputWidth)
    let attention = shape.attention
    var layers: [Layer] = []
    for index in 0..<shape.layers {
      let name = "layers.\(index)"
      layers.append(
        Layer(
          attentionNorm: try norm(name + ".attention_norm"),
          queryKeyValue: try linear(
            name + ".query_key_value", attention.rowWidth, shape.width, bias: shape.attentionBias),
          queryNorm: shape.hasHeadNorms
            ? try append(name + ".query_norm.gain", [shape.headWidth], .one) : nil,
          keyNorm: shape.hasHeadNorms
            ? try append(name + ".key_norm.gain", [shape.headWidth], .one) : nil,
          attentionOutput: try linear(
            name + ".attention_output", shape.width, attention.queryWidth,
            bias: shape.attentionOutputBias, residual),
          feedForwardNorm: shape.residual == .parallelWithOneNorm
            ? nil : try norm(name + ".feed_forward_norm"),
          feedForwardInput: try linear(
            name + ".feed_forward_input", (shape.isGated ? 2 : 1) * shape.feedForwardWidth,
            shape.width, bias: shape.feedForwardBias),
          feedForwardOutput: try linear(
            name + ".feed_forward_output", shape.width, shape.feedForwardWidth,
            bias: shape.feedForwardBias, residual)))
    }
    self.layers = layers
    finalNorm = shape.hasFinalNorm ? try norm("final_norm") : nil
    outputProjection = try projection("output_projection", shape.headInputWidth, shape.width)
    lastIndex = parameters.count - 1
  }
}

/// What a parameter is before training.
enum InitialValue {
  /// N(0, 0.02²) (Radford et al. 2019).
  case weight
  /// The same, divided by √(2 · layers).
  case residualWeight(layers: Int)
  case one
  case zero

  func tensor(_ shape: [Int], using generator: inout SeededGenerator) -> Tensor {
    switch self {
    case .weight: .gaussian(shape, sd: 0.02, using: &generator)
    case .residualWeight(let layers):
      .gaussian(shape, sd: 0.02 / Double(2 * layers).squareRoot(), using: &generator)
    case .one: Tensor(repeating: 1, shape: shape)
    case .zero: Tensor(zeros: shape)
    }
  }
}
