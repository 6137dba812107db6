package import Autodiff
import CVectorMath
package import Tensors

/// Causal multi-head attention over the segments of a ``PackedBatch``, with rotary positions.
///
/// P = softmax(Q Kᵀ / √d), y = P V (Vaswani et al. 2017), each query head h with the key-value head
/// h / (heads / keyValueHeads) (Ainslie et al. 2023). The probabilities are not kept: they come
/// back from the scores and one log-sum per row and head.
package struct Attention: DifferentiableOperation {
  let rows: Tensor  // [N, (H + 2 Hkv) d], rotated
  let logSums: Tensor  // [H, N]
  let shape: AttentionShape
  let segments: [PackedBatch.Segment]
  let rotary: RotaryTable?
  let positions: [Int32]  // [N]

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    guard inputs.isNeeded(0) else { return }
    var scratch = Self.scratch(for: segments, shape)
    // Every row is some segment's own, and each segment sets its own rows before others add to them.
    var gradient = Tensor(uninitialized: rows.shape) { gradient in
      scratch.modify { scratch in
        rows.read { rows in
          outputGradient.read { outputGradient in
            logSums.read { logSums in
              for segment in segments {
                for index in 0..<shape.heads {
                  let layout = HeadLayout(shape, head: index, of: segment)
                  var head = layout.reading(rows, rows)
                  var slopes = layout.writing(gradient, gradient)
                  vm_attention_backward(
                    &slopes, outputGradient + layout.outputOffset, shape.queryWidth,
                    logSums + index * self.rows.rows + layout.logSumOffset, &head, scratch)
                }
              }
            }
          }
        }
      }
    }
    rotary?.rotate(&gradient, to: positions, heads: shape.rotatedHeads, sign: -1)
    inputs.add(gradient, to: 0)
  }

  fileprivate static func scratch(
    for segments: [PackedBatch.Segment], _ shape: AttentionShape
  ) -> Tensor {
    HeadLayout.scratch(for: segments.lazy.map { HeadLayout(shape, head: 0, of: $0) })
  }

  package static let gradientChecks: [GradientCheck] = {
    let (batch, shape) = AttentionCheck.batch
    return AttentionCheck.rotaries.map { name, rotary in
      GradientCheck("attention, " + name, inputs: [[batch.count, shape.rowWidth]]) {
        $0.attention($1[0], shape, over: batch, rotary: rotary)
      }
    }
  }()
}

/// What attention is checked on: grouped heads, a prefix that two segments share.
enum AttentionCheck {
  static let batch: (PackedBatch, AttentionShape) = {
    var batch = PackedBatch()
    let prompt = batch.append([0, 0])
    batch.append([0, 0, 0], after: prompt)
    batch.append([0], after: prompt)
    batch.append([0, 0])
    return (batch, AttentionShape(heads: 4, keyValueHeads: 2, width: 4))
  }()

  static let rotaries = [
    ("rotary", Optional(RotaryTable(positions: 8, width: 4, base: 100))), ("no rotary", nil),
  ]
}

extension Tape {
  /// Attention of every segment; see ``Attention``.
  ///
  /// - Parameters:
  ///   - x: `[N, (H + 2 Hkv) d]`, the projected queries, keys and values.
  ///   - rotary: angles, or nil when positions enter elsewhere.
  /// - Returns: `[N, H d]`
  package func attention(
    _ x: Variable, _ shape: AttentionShape, over batch: PackedBatch, rotary: RotaryTable?
  ) -> Variable {
    var rows = x.value
    precondition(
      rows.shape == [batch.count, shape.rowWidth],
      "attention: rows of \(rows.shape) for a batch of \(batch.count) × \(shape.rowWidth)")
    rotary?.rotate(&rows, to: batch.positions, heads: shape.rotatedHeads, sign: 1)
    var logSums = Tensor(zeros: [shape.heads, batch.count])
    var scratch = Attention.scratch(for: batch.segments, shape)
    let output = Tensor(uninitialized: [batch.count, shape.queryWidth]) { y in
      scratch.modify { scratch in
        logSums.modify { logSums in
          rows.read { rows in
            for segment in batch.segments {
              for index in 0..<shape.heads {
                let layout = HeadLayout(shape, head: index, of: segment)
                var head = layout.reading(rows, rows)
                vm_attention_forward(
                  y + layout.outputOffset, shape.queryWidth,
                  logSums + index * batch.count + layout.logSumOffset, &head, scratch)
              }
            }
          }
        }
      }
    }
    return record(
      Attention(
        rows: rows, logSums: logSums, shape: shape, segments: batch.segments, rotary: rotary,
        positions: batch.positions),
      inputs: [x], output: output)
  }
}
