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
    let tokens = tape.gather(batch.tokens, from: use(layout.tokenEmbedding))
    guard let positions = layout.positionEmbedding else { return tokens }
    return tape.add(tokens, tape.gather(batch.positions, from: use(positions)))
  }

  /// A layer's output `[N, D]`, or that of some rows alone, `[M, D]`, for an input `[N, D]`.
  func output(of index: Int, at rows: [Int32]?, for input: Variable) -> Variable {
    let layer = decoder.layout.layers[index]
    let normal = normalize(input, layer.attentionNorm)
    let attended =
      if let rows, cache == nil {
        attention(of: normal, at: rows, layer)
      } else {
        select(rows, from: attention(of: normal, layer, index))
      }
    let x = tape.add(select(rows, from: input), project(attended, layer.attentionOutput))

    let inner = project(normalize(x, layer.feedForwardNorm), layer.feedForwardInput)
    let active = shape.family == .llama ? tape.swiGLU(inner) : tape.gelu(inner)
    return tape.add(x, project(active, layer.feedForwardOutput))
  }

  /// After the last layer.
  func normalized(_ x: Variable) -> Variable { normalize(x, decoder.layout.finalNorm) }

  private func attention(
    of x: Variable, _ layer: DecoderLayout.Layer, _ index: Int
  ) -> Variable {
    let projected = project(x, layer.queryKeyValue)
    guard let cache else {
      return tape.attention(projected, shape.attention, over: batch, rotary: decoder.rotary)
    }
    var rows = projected.value
    decoder.rotary?.rotate(
      &rows, to: batch.positions, heads: shape.attention.rotatedHeads, sign: 1)
    return tape.constant(cache.attend(layer: index, rows: rows, over: batch))
  }

  /// Of some rows: no other needs a query.
  private func attention(
    of x: Variable, at rows: [Int32], _ layer: DecoderLayout.Layer
  ) -> Variable {
    let heads = shape.attention
    return tape.attention(
      queries: project(
        tape.gather(rows, from: x), layer.queryKeyValue, outputs: 0..<heads.queryWidth),
      at: rows,
      keysValues: project(x, layer.queryKeyValue, outputs: heads.queryWidth..<heads.rowWidth),
      heads, over: batch, rotary: decoder.rotary)
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

  private func normalize(_ x: Variable, _ norm: DecoderLayout.Norm) -> Variable {
    let epsilon = Float(shape.normEpsilon)
    guard let bias = norm.bias else {
      return tape.rmsNorm(x, gain: use(norm.gain), epsilon: epsilon)
    }
    return tape.layerNorm(x, gain: use(norm.gain), bias: use(bias), epsilon: epsilon)
  }
}
