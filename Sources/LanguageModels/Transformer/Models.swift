package import Numerics
package import Statistics

/// What policy, reference, reward and value models have in common: one decoder and a head.
package protocol TransformerModel: Sendable {
  var decoder: Decoder { get }
  var parameters: ParameterSet { get set }
}

extension TransformerModel {
  package var configuration: DecoderConfiguration { decoder.configuration }

  /// Hidden states after the last norm, `[N, D]`, or those of some rows alone; see ``Decoder``.
  package func hiddenStates(
    of batch: PackedBatch, at rows: [Int32]? = nil, on tape: Tape, cache: KeyValueCache? = nil,
    after trunk: Decoder.Trunk? = nil
  ) -> Variable {
    decoder.hiddenStates(
      of: batch, at: rows, parameters: parameters, on: tape, cache: cache, after: trunk)
  }

  /// What the layers that this model and another have in common make of a batch, computed once for
  /// both; nil if they have none. Frozen layers stay in common: one that was written is no longer.
  ///
  /// At least the last layer is left to each, which computes only the rows that are read.
  package func trunk(
    of batch: PackedBatch, sharedWith other: some TransformerModel, on tape: Tape
  ) -> Decoder.Trunk? {
    let layout = decoder.layout
    func isShared(_ index: Int) -> Bool {
      parameters.isShared(index, with: other.parameters)
    }
    guard configuration == other.configuration, layout.embeddings.allSatisfy(isShared) else {
      return nil
    }
    let layers = layout.layers.dropLast().prefix { $0.indices.allSatisfy(isShared) }.count
    guard layers > 0 else { return nil }
    return decoder.trunk(of: batch, layers: layers, parameters: parameters, on: tape)
  }

  /// Freezes the embeddings and the first ⌊fraction · layers⌋ layers; 0 frees everything.
  package mutating func freeze(fraction: Double) {
    let layout = decoder.layout
    parameters.isFrozen = Array(repeating: false, count: parameters.count)
    guard fraction > 0 else { return }
    // The small addend keeps 0.58 · 50 from becoming 28 in binary fractions.
    let layers = min(layout.layers.count, Int(fraction * Double(layout.layers.count) + 1e-9))
    for index in layout.embeddings + layout.layers.prefix(layers).flatMap(\.indices) {
      parameters.isFrozen[index] = true
    }
  }
}

/// A decoder with a language head: policy and reference.
package struct LanguageModel: TransformerModel {
  package let decoder: Decoder
  package var parameters: ParameterSet
  let headWeight: Int  // [V, D]; the token embedding when tied
  let headBias: Int?  // [V]
  var valueHead: Int?  // [1, D]; see `addValueHead`

  /// A model with random weights.
  package init(
    _ configuration: DecoderConfiguration, using generator: inout SeededGenerator
  ) throws(ModelError) {
    try configuration.validate()
    self.init(configuration, from: nil) { $2.tensor($1, using: &generator) }
  }

  /// - Parameter tensor: gives the parameter of a name and a shape.
  init<Failure: Error>(
    _ configuration: DecoderConfiguration, from origin: CheckpointOrigin?,
    _ tensor: (String, [Int], InitialValue) throws(Failure) -> Tensor
  ) throws(Failure) {
    var parameters = ParameterSet()
    decoder = try Decoder(configuration, appendingTo: &parameters, origin: origin, tensor)
    let (name, vocabulary) = ("language_head", configuration.vocabularySize)
    headWeight =
      configuration.tiedEmbeddings
      ? decoder.layout.tokenEmbedding
      : parameters.append(
        name, try tensor(name, [vocabulary, configuration.headInputWidth], .weight))
    headBias =
      configuration.headBias
      ? parameters.append(name + ".bias", try tensor(name + ".bias", [vocabulary], .zero)) : nil
    self.parameters = parameters
  }

  /// Scores of every token of the vocabulary, `[M, V]`, from hidden states `[M, D]`.
  package func logits(_ hidden: Variable, on tape: Tape) -> Variable {
    tape.linear(
      hidden, weight: tape.parameter(headWeight, of: parameters),
      bias: headBias.map { tape.parameter($0, of: parameters) })
  }

  /// Scores of the next token after each of the given rows, as far as a cache has come.
  func nextLogits(
    of batch: PackedBatch, at rows: [Int32]?, cache: KeyValueCache
  ) -> Tensor {
    let tape = Tape(recording: false)
    let hidden = hiddenStates(of: batch, at: rows, on: tape, cache: cache)
    return cache.weights?[headWeight]?.product(
      hidden.value, bias: headBias.map { parameters.tensors[$0] })
      ?? logits(hidden, on: tape).value
  }

  /// log π(y_t | x, y_<t) at temperature T for every token of every response, concatenated, `[M]`;
  /// and the logits that gave them, `[M, V]`.
  package func responseLogProbabilities(
    _ exchanges: some Collection<Exchange>, temperature: Double, on tape: Tape
  ) -> (logProbabilities: Variable, logits: Variable) {
    let outputs = responseOutputs(exchanges, temperature: temperature, on: tape)
    return (outputs.logProbabilities, outputs.logits)
  }

  /// The same, and V(x, y_<t) for every token, `[M]`, where the policy has a value head.
  package func responseOutputs(
    _ exchanges: some Collection<Exchange>, temperature: Double, on tape: Tape
  ) -> (logProbabilities: Variable, logits: Variable, values: Variable?) {
    let batch = ResponseBatch(exchanges)
    let states = hiddenStates(
      of: batch.packed, at: batch.predictingRows.flatMap(\.self), on: tape)
    let logits = logits(states, on: tape)
    let targets = exchanges.flatMap(\.response)
    let logProbabilities = tape.logProbabilities(logits, targets: targets, temperature: temperature)
    return (logProbabilities, logits, values(states, on: tape))
  }
}

