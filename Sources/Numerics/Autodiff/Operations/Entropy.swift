import CKernels

/// H[i] = −Σ_c p log p, p = softmax(x[i] / T), in nats.
///
/// x `[N, V]` logits, H `[N]`, T temperature.
package struct Entropy: DifferentiableOperation {
  let logits: Tensor  // [N, V]
  let logSums: Tensor  // [N]
  let entropies: Tensor  // [N]
  let scale: Float  // 1 / T

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    let gradient = Tensor(uninitialized: logits.shape) { dx in
      logits.read { x in
        logSums.read { sums in
          entropies.read { entropies in
            outputGradient.read {
              vm_entropy_backward(
                dx, x, sums, entropies, $0, logits.rows, logits.columns, scale)
            }
          }
        }
      }
    }
    inputs.add(gradient, to: 0)
  }

  package static let gradientChecks = [
    GradientCheck("entropy at temperature 0.7", inputs: [[3, 21]]) {
      $0.entropies($1[0], temperature: 0.7)
    }
  ]
}

extension Tape {
  /// The entropy of softmax(x / T) per row of logits; see ``Entropy``.
  package func entropies(_ logits: Variable, temperature: Double = 1) -> Variable {
    let x = logits.value
    let scale = Float(1 / temperature)
    // The targets do not matter here: the kernel wants some.
    let targets = Array(repeating: Int32(0), count: x.rows)
    var (unused, sums) = (Tensor(zeros: [x.rows]), Tensor(zeros: [x.rows]))
    let output = Tensor(uninitialized: [x.rows]) { out in
      unused.modify { unused in
        sums.modify { sums in
          x.read { vm_log_probabilities(unused, sums, out, $0, targets, x.rows, x.columns, scale) }
        }
      }
    }
    return record(
      Entropy(logits: x, logSums: sums, entropies: output, scale: scale), inputs: [logits],
      output: output)
  }
}
