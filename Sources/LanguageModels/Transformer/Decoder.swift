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
