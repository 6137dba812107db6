import CKernels

/// ℓ[i] = log softmax(x[i] / T)[target[i]], softmax and gather in one pass.
///
/// x `[N, V]` logits, ℓ `[N]`, T temperature.
package struct LogProbabilities: DifferentiableOperation {
  let logits: Tensor  // [N, V]
  let logSums: Tensor  // [N]
  let targets: [Int32]  // [N]
  let scale: Float  // 1 / T

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    let gradient = Tensor(uninitialized: logits.shape) { dx in
      logits.read { x in
        logSums.read { sums in
          outputGradient.read {
            vm_log_probabilities_backward(
              dx, x, sums, $0, targets, logits.rows, logits.columns, scale)
          }
        }
      }
    }
    inputs.add(gradient, to: 0)
  }

  package static let gradientChecks = [
    GradientCheck("log-probabilities at temperature 0.7", inputs: [[3, 21]]) {
      $0.logProbabilities($1[0], targets: [4, 0, 20], temperature: 0.7)
    }
  ]
}

extension Tape {
  /// log π(target) per row of logits; see ``LogProbabilities``.
  package func logProbabilities(
    _ logits: Variable, targets: [Int32], temperature: Double = 1
  ) -> Variable {
    let x = logits.value
    precondition(
      targets.count == x.rows && targets.allSatisfy { $0 >= 0 && $0 < x.columns },
      "log-probabilities: \(targets.count) targets do not fit logits of \(x.shape)")
    let scale = Float(1 / temperature)
    var sums = Tensor(zeros: [x.rows])
    let output = Tensor(uninitialized: [x.rows]) { out in
      sums.modify { sums in
        x.read { vm_log_probabilities(out, sums, nil, $0, targets, x.rows, x.columns, scale) }
      }
    }
    return record(
      LogProbabilities(logits: x, logSums: sums, targets: targets, scale: scale),
      inputs: [logits], output: output)
  }
}