/// The head to one number that a policy's checkpoint has beside its language head.
enum ValueHead {
  /// w · h + b, `v_head.summary` (TRL).
  case linear
  /// w · relu(V h + c) + b with 2D inner values, `v_head.0` and `v_head.2` (trlX).
  case hidden
}

/// A decoder with a linear head to one number: reward (at the last token) and value (at every one).
package struct ScalarModel: TransformerModel {
  package let decoder: Decoder
  package var parameters: ParameterSet
  let headInput: DecoderLayout.Linear?  // [2D, D]; see ``ValueHead/hidden``
  let headWeight: Int  // [1, D], or [1, 2D] behind a hidden layer
  let headBias: Int?  // [1]; of value heads only

  /// The weights of the head's last layer.
  package var head: Tensor {
    get { parameters.tensors[headWeight] }
    set { parameters.tensors[headWeight] = newValue }
  }

  /// The trunk of any model under a new head.
  package init(trunkOf model: some TransformerModel, head: Tensor) {
    precondition(
      head.shape == [1, model.configuration.headInputWidth],
      "a scalar head for width \(model.configuration.headInputWidth) cannot be \(head.shape)")
    decoder = model.decoder
    var trunk = ParameterSet()
    // The decoder's parameters come first in every model; only the old head is left behind.
    for index in 0...model.decoder.layout.lastIndex {
      _ = trunk.append(model.parameters.names[index], model.parameters.tensors[index])
    }
    headWeight = trunk.append("scalar_head", head)
    (headInput, headBias) = (nil, nil)
    parameters = trunk
  }

  /// - Parameters:
  ///   - valueHead: which head of a policy's own it is; the language head is part of the checkpoint and
  ///     stays as it is. Nil for a model that has no other head.
  ///   - tensor: gives the parameter of a name and a shape.
  init<Failure: Error>(
    _ configuration: DecoderConfiguration, from origin: CheckpointOrigin?, valueHead: ValueHead?,
    _ tensor: (String, [Int], InitialValue) throws(Failure) -> Tensor
  ) throws(Failure) {
    let width = configuration.headInputWidth
    guard let valueHead else {
      var parameters = ParameterSet()
      decoder = try Decoder(configuration, appendingTo: &parameters, origin: origin, tensor)
      headWeight = parameters.append("scalar_head", try tensor("scalar_head", [1, width], .weight))
      (headInput, headBias) = (nil, nil)
      self.parameters = parameters
      return
    }
    let policy = try LanguageModel(configuration, from: origin, tensor)
    decoder = policy.decoder
    var parameters = policy.parameters
    func linear(_ name: String, _ outputs: Int, _ inputs: Int) throws(Failure) -> (Int, Int) {
      let weight = parameters.append(name, try tensor(name, [outputs, inputs], .weight))
      let bias = name + ".bias"
      return (weight, parameters.append(bias, try tensor(bias, [outputs], .zero)))
    }
    switch valueHead {
    case .linear:
      headInput = nil
      (headWeight, headBias) = try linear("value_head", 1, width)
    case .hidden:
      let (weight, bias) = try linear("value_head_input", 2 * width, width)
      headInput = DecoderLayout.Linear(weight: weight, bias: bias)
      (headWeight, headBias) = try linear("value_head_output", 1, 2 * width)
    }
    self.parameters = parameters
  }

  /// Whether the head is a value head on a policy.
  var hasValueHead: Bool { headBias != nil }

  /// A head drawn from N(0, 1/(D + 1)), as in OpenAI's lm-human-preferences (2019).
  package static func rewardHead(
    width: Int, using generator: inout SeededGenerator
  ) -> Tensor {
    Tensor.gaussian([1, width], sd: 1 / Double(width + 1).squareRoot(), using: &generator)
  }

  /// h · w for hidden states `[M, D]`, `[M]`.
  package func scalars(_ hidden: Variable, on tape: Tape) -> Variable {
    func linear(_ x: Variable, _ weight: Int, _ bias: Int?) -> Variable {
      tape.linear(
        x, weight: tape.parameter(weight, of: parameters),
        bias: bias.map { tape.parameter($0, of: parameters) })
    }
    let input = headInput.map { tape.activation(linear(hidden, $0.weight, $0.bias), .relu) }
    return tape.flatten(linear(input ?? hidden, headWeight, headBias))
  }

  /// r(x, y) = h_last · w for every exchange, `[exchanges]`: the hidden state at the last token of
  /// the concatenation of prompt and response (Foundations of Large Language Models, ch. 4).
  package func rewards(_ exchanges: some Collection<Exchange>, on tape: Tape) -> Variable {
    let batch = ResponseBatch(exchanges)
    return scalars(hiddenStates(of: batch.packed, at: batch.lastRows, on: tape), on: tape)
  }

  /// V(x, y_<t) for every token of every response, concatenated, `[M]`.
  package func values(_ exchanges: some Collection<Exchange>, on tape: Tape) -> Variable {
    let batch = ResponseBatch(exchanges)
    let rows = batch.predictingRows.flatMap(\.self)
    return scalars(hiddenStates(of: batch.packed, at: rows, on: tape), on: tape)
  }
}

