import CKernels

/// y = (x − mean) / √(variance + ε) · gain + bias over the last dimension (Ba et al. 2016).
///
/// x `[N, C]`, gain and bias `[C]`.
struct LayerNorm: DifferentiableOperation {
  let input: Tensor  // [N, C]
  let gain: Tensor  // [C]
  let mean: Tensor  // [N]
  let inverse: Tensor  // [N] 1 / √(variance + ε)

  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    var gainGradient = Tensor(zeros: gain.shape)
    var biasGradient = Tensor(zeros: gain.shape)
    let gradient = Tensor(uninitialized: input.shape) { dx in
      gainGradient.modify { dgain in
        biasGradient.modify { dbias in
          withPointers(outputGradient, input, mean, inverse) { dy, x, mean, inverse in
            gain.read {
              vm_layer_norm_backward(
                dx, dgain, dbias, dy, x, mean, inverse, $0, input.rows, input.columns)
            }
          }
        }
      }
    }
    inputs.add(gradient, to: 0)
    inputs.add(gainGradient, to: 1)
    inputs.add(biasGradient, to: 2)
  }

  static let gradientChecks = [
    GradientCheck("layer norm", inputs: [[3, 19], [19], [19]]) {
      $0.layerNorm($1[0], gain: $1[1], bias: $1[2], epsilon: 1e-5)
    }
  ]
}

/// y = x / √(mean x² + ε) · gain over the last dimension (Zhang and Sennrich 2019).
///
/// x `[N, C]`, gain `[C]`.
struct RMSNorm: DifferentiableOperation {
  let input: Tensor  // [N, C]
  let gain: Tensor  // [C]
  let inverse: Tensor  // [N] 1 / √(mean x² + ε)

  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    var gainGradient = Tensor(zeros: gain.shape)
    let gradient = Tensor(uninitialized: input.shape) { dx in
      gainGradient.modify { dgain in
        withPointers(outputGradient, input, inverse, gain) {
          vm_rms_norm_backward(dx, dgain, $0, $1, $2, $3, input.rows, input.columns)
        }
      }
    }
    inputs.add(gradient, to: 0)
    inputs.add(gainGradient, to: 1)
  }

  static let gradientChecks = [
    GradientCheck("RMS norm", inputs: [[3, 19], [19]]) {
      $0.rmsNorm($1[0], gain: $1[1], epsilon: 1e-6)
    }
  ]
}

extension Tape {
  /// See ``LayerNorm``.
  package func layerNorm(
    _ x: Variable, gain: Variable, bias: Variable, epsilon: Float
  ) -> Variable {
    let input = x.value
    var mean = Tensor(zeros: [input.rows])
    var inverse = Tensor(zeros: [input.rows])
    let output = Tensor(uninitialized: input.shape) { y in
      mean.modify { mean in
        inverse.modify { inverse in
          withPointers(input, gain.value, bias.value) {
            vm_layer_norm(y, mean, inverse, $0, $1, $2, input.rows, input.columns, epsilon)
          }
        }
      }
    }
    return record(
      LayerNorm(input: input, gain: gain.value, mean: mean, inverse: inverse),
      inputs: [x, gain, bias], output: output)
  }

  /// See ``RMSNorm``.
  package func rmsNorm(_ x: Variable, gain: Variable, epsilon: Float) -> Variable {
    let input = x.value
    var inverse = Tensor(zeros: [input.rows])
    let output = Tensor(uninitialized: input.shape) { y in
      inverse.modify { inverse in
        withPointers(input, gain.value) {
          vm_rms_norm(y, inverse, $0, $1, input.rows, input.columns, epsilon)
        }
      }
    }
    return record(
      RMSNorm(input: input, gain: gain.value, inverse: inverse), inputs: [x, gain],
      output: output)
  }
}
