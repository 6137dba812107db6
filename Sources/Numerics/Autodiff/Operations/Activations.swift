import CKernels

/// y = f(x) of every element: the feed-forward block's activation.
struct Activation: DifferentiableOperation {
  let input: Tensor
  let function: vm_activation

  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    let gradient = Tensor(uninitialized: input.shape) { dx in
      withPointers(input, outputGradient) {
        vm_activate_backward(dx, $0, $1, input.count, function)
      }
    }
    inputs.add(gradient, to: 0)
  }

  static let gradientChecks = ActivationFunction.allCases.map { function in
    // No input lies where a kink would spoil the differences.
    let isSmooth = function != .relu && function != .squaredReLU
    return GradientCheck("activation \(function.rawValue)", inputs: [[5, 7]]) { tape, x in
      let offset = (0..<35).map { isSmooth ? 0 : $0.isMultiple(of: 2) ? Float(8) : -8 }
      return tape.activation(
        tape.add(x[0], tape.constant(Tensor(offset, shape: [5, 7]))), function)
    }
  }
}

/// The activations that are computed, by the names that `transformers` gives them.
package enum ActivationFunction: String, Sendable, CaseIterable {
  /// x · σ(2u), u = √(2/π)(x + 0.044715 x³): GELU in its tanh form (Hendrycks and Gimpel 2016).
  case tanhGELU = "gelu_new"
  /// x · Φ(x), Φ the normal distribution.
  case gelu
  /// x · σ(1.702 x)
  case quickGELU = "quick_gelu"
  /// x · σ(x)
  case silu
  case relu
  /// max(x, 0)²
  case squaredReLU = "relu2"
  case tanh
  case sigmoid

  /// - Parameter name: as in `transformers`, which has several for some.
  package init?(named name: String) {
    switch name {
    case "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_fast", "gelu_accurate": self = .tanhGELU
    case "gelu_python": self = .gelu
    case "swish": self = .silu
    default: self.init(rawValue: name)
    }
  }

  fileprivate var kernel: vm_activation {
    switch self {
    case .tanhGELU: VM_GELU_TANH
    case .gelu: VM_GELU
    case .quickGELU: VM_QUICK_GELU
    case .silu: VM_SILU
    case .relu: VM_RELU
    case .squaredReLU: VM_RELU_SQUARED
    case .tanh: VM_TANH
    case .sigmoid: VM_SIGMOID
    }
  }
}

/// y = SiLU(g) · u, where x = (g, u): the gated unit of Llama (Shazeer 2020).
///
/// x `[N, 2F]`, y `[N, F]`.
struct SwiGLU: DifferentiableOperation {
  let input: Tensor  // [N, 2F]

  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    let gradient = Tensor(uninitialized: input.shape) { dx in
      withPointers(input, outputGradient) {
        vm_swiglu_backward(dx, $0, $1, input.rows, input.columns / 2)
      }
    }
    inputs.add(gradient, to: 0)
  }

  static let gradientChecks = [
    GradientCheck("SwiGLU", inputs: [[3, 10]]) { $0.swiGLU($1[0]) }
  ]
}

extension Tape {
  /// See ``Activation``.
  package func activation(_ x: Variable, _ function: ActivationFunction) -> Variable {
    let output = Tensor(uninitialized: x.value.shape) { y in
      x.value.read { vm_activate(y, $0, x.value.count, function.kernel) }
    }
    return record(
      Activation(input: x.value, function: function.kernel), inputs: [x], output: output)
  }

  /// See ``SwiGLU``.
  package func swiGLU(_ x: Variable) -> Variable {
    let (rows, width) = (x.value.rows, x.value.columns / 2)
    precondition(x.value.columns == 2 * width, "SwiGLU needs an even width: \(x.value.shape)")
    let output = Tensor(uninitialized: [rows, width]) { y in
      x.value.read { vm_swiglu(y, $0, rows, width) }
    }
    return record(SwiGLU(input: x.value), inputs: [x], output: output)
  }
}
