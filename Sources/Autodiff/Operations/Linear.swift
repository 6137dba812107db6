import CVectorMath
package import Tensors

/// y = x Wᵀ + b
///
/// x `[N, I]`, W `[O, I]` as in `torch.nn.Linear`, b `[O]`, y `[N, O]`.
package struct Linear: DifferentiableOperation {
  let input: Tensor  // [N, I]
  let weight: Tensor  // [O, I]
  let hasBias: Bool

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    let (rows, width, outputs) = (input.rows, input.columns, weight.rows)
    outputGradient.read { dy in
      inputs.write(to: 0, shape: input.shape) { dx, accumulating in
        weight.read {
          multiply(
            MatrixOperand(dy, stride: outputs), MatrixOperand($0, stride: width), into: dx,
            stride: width, rows: rows, columns: width, inner: outputs, accumulating: accumulating)
        }
      }
      inputs.write(to: 1, shape: weight.shape) { dw, accumulating in
        input.read {
          multiply(
            MatrixOperand(dy, stride: outputs, transposed: true), MatrixOperand($0, stride: width),
            into: dw, stride: width, rows: outputs, columns: width, inner: rows,
            accumulating: accumulating)
        }
      }
      if hasBias {
        inputs.addInPlace(to: 2, shape: [outputs]) {
          vm_accumulate_column_sums($0, dy, rows, outputs)
        }
      }
    }
  }

  package static let gradientChecks = [
    GradientCheck("linear", inputs: [[3, 4], [5, 4]]) { $0.linear($1[0], weight: $1[1]) },
    GradientCheck("linear with bias", inputs: [[3, 4], [5, 4], [5]]) {
      $0.linear($1[0], weight: $1[1], bias: $1[2])
    },
  ]
}

extension Tape {
  /// x Wᵀ + b; see ``Linear``.
  package func linear(_ x: Variable, weight: Variable, bias: Variable? = nil) -> Variable {
    let (input, matrix) = (x.value, weight.value)
    let (rows, width, outputs) = (input.rows, input.columns, matrix.rows)
    precondition(
      matrix.columns == width, "linear: \(input.shape) does not fit a weight of \(matrix.shape)")
    let output = Tensor(uninitialized: [rows, outputs]) { y in
      input.read { x in
        matrix.read {
          multiply(
            MatrixOperand(x, stride: width), MatrixOperand($0, stride: width, transposed: true),
            into: y, stride: outputs, rows: rows, columns: outputs, inner: width)
        }
      }
      bias?.value.read { vm_add_row(y, $0, rows, outputs) }
    }
    return record(
      Linear(input: input, weight: matrix, hasBias: bias != nil),
      inputs: bias.map { [x, weight, $0] } ?? [x, weight], output: output)
  }
}
