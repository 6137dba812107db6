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

  /// Adds a finished gradient; the first one is kept as it is, without a copy.
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
  package mutating func addInPlace(
    to input: Int, shape: [Int], _ body: (UnsafeMutablePointer<Float>) -> Void
  ) {
    let node = inputs[input]
    guard node >= 0 else { return }
    if slots[node] == nil { slots[node] = Tensor(zeros: shape) }
    slots[node]?.modify(body)
  }
}
