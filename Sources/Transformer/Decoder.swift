package import Autodiff
package import Tensors

/// The one Transformer decoder: tokens to hidden states, whatever the head on top.
///
/// Training, scoring and cached sampling all run ``hiddenStates(of:at:parameters:on:cache:)``.
package struct Decoder: Sendable {
  package let configuration: DecoderConfiguration
  let layout: DecoderLayout
  private let rotary: RotaryTable?

  /// A decoder whose parameters, drawn at random, are appended to `parameters`.
  package init(
    _ configuration: DecoderConfiguration, appendingTo parameters: inout ParameterSet,
    using generator: inout SeededGenerator
  ) throws(ModelError) {
    try configuration.validate()
    self.configuration = configuration
    layout = DecoderLayout(configuration, appendingTo: &parameters, using: &generator)
    rotary =
      configuration.family == .llama
      ? RotaryTable(
        positions: configuration.maximumPositions, width: configuration.headWidth,
        base: configuration.rotaryBase)
      : nil
  }

  /// The hidden states after the last norm, `[N, D]`, or `[M, D]` where only M rows are read.
  ///
  /// - Parameters:
  ///   - batch: N packed tokens, none beyond the configuration's positions or vocabulary.
  ///   - rows: the rows that are read, in this order; nil for all. The last layer computes nothing
  ///     else of the others than keys and values: the reward of a response needs one row of it.
  ///   - parameters: those that this decoder's layout points into.
  ///   - tape: records for gradients, or not.
  ///   - cache: what came before each segment; it takes up the new tokens. Only without recording.
  package func hiddenStates(
    of batch: PackedBatch, at rows: [Int32]? = nil, parameters: ParameterSet, on tape: Tape,
    cache: KeyValueCache? = nil
  ) -> Variable {
    precondition(cache == nil || !tape.isRecording, "no gradients flow through a cache")
    precondition(
      batch.positions.allSatisfy { $0 < configuration.maximumPositions },
      "a sequence is longer than the decoder's \(configuration.maximumPositions) positions")
    func use(_ index: Int) -> Variable { tape.parameter(index, of: parameters) }
    func project(
      _ x: Variable, _ linear: DecoderLayout.Linear, outputs: Range<Int>? = nil
    ) -> Variable {
      if outputs == nil, let matrix = cache?.weights?[linear.weight] {
        let bias = linear.bias.map { parameters.tensors[$0] }
        return tape.constant(matrix.product(x.value, bias: bias))
      }
      return tape.linear(
        x, weight: use(linear.weight), bias: linear.bias.map(use), outputs: outputs)
    }
    func normalize(_ x: Variable, _ norm: DecoderLayout.Norm) -> Variable {
      let epsilon = Float(configuration.normEpsilon)
      guard let bias = norm.bias else {
        return tape.rmsNorm(x, gain: use(norm.gain), epsilon: epsilon)
      }
      return tape.layerNorm(x, gain: use(norm.gain), bias: use(bias), epsilon: epsilon)
    }

    var x = tape.gather(batch.tokens, from: use(layout.tokenEmbedding))  // [N, D]
    if let positions = layout.positionEmbedding {
      x = tape.add(x, tape.gather(batch.positions, from: use(positions)))
    }
    for (index, layer) in layout.layers.enumerated() {
      let read = index == layout.layers.count - 1 ? rows : nil
      let normal = normalize(x, layer.attentionNorm)
      var attended: Variable
      if let read, cache == nil {
        let shape = configuration.attention
        attended = tape.attention(
          queries: project(
            tape.gather(read, from: normal), layer.queryKeyValue, outputs: 0..<shape.queryWidth),
          at: read,
          keysValues: project(
            normal, layer.queryKeyValue, outputs: shape.queryWidth..<shape.rowWidth),
          shape, over: batch, rotary: rotary)
      } else {
        attended = attend(
          project(normal, layer.queryKeyValue), layer: index, over: batch, on: tape, cache: cache)
        if let read { attended = tape.gather(read, from: attended) }
      }
      if let read { x = tape.gather(read, from: x) }
      x = tape.add(x, project(attended, layer.attentionOutput))

      let inner = project(normalize(x, layer.feedForwardNorm), layer.feedForwardInput)
      let active = configuration.family == .llama ? tape.swiGLU(inner) : tape.gelu(inner)
      x = tape.add(x, project(active, layer.feedForwardOutput))
    }
    cache?.advance(over: batch)
    return normalize(x, layout.finalNorm)
  }

  private func attend(
    _ projected: Variable, layer: Int, over batch: PackedBatch, on tape: Tape,
    cache: KeyValueCache?
  ) -> Variable {
    guard let cache else {
      return tape.attention(projected, configuration.attention, over: batch, rotary: rotary)
    }
    var rows = projected.value
    rotary?.rotate(
      &rows, to: batch.positions, heads: configuration.attention.rotatedHeads, sign: 1)
    return tape.constant(cache.attend(layer: layer, rows: rows, over: batch))
  }
}
