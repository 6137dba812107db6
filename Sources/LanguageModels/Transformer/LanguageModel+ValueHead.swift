package import Numerics

/// A second head on the policy's own decoder, so that one model is policy and value model.
extension LanguageModel {
  /// Gives the policy a scalar head, `[1, D]`, as its last parameter.
  package mutating func addValueHead(_ head: Tensor) {
    precondition(valueHead == nil, "a policy has one value head")
    precondition(
      head.shape == [1, configuration.width],
      "a scalar head for width \(configuration.width) cannot be \(head.shape)")
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
    plain.parameters = parameters.merged(first: max(decoder.layout.lastIndex, headWeight) + 1)
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
