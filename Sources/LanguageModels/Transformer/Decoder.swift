package import Numerics

/// The one Transformer decoder: tokens to hidden states, whatever the head on top.
///
/// Training, scoring and cached sampling all run ``hiddenStates(of:at:parameters:on:cache:after:)``.
package struct Decoder: Sendable {
  package let configuration: DecoderConfiguration
  let layout: DecoderLayout
  let rotary: RotaryTable?
  /// The checkpoint that it was loaded from, for what is saved; nil for random weights.
  package let origin: CheckpointOrigin?

  /// A decoder whose parameters are appended to `parameters`.
  ///
  /// - Parameter tensor: gives the parameter of a name and a shape.
  init<Failure: Error>(
    _ configuration: DecoderConfiguration, appendingTo parameters: inout ParameterSet,
    origin: CheckpointOrigin? = nil,
    _ tensor: (String, [Int], InitialValue) throws(Failure) -> Tensor
  ) throws(Failure) {
    self.configuration = configuration
    self.origin = origin
    layout = try DecoderLayout(configuration, appendingTo: &parameters, tensor)
    rotary =
      configuration.positions == .rotary
      ? RotaryTable(
        positions: configuration.maximumPositions, headWidth: configuration.headWidth,
        rotatedWidth: configuration.rotatedWidth, base: configuration.rotaryBase,
        scaling: configuration.rotaryScaling)
      : nil
  }

  /// What the first layers make of a batch; models that have those layers in common share it.
  package struct Trunk {
    package let layers: Int
    let states: Variable  // [N, D]
  }

  /// The hidden states that heads read, `[N, D]`, or `[M, D]` where only M rows are read.
  ///
  /// - Parameters:
  ///   - batch: N packed tokens, none beyond the configuration's positions or vocabulary.
  ///   - rows: the rows that are read, in this order; nil for all. The last layer computes nothing
  ///     else of the others than keys and values: the reward of a response needs one row of it.
  ///   - parameters: those that this decoder's layout points into.
  ///   - tape: records for gradients, or not.
  ///   - cache: what came before each segment; it takes up the new tokens. Only without recording.
  ///   - trunk: what the first layers made of the batch already, if anything did.
  package func hiddenStates(
    of batch: PackedBatch, at rows: [Int32]? = nil, parameters: ParameterSet, on tape: Tape,
    cache: KeyValueCache? = nil, after trunk: Trunk? = nil
  ) -> Variable {
    let pass = pass(over: batch, parameters: parameters, on: tape, cache: cache)
    var x = trunk?.states ?? pass.embeddings()
    for index in (trunk?.layers ?? 0)..<configuration.layers {
      x = pass.output(of: index, at: index == configuration.layers - 1 ? rows : nil, for: x)
    }
    cache?.advance(over: batch)
    return pass.headInput(x)
  }

  /// The first layers alone; fewer than all.
  func trunk(
    of batch: PackedBatch, layers: Int, parameters: ParameterSet, on tape: Tape
  ) -> Trunk {
    precondition(layers < configuration.layers, "a trunk leaves at least one layer")
    let pass = pass(over: batch, parameters: parameters, on: tape, cache: nil)
    let states = (0..<layers).reduce(pass.embeddings()) { pass.output(of: $1, at: nil, for: $0) }
    return Trunk(layers: layers, states: states)
  }

  private func pass(
    over batch: PackedBatch, parameters: ParameterSet, on tape: Tape, cache: KeyValueCache?
  ) -> DecoderPass {
    precondition(cache == nil || !tape.isRecording, "no gradients flow through a cache")
    precondition(
      batch.positions.allSatisfy { $0 < configuration.maximumPositions },
      "a sequence is longer than the decoder's \(configuration.maximumPositions) positions")
    return DecoderPass(
      decoder: self, batch: batch, parameters: parameters, tape: tape, cache: cache)
  }
}

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
    var tokens =
      parameters.narrow[layout.tokenEmbedding].map { tape.constant($0.rows(batch.tokens)) }
      ?? tape.gather(batch.tokens, from: use(layout.tokenEmbedding))
    if let projection = layout.embeddingProjection {
      tokens = project(tokens, projection)
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
    return decoder.layout.outputProjection.map { project(normal, $0) } ?? normal
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