/// A second head on the policy's own decoder, so that one model is policy and value model.
extension LanguageModel {
  /// Gives the policy a scalar head, `[1, D]`, as its last parameter.
  package mutating func addValueHead(_ head: Tensor) {
    precondition(valueHead == nil, "a policy has one value head")
    precondition(
      head.shape == [1, configuration.headInputWidth],
      "a scalar head for width \(configuration.headInputWidth) cannot be \(head.shape)")
    valueHead = parameters.append("scalar_head", head)
  }

  /// The value model that the decoder and the scalar head make, if there is one.
  package var valueModel: ScalarModel? {
    valueHead.map { ScalarModel(trunkOf: plain, head: parameters.tensors[$0]) }
  }

  /// The policy alone, as a checkpoint holds it: without a scalar head, and with every adapter
  /// merged into its matrix.
  package var plain: LanguageModel {
    var plain = self
    plain.parameters = parameters.merged(
      first: max(decoder.layout.lastIndex, headBias ?? headWeight) + 1)
    plain.valueHead = nil
    return plain
  }

  /// V(x, y_<t) of the scalar head for hidden states `[M, D]`, `[M]`; nil without one.
  func values(_ hidden: Variable, on tape: Tape) -> Variable? {
    valueHead.map {
      tape.flatten(tape.linear(hidden, weight: tape.parameter($0, of: parameters)))
    }
  }
}
