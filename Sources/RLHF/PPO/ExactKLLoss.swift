import CKernels
package import Numerics

/// L = w Σ_t KL(π(·|s_t) ‖ π_ref(·|s_t)): the KL penalty as a loss, exact over the vocabulary for every
/// state that was visited. How π changes which states are visited is not in its gradient.
///
/// Logits of π `[M, V]`, those of π_ref constants.
package struct ExactKLLoss: DifferentiableOperation {
  let derivatives: Tensor  // [M, V] ∂L/∂logits

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    var gradient = derivatives
    gradient.multiply(by: outputGradient[0])
    inputs.add(gradient, to: 0)
  }

  package static let gradientChecks = [
    GradientCheck("the exact KL in the loss", inputs: [[3, 19]]) {
      let reference = Tensor((0..<57).map { Float($0 % 7) / 3 }, shape: [3, 19])
      return $0.exactKLLoss($1[0], reference: reference, temperature: 0.7, weight: 0.5)
    }
  ]
}

extension Tape {
  /// The loss of ``ExactKLLoss``, a scalar.
  ///
  /// - Parameters:
  ///   - logits: of the policy, `[M, V]`.
  ///   - reference: those of the reference, `[M, V]`.
  ///   - temperature: T, which divides both.
  package func exactKLLoss(
    _ logits: Variable, reference: Tensor, temperature: Double, weight: Double
  ) -> Variable {
    let x = logits.value
    precondition(x.shape == reference.shape, "one row of logits a token from both models")
    var divergences = Tensor(zeros: [x.rows])
    var derivatives = Tensor(uninitialized: x.shape) { dx in
      divergences.modify { out in
        x.read { x in
          reference.read {
            vm_kl_slopes(
              dx, out, x, $0, logits.value.rows, logits.value.columns, Float(1 / temperature))
          }
        }
      }
    }
    derivatives.multiply(by: Float(weight))
    let total = divergences.values.reduce(0.0) { $0 + Double($1) }
    return record(
      ExactKLLoss(derivatives: derivatives), inputs: [logits],
      output: Tensor([Float(weight * total)], shape: []))
  }
}
