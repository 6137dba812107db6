package import Numerics

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
    // Every row is some segment's own, and each segment sets its own rows before others add to them.
    var gradient = Tensor(uninitialized: rows.shape) { gradient in
      rows.read { rows in
        outputGradient.read { outputGradient in
          logSums.read {
            HeadLayout.backward(
              Self.heads(of: segments, shape), count: positions.count, queries: rows,
              keysValues: rows, outputGradient: outputGradient, logSums: $0,
              queryGradient: gradient, keyGradient: gradient)
          }
        }
      }
    }
    rotary?.rotate(&gradient, to: positions, heads: shape.rotatedHeads, sign: -1)
    inputs.add(gradient, to: 0)
  }

  fileprivate static func heads(
    of segments: [PackedBatch.Segment], _ shape: AttentionShape
  ) -> [HeadLayout] {
    segments.flatMap { segment in
      (0..<shape.heads).map { HeadLayout(shape, head: $0, of: segment) }
    }
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
    let output = Tensor(uninitialized: [batch.count, shape.queryWidth]) { y in
      logSums.modify { logSums in
        rows.read {
          HeadLayout.forward(
            Attention.heads(of: batch.segments, shape), count: batch.count, queries: $0,
            keysValues: $0, outputs: y, logSums: logSums)
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
