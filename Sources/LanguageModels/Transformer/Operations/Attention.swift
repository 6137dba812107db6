package import Numerics

/// The operations of the decoder; each has finite-difference checks.
package enum TransformerOperations {
  package static var all: [any DifferentiableOperation.Type] {
    [Attention.self, SelectedAttention.self, HeadNorm.self]
  }
}

/// Heads of an attention layer over rows of (queries, keys, values).
package struct AttentionShape: Sendable, Equatable {
  package let heads: Int
  package let keyValueHeads: Int
  /// The width of one head.
  package let width: Int
  /// How many keys a query sees at most, its own among them; nil for all before it.
  package var window: Int?

  package init(heads: Int, keyValueHeads: Int, width: Int, window: Int? = nil) {
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.width = width
    self.window = window
  }

  var queryWidth: Int { heads * width }
  var keyValueWidth: Int { keyValueHeads * width }
  /// Columns of a row: all query heads, then all key heads, then all value heads.
  package var rowWidth: Int { queryWidth + 2 * keyValueWidth }
  /// Those of a row that turn with the position: queries and keys, not values.
  var rotatedHeads: Int { heads + keyValueHeads }
  var queriesPerKey: Int { heads / keyValueHeads }
  var scale: Float { 1 / Float(width).squareRoot() }
}

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
    AttentionCheck.all.map { name, batch, shape, rotary in
      GradientCheck("attention, " + name, inputs: [[batch.count, shape.rowWidth]]) {
        $0.attention($1[0], shape, over: batch, rotary: rotary)
      }
    }
  }()
}

/// What attention is checked on: grouped heads, a prefix that two segments share.
enum AttentionCheck {
  static let all: [(String, PackedBatch, AttentionShape, RotaryTable?)] = {
    var batch = PackedBatch()
    let prompt = batch.append([0, 0])
    batch.append([0, 0, 0], after: prompt)
    batch.append([0], after: prompt)
    batch.append([0, 0])
    let shape = AttentionShape(heads: 4, keyValueHeads: 2, width: 4)
    let windowed = AttentionShape(heads: 4, keyValueHeads: 2, width: 4, window: 2)
    let rotary = RotaryTable(positions: 8, headWidth: 4, base: 100)
    let partial = RotaryTable(positions: 2, headWidth: 4, rotatedWidth: 2, base: 100)
    return [
      ("rotary", batch, shape, rotary), ("no rotary", batch, shape, nil),
      ("partial rotary, beyond the table", batch, shape, partial),
      ("window", batch, windowed, rotary),
    ]
  }()
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
