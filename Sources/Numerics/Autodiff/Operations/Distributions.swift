import CKernels

/// ℓ[i] = log softmax(x[i] / T)[target[i]], softmax and gather in one pass.
///
/// x `[N, V]` logits, ℓ `[N]`, T temperature.
struct LogProbabilities: DifferentiableOperation {
  let logits: Tensor  // [N, V]
  let logSums: Tensor  // [N]
  let targets: [Int32]  // [N]
  let scale: Float  // 1 / T

  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    let gradient = Tensor(uninitialized: logits.shape) { dx in
      withPointers(logits, logSums, outputGradient) {
        vm_log_probabilities_backward(dx, $0, $1, $2, targets, logits.rows, logits.columns, scale)
      }
    }
    inputs.add(gradient, to: 0)
  }

  static let gradientChecks = [
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

/// H[i] = −Σ_c p log p, p = softmax(x[i] / T), in nats.
///
/// x `[N, V]` logits, H `[N]`, T temperature.
struct Entropy: DifferentiableOperation {
  let logits: Tensor  // [N, V]
  let logSums: Tensor  // [N]
  let entropies: Tensor  // [N]
  let scale: Float  // 1 / T

  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    let gradient = Tensor(uninitialized: logits.shape) { dx in
      withPointers(logits, logSums, entropies, outputGradient) {
        vm_entropy_backward(dx, $0, $1, $2, $3, logits.rows, logits.columns, scale)
      }
    }
    inputs.add(gradient, to: 0)
  }

  static let gradientChecks = [
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
