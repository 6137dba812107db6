/// A value on a ``Tape``.
package struct Variable {
  package let value: Tensor
  let node: Int  // −1 for a constant

  /// Whether a gradient flows to this value.
  var requiresGradient: Bool { node >= 0 }
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

  /// Puts an operation on the tape. Without a differentiable input, its output is a constant.
  package func record(
    _ operation: @autoclosure () -> some DifferentiableOperation, inputs: [Variable], output: Tensor
  ) -> Variable {
    guard isRecording, inputs.contains(where: \.requiresGradient) else { return constant(output) }
    nodes.append(Node(operation: operation(), inputs: inputs.map(\.node)))
    return Variable(value: output, node: nodes.count - 1)
  }

  /// The gradients of a scalar with respect to `count` parameters. Ends the tape: what its
  /// operations saved is freed as the pass goes back.
  package func gradients(of loss: Variable, parameterCount count: Int) -> Gradients {
    var gradients = Gradients(count: count)
    forEachGradient(of: loss) { gradients.tensors[$0] = $1 }
    return gradients
  }

  /// The same, each as soon as it is complete, from the last parameter used to the first: who adds it
  /// up can free it while the pass goes back. A parameter on which the loss does not depend has none.
  func forEachGradient(of loss: Variable, _ body: (_ parameter: Int, _ gradient: Tensor) -> Void) {
    var parameterOfNode: [Int: Int] = [:]
    for (index, node) in nodeOfParameter.enumerated() where node >= 0 {
      parameterOfNode[node] = index
    }
    _ = backward(from: loss) { node, gradient in
      guard let index = parameterOfNode[node] else { return false }
      body(index, gradient)
      return true
    }
  }

  /// The gradients of a scalar with respect to leaves; zero where it does not depend on one.
  package func gradients(of loss: Variable, leaves: [Variable]) -> [Tensor] {
    let slots = backward(from: loss)
    return leaves.map { slots[$0.node] ?? Tensor(zeros: $0.value.shape) }
  }

  /// - Parameter take: is offered the gradient of every leaf when it is complete; what it takes is not
  ///   kept.
  private func backward(
    from loss: Variable, take: (_ node: Int, _ gradient: Tensor) -> Bool = { _, _ in false }
  ) -> [Tensor?] {
    precondition(loss.value.count == 1, "a gradient needs a scalar loss, not \(loss.value.shape)")
    var gradients = InputGradients(slots: Array(repeating: nil, count: nodes.count))
    guard loss.node >= 0 else { return gradients.slots }
    gradients.slots[loss.node] = Tensor(repeating: 1, shape: loss.value.shape)
    while let node = nodes.popLast() {
      guard let gradient = gradients.slots[nodes.count] else { continue }
      guard let operation = node.operation else {
        if take(nodes.count, gradient) { gradients.slots[nodes.count] = nil }
        continue
      }
      gradients.slots[nodes.count] = nil
      gradients.inputs = node.inputs
      operation.backward(gradient, into: &gradients)
    }
    return gradients.slots
  }
}

/// A differentiable step, with the values that its backward pass needs as named properties.
///
/// Its forward function, an extension of ``Tape``, stands beside it in the same file.
package protocol DifferentiableOperation {
  /// Adds ∂L/∂input to every needed input, given ∂L/∂output.
  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients)

  /// Small instances on which finite differences must agree with ``backward(_:into:)``.
  static var gradientChecks: [GradientCheck] { get }
}

/// Where an operation's backward pass puts the gradients of its inputs.
package struct InputGradients {
  var slots: [Tensor?]  // one per node of the tape
  var inputs: [Int] = []  // nodes of the operation at work; −1 for a constant

  /// Whether anything wants the gradient of this input.
  package func isNeeded(_ input: Int) -> Bool { inputs[input] >= 0 }

  /// Adds a finished gradient; the first one is stored without a copy.
  package mutating func add(_ gradient: Tensor, to input: Int) {
    let node = inputs[input]
    guard node >= 0 else { return }
    if slots[node]?.add(gradient) == nil { slots[node] = gradient }
  }

  /// Lets `body` write into the gradient's own memory: set it when `accumulating` is false, and
  /// add to what is there when it is true.
  package mutating func write(
    to input: Int, shape: [Int],
    _ body: (_ gradient: UnsafeMutablePointer<Float>, _ accumulating: Bool) -> Void
  ) {
    let node = inputs[input]
    guard node >= 0 else { return }
    if slots[node]?.modify({ body($0, true) }) == nil {
      slots[node] = Tensor(uninitialized: shape) { body($0, false) }
    }
  }

  /// The same for operations that only know how to add: what they get is zero at first.
  mutating func addInPlace(
    to input: Int, shape: [Int], _ body: (UnsafeMutablePointer<Float>) -> Void
  ) {
    let node = inputs[input]
    guard node >= 0 else { return }
    if slots[node] == nil { slots[node] = Tensor(zeros: shape) }
    slots[node]?.modify(body)
  }
}
