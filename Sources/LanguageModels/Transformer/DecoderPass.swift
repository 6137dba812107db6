import Numerics

/// One way through a decoder's layers: what every step of it needs.
struct DecoderPass {
  let decoder: Decoder
  let batch: PackedBatch
  let parameters: ParameterSet
  let tape: Tape
  let cache: KeyValueCache?

  private var shape: DecoderConfiguration { decoder.configuration }

  /// Tokens, and positions where they are learned, as vectors `[N, D]`.
  func embeddings() -> Variable {
    let layout = decoder.layout
    var tokens = tape.gather(batch.tokens, from: use(layout.tokenEmbedding))
    if let projection = layout.embeddingProjection {
      tokens = tape.linear(tokens, weight: use(projection))
    }
    guard case .learned(let unusedRows) = shape.positions, let table = layout.positionEmbedding
    else { return tokens }
    let rows =
      unusedRows == 0 ? batch.positions : batch.positions.map { $0 + Int32(unusedRows) }
    return tape.add(tokens, tape.gather(rows, from: use(table)))
  }

  /// A layer's output `[N, D]`, or that of some rows alone, `[M, D]`, for an input `[N, D]`.
  func output(of index: Int, at rows: [Int32]?, for input: Variable) -> Variable {
    let layer = decoder.layout.layers[index]
    let normal = shape.residual == .normAfter ? input : normalize(input, layer.attentionNorm)
    let attended =
      if let rows, cache == nil {
        attention(of: normal, at: rows, index)
      } else {
        select(rows, from: attention(of: normal, index))
      }
    let residual = select(rows, from: input)
    let x = tape.add(residual, project(attended, layer.attentionOutput))
    switch shape.residual {
    case .normBefore:
      return tape.add(x, feedForward(normalize(x, layer.feedForwardNorm), layer))
    case .normAfter:
      let middle = normalize(x, layer.attentionNorm)
      return normalize(tape.add(middle, feedForward(middle, layer)), layer.feedForwardNorm)
    case .parallel:
      return tape.add(x, feedForward(normalize(residual, layer.feedForwardNorm), layer))
    case .parallelWithOneNorm:
      return tape.add(x, feedForward(select(rows, from: normal), layer))
    }
  }

  /// What heads read, after the last layer.
  func headInput(_ x: Variable) -> Variable {
    let normal = normalize(x, decoder.layout.finalNorm)
    return decoder.layout.outputProjection.map { tape.linear(normal, weight: use($0)) } ?? normal
  }

  private func feedForward(_ x: Variable, _ layer: DecoderLayout.Layer) -> Variable {
    let inner = project(x, layer.feedForwardInput)
    let active = shape.isGated ? tape.swiGLU(inner) : tape.activation(inner, shape.activation)
    return project(active, layer.feedForwardOutput)
  }

  private func attention(of x: Variable, _ index: Int) -> Variable {
    let layer = decoder.layout.layers[index]
    let heads = shape.attention(ofLayer: index)
    let projected = normalizeHeads(
      project(x, layer.queryKeyValue),
      [(heads.heads, layer.queryNorm), (heads.keyValueHeads, layer.keyNorm)])
    guard let cache else {
      return tape.attention(projected, heads, over: batch, rotary: rotary(of: index))
    }
    var rows = projected.value
    rotary(of: index)?.rotate(&rows, to: batch.positions, heads: heads.rotatedHeads, sign: 1)
    return tape.constant(cache.attend(layer: index, heads, rows: rows, over: batch))
  }

  /// Of some rows: no other needs a query.
  private func attention(of x: Variable, at rows: [Int32], _ index: Int) -> Variable {
    let layer = decoder.layout.layers[index]
    let heads = shape.attention(ofLayer: index)
    let queries = project(
      tape.gather(rows, from: x), layer.queryKeyValue, outputs: 0..<heads.queryWidth)
    let keysValues = project(
      x, layer.queryKeyValue, outputs: heads.queryWidth..<heads.rowWidth)
    return tape.attention(
      queries: normalizeHeads(queries, [(heads.heads, layer.queryNorm)]), at: rows,
      keysValues: normalizeHeads(keysValues, [(heads.keyValueHeads, layer.keyNorm)]), heads,
      over: batch, rotary: rotary(of: index))
  }

  private func rotary(of layer: Int) -> RotaryTable? {
    shape.unrotatedLayers.contains(layer) ? nil : decoder.rotary
  }

  private func select(_ rows: [Int32]?, from x: Variable) -> Variable {
    rows.map { tape.gather($0, from: x) } ?? x
  }

  private func use(_ index: Int) -> Variable { tape.parameter(index, of: parameters) }

  private func project(
    _ x: Variable, _ linear: DecoderLayout.Linear, outputs: Range<Int>? = nil
  ) -> Variable {
    if outputs == nil, let matrix = cache?.weights?[linear.weight] {
      let bias = linear.bias.map { parameters.tensors[$0] }
      return tape.constant(matrix.product(x.value, bias: bias))
    }
    return tape.linear(
      x, weight: use(linear.weight), bias: linear.bias.map(use), outputs: outputs)
  }

  private func normalize(_ x: Variable, _ norm: DecoderLayout.Norm?) -> Variable {
    guard let norm else { return x }
    let epsilon = Float(shape.normEpsilon)
    guard let bias = norm.bias else {
      return tape.rmsNorm(x, gain: use(norm.gain), epsilon: epsilon)
    }
    return tape.layerNorm(x, gain: use(norm.gain), bias: use(bias), epsilon: epsilon)
  }

  /// The first heads of each row with the first gain, and so on; x itself where there are none.
  private func normalizeHeads(_ x: Variable, _ norms: [(heads: Int, gain: Int?)]) -> Variable {
    guard shape.hasHeadNorms else { return x }
    return tape.headNorm(
      x, gains: norms.compactMap { norm in norm.gain.map { (norm.heads, use($0)) } },
      epsilon: Float(shape.normEpsilon))
  }
}
