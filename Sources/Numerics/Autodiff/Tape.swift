/// A value on a ``Tape``.
package struct Variable {
  package let value: Tensor
  let node: Int  // −1 for a constant

  /// Whether a gradient flows to this value.
  package var requiresGradient: Bool { node >= 0 }
}

/// The record of one forward pass, played backwards for the gradients (reverse-mode
/// differentiation). One tape serves one thread and one pass.
///
/// A tape that does not record computes values only: the same forward code then serves sampling,
/// scoring and the frozen models, and keeps no intermediate value alive.
package final class Tape {
  private struct Node {
    let operation: (any DifferentiableOperation)?  // nil for a parameter
    let inputs: [Int]
  }

  package let isRecording: Bool
  private var nodes: [Node] = []
  private var nodeOfParameter: [Int] = []  // −1 until used
  private var adapted: [Int: Variable] = [:]  // matrices with their adapters, by parameter

  package init(recording: Bool) { isRecording = recording }

  /// A value that has no gradient.
  package func constant(_ value: Tensor) -> Variable { Variable(value: value, node: -1) }

  /// A parameter, with its adapter if it has one; a frozen one is a constant.
  package func parameter(_ index: Int, of parameters: ParameterSet) -> Variable {
    guard isRecording, let adapter = parameters.adapters[index] else {
      return unadapted(index, of: parameters)
    }
    if let known = adapted[index] { return known }
    let sum = lowRankUpdate(
      unadapted(index, of: parameters), down: unadapted(adapter.down, of: parameters),
      up: unadapted(adapter.up, of: parameters), scale: adapter.scale)
    adapted[index] = sum
    return sum
  }

  private func unadapted(_ index: Int, of parameters: ParameterSet) -> Variable {
    guard isRecording else { return constant(parameters.effective(index)) }
    let value = parameters.tensors[index]
    guard !parameters.isFrozen[index] else { return constant(value) }
    if nodeOfParameter.isEmpty {
      nodeOfParameter = Array(repeating: -1, count: parameters.count)
    }
    if nodeOfParameter[index] < 0 {
      nodes.append(Node(operation: nil, inputs: []))
      nodeOfParameter[index] = nodes.count - 1
    }
    return Variable(value: value, node: nodeOfParameter[index])
  }

  /// A value to differentiate by that belongs to no parameter set; for checks.
  package func leaf(_ value: Tensor) -> Variable {
    nodes.append(Node(operation: nil, inputs: []))
    return Variable(value: value, node: nodes.count - 1)
  }

  /// Whether an operation on these inputs will be asked for gradients; if not, it may skip keeping
  /// what only its backward pass needs.
  package func needsGradient(_ inputs: Variable?...) -> Bool {
    isRecording && inputs.contains { $0?.requiresGradient ?? false }
  }

  /// Puts an operation on the tape. Without a differentiable input, its output is a constant.
  package func record(
    _ operation: @autoclosure () -> some DifferentiableOperation, inputs: [Variable], output: Tensor
  ) -> Variable {
    guard isRecording, inputs.contains(where: \.requiresGradient) else { return constant(output) }
    nodes.append(Node(operation: operation(), inputs: inputs.map(\.node)))
    return Variable(value: output, node: nodes.count - 1)
  }

  /// The gradients of a scalar with respect to `count` parameters. Ends the tape: what its
  /// operations kept is freed as the pass goes back.
  package func gradients(of loss: Variable, parameterCount count: Int) -> Gradients {
    let slots = backward(from: loss)
    var gradients = Gradients(count: count)
    for (index, node) in nodeOfParameter.enumerated() where node >= 0 {
      gradients.tensors[index] = slots[node]
    }
    return gradients
  }

  /// The gradients of a scalar with respect to leaves; zero where it does not depend on one.
  package func gradients(of loss: Variable, leaves: [Variable]) -> [Tensor] {
    let slots = backward(from: loss)
    return leaves.map { slots[$0.node] ?? Tensor(zeros: $0.value.shape) }
  }

  private func backward(from loss: Variable) -> [Tensor?] {
    precondition(loss.value.count == 1, "a gradient needs a scalar loss, not \(loss.value.shape)")
    var gradients = InputGradients(slots: Array(repeating: nil, count: nodes.count))
    guard loss.node >= 0 else { return gradients.slots }
    gradients.slots[loss.node] = Tensor(repeating: 1, shape: loss.value.shape)
    while let node = nodes.popLast() {
      guard let operation = node.operation, let gradient = gradients.slots[nodes.count] else {
        continue
      }
      gradients.slots[nodes.count] = nil
      gradients.inputs = node.inputs
      operation.backward(gradient, into: &gradients)
    }
    return gradients.slots
  }
}
