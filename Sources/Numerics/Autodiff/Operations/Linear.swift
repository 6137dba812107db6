import CKernels

/// y = x Wᵀ + b
///
/// x `[N, I]`, W `[O, I]` as in `torch.nn.Linear`, b `[O]`, y `[N, O]`; or y `[N, k]` of k outputs
/// side by side, as if W and b had no others.
struct Linear: DifferentiableOperation {
  let input: Tensor  // [N, I]
  let weight: Tensor  // [O, I]
  let outputs: Range<Int>  // of 0 ..< O
  let hasBias: Bool

  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    let (rows, width, first, outputs) = (
      input.rows, input.columns, outputs.lowerBound, outputs.count
    )
    outputGradient.read { dy in
      inputs.write(to: 0, shape: input.shape) { dx, accumulating in
        weight.read {
          multiply(
            MatrixOperand(dy, stride: outputs),
            MatrixOperand($0 + first * width, stride: width), into: dx,
            stride: width, rows: rows, columns: width, inner: outputs, accumulating: accumulating)
        }
      }
      func addWeightGradient(_ dw: UnsafeMutablePointer<Float>, accumulating: Bool) {
        input.read {
          multiply(
            MatrixOperand(dy, stride: outputs, transposed: true), MatrixOperand($0, stride: width),
            into: dw + first * width, stride: width, rows: outputs, columns: width, inner: rows,
            accumulating: accumulating)
        }
      }
      if outputs == weight.rows {
        inputs.write(to: 1, shape: weight.shape, addWeightGradient)
      } else {
        inputs.addInPlace(to: 1, shape: weight.shape) { addWeightGradient($0, accumulating: true) }
      }
      if hasBias {
        inputs.addInPlace(to: 2, shape: [weight.rows]) {
          vm_accumulate_column_sums($0 + first, dy, rows, outputs)
        }
      }
    }
  }

  static let gradientChecks = [
    GradientCheck("linear", inputs: [[3, 4], [5, 4]]) { $0.linear($1[0], weight: $1[1]) },
    GradientCheck("linear with bias", inputs: [[3, 4], [5, 4], [5]]) {
      $0.linear($1[0], weight: $1[1], bias: $1[2])
    },
    GradientCheck("linear, some outputs", inputs: [[3, 4], [5, 4], [5]]) {
      $0.linear($1[0], weight: $1[1], bias: $1[2], outputs: 1..<3)
    },
  ]
}

extension Tape {
  /// x Wᵀ + b; see ``Linear``.
  ///
  /// - Parameter range: the outputs that are computed; nil for all.
  package func linear(
    _ x: Variable, weight: Variable, bias: Variable? = nil, outputs range: Range<Int>? = nil
  ) -> Variable {
    let (input, matrix) = (x.value, weight.value)
    let range = range ?? 0..<matrix.rows
    let (rows, width, outputs) = (input.rows, input.columns, range.count)
    precondition(
      matrix.columns == width, "linear: \(input.shape) does not fit a weight of \(matrix.shape)")
    let output = Tensor(uninitialized: [rows, outputs]) { y in
      input.read { x in
        matrix.read {
          multiply(
            MatrixOperand(x, stride: width),
            MatrixOperand($0 + range.lowerBound * width, stride: width, transposed: true), into: y,
            stride: outputs, rows: rows, columns: outputs, inner: width)
        }
      }
      bias?.value.read { vm_add_row(y, $0 + range.lowerBound, rows, outputs) }
    }
    return record(
      Linear(input: input, weight: matrix, outputs: range, hasBias: bias != nil),
      inputs: bias.map { [x, weight, $0] } ?? [x, weight], output: output)
  }
}

/// W' = W + s · B A: a matrix with a low-rank change (Hu et al. 2021, "LoRA").
///
/// W `[O, I]`, A `[r, I]`, B `[O, r]`, W' `[O, I]`; s is a constant.
struct LowRankUpdate: DifferentiableOperation {
  let down: Tensor  // A [r, I]
  let up: Tensor  // B [O, r]
  let scale: Float

  /// W + s · B A.
  static func output(_ weight: Tensor, down: Tensor, up: Tensor, scale: Float) -> Tensor {
    precondition(
      weight.shape == [up.rows, down.columns] && up.columns == down.rows,
      "\(up.shape) times \(down.shape) does not fit a weight of \(weight.shape)")
    let (rank, width, outputs) = (down.rows, down.columns, up.rows)
    var sum = weight
    sum.modify { sum in
      up.read { up in
        down.read { down in
          multiply(
            MatrixOperand(up, stride: rank), MatrixOperand(down, stride: width), into: sum,
            stride: width, rows: outputs, columns: width, inner: rank, scale: scale,
            accumulating: true)
        }
      }
    }
    return sum
  }

  func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    let (rank, width, outputs) = (down.rows, down.columns, up.rows)
    inputs.add(outputGradient, to: 0)
    outputGradient.read { dy in
      inputs.write(to: 1, shape: down.shape) { dA, accumulating in
        up.read {
          multiply(
            MatrixOperand($0, stride: rank, transposed: true), MatrixOperand(dy, stride: width),
            into: dA, stride: width, rows: rank, columns: width, inner: outputs, scale: scale,
            accumulating: accumulating)
        }
      }
      inputs.write(to: 2, shape: up.shape) { dB, accumulating in
        down.read {
          multiply(
            MatrixOperand(dy, stride: width), MatrixOperand($0, stride: width, transposed: true),
            into: dB, stride: rank, rows: outputs, columns: rank, inner: width, scale: scale,
            accumulating: accumulating)
        }
      }
    }
  }

  static let gradientChecks = [
    GradientCheck("low-rank update", inputs: [[5, 4], [2, 4], [5, 2]]) {
      $0.lowRankUpdate($1[0], down: $1[1], up: $1[2], scale: 1.5)
    }
  ]
}

extension Tape {
  /// W + s · B A; see ``LowRankUpdate``.
  func lowRankUpdate(
    _ weight: Variable, down: Variable, up: Variable, scale: Float
  ) -> Variable {
    record(
      LowRankUpdate(down: down.value, up: up.value, scale: scale), inputs: [weight, down, up],
      output: LowRankUpdate.output(
        weight.value, down: down.value, up: up.value, scale: scale))
  }
}
