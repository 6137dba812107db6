import CKernels

/// y = x · σ(2u), u = √(2/π)(x + 0.044715 x³): GELU in its tanh form (Hendrycks and Gimpel 2016),
/// `gelu_new` in GPT-2.
struct GELU: DifferentiableOperation {
  let input: Tensor

  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    let gradient = Tensor(uninitialized: input.shape) { dx in
      withPointers(input, outputGradient) { vm_gelu_backward(dx, $0, $1, input.count) }
    }
    inputs.add(gradient, to: 0)
  }

  static let gradientChecks = [
    GradientCheck("GELU", inputs: [[5, 7]]) { $0.gelu($1[0]) }
  ]
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
  /// See ``GELU``.
  package func gelu(_ x: Variable) -> Variable {
    let output = Tensor(uninitialized: x.value.shape) { y in
      x.value.read { vm_gelu(y, $0, x.value.count) }
    }
    return record(GELU(input: x.value), inputs: [x], output: output)
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
