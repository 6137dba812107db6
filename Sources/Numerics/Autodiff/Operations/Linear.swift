import CKernels

/// y = x Wᵀ + b
///
/// x `[N, I]`, W `[O, I]` as in `torch.nn.Linear`, b `[O]`, y `[N, O]`; or y `[N, k]` of k outputs
/// side by side, as if W and b had no others.
package struct Linear: DifferentiableOperation {
  let input: Tensor  // [N, I]
  let weight: Tensor  // [O, I]
  let outputs: Range<Int>  // of 0 ..< O
  let hasBias: Bool

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
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

  package static let gradientChecks = [
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
