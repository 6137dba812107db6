/// W' = W + s · B A: a matrix with a low-rank change (Hu et al. 2021, "LoRA").
///
/// W `[O, I]`, A `[r, I]`, B `[O, r]`, W' `[O, I]`; s is a constant.
package struct LowRankUpdate: DifferentiableOperation {
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

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
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

  package static let gradientChecks = [
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
