import CKernels
package import Numerics

/// RMS norm of single heads, each over its own width: the query and key norms of Qwen3.
///
/// x `[N, …]` holds heads of one width side by side. The first heads are normalised with the first gain,
/// the next ones with the second; what comes after them, the values, stays as it is.
package struct HeadNorm: DifferentiableOperation {
  let input: Tensor  // [N, C]
  let gains: [Tensor]  // [d] each
  let heads: [Int]  // of each gain
  let inverses: Tensor  // [N, normalised heads] 1 / √(mean x² + ε)

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    var gradient = outputGradient
    var gainGradients = gains.map { Tensor(zeros: $0.shape) }
    let (columns, normalised) = (input.columns, heads.reduce(0, +))
    gradient.modify { dx in
      input.read { x in
        inverses.read { inverses in
          outputGradient.read { dy in
            for index in gains.indices {
              let (width, before) = (gains[index].count, heads[..<index].reduce(0, +))
              gains[index].read { gain in
                gainGradients[index].modify { dgain in
                  for row in 0..<input.rows {
                    let offset = row * columns + before * width
                    vm_rms_norm_backward(
                      dx + offset, dgain, dy + offset, x + offset,
                      inverses + row * normalised + before, gain, heads[index], width)
                  }
                }
              }
            }
          }
        }
      }
    }
    inputs.add(gradient, to: 0)
    for index in gains.indices { inputs.add(gainGradients[index], to: 1 + index) }
  }

  package static let gradientChecks = [
    GradientCheck("norm of heads", inputs: [[3, 20], [4], [4]]) {
      $0.headNorm($1[0], gains: [(2, $1[1]), (1, $1[2])], epsilon: 1e-6)
    }
  ]
}

extension Tape {
  /// See ``HeadNorm``.
  ///
  /// - Parameters:
  ///   - x: `[N, C]`, of at least as many heads as are normalised.
  ///   - gains: each `[d]`, and how many heads it is for.
  package func headNorm(
    _ x: Variable, gains: [(heads: Int, gain: Variable)], epsilon: Float
  ) -> Variable {
    let input = x.value
    let (columns, normalised) = (input.columns, gains.reduce(0) { $0 + $1.heads })
    var inverses = Tensor(zeros: [input.rows, normalised])
    var output = input
    output.modify { y in
      inverses.modify { inverses in
        input.read { x in
          var before = 0
          for (heads, gain) in gains {
            let width = gain.value.count
            gain.value.read { gain in
              for row in 0..<input.rows {
                let offset = row * columns + before * width
                vm_rms_norm(
                  y + offset, inverses + row * normalised + before, x + offset, gain, heads, width,
                  epsilon)
              }
            }
            before += heads
          }
        }
      }
    }
    return record(
      HeadNorm(
        input: input, gains: gains.map(\.gain.value), heads: gains.map(\.heads),
        inverses: inverses),
      inputs: [x] + gains.map(\.gain), output: output)
  }
}
