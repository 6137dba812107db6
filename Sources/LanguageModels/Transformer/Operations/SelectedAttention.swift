package import Numerics

/// ``Attention`` of some rows alone: queries of those, keys and values of all.
///
/// What follows the last layer reads a few rows; no other row of it needs a query.
package struct SelectedAttention: DifferentiableOperation {
  let queries: Tensor  // [M, H d], rotated
  let keysValues: Tensor  // [N, 2 Hkv d], keys rotated
  let logSums: Tensor  // [H, M]
  let shape: AttentionShape
  let spans: [PackedBatch.Span]
  let rotary: RotaryTable?
  let queryPositions: [Int32]  // [M]
  let positions: [Int32]  // [N]

  package func backward(_ outputGradient: Tensor, into inputs: inout InputGradients) {
    // Spans may share rows of keys, and some rows are seen by none.
    var keyGradient = Tensor(zeros: keysValues.shape)
    var queryGradient = Tensor(uninitialized: queries.shape) { queryGradient in
      keyGradient.modify { keyGradient in
        queries.read { queries in
          keysValues.read { keysValues in
            outputGradient.read { outputGradient in
              logSums.read {
                HeadLayout.backward(
                  Self.heads(of: spans, shape), count: queryPositions.count, queries: queries,
                  keysValues: keysValues, outputGradient: outputGradient, logSums: $0,
                  queryGradient: queryGradient, keyGradient: keyGradient)
              }
            }
          }
        }
      }
    }
    rotary?.rotate(&queryGradient, to: queryPositions, heads: shape.heads, sign: -1)
    rotary?.rotate(&keyGradient, to: positions, heads: shape.keyValueHeads, sign: -1)
    inputs.add(queryGradient, to: 0)
    inputs.add(keyGradient, to: 1)
  }

  fileprivate static func heads(
    of spans: [PackedBatch.Span], _ shape: AttentionShape
  ) -> [HeadLayout] {
    spans.flatMap { span in (0..<shape.heads).map { HeadLayout(shape, head: $0, of: span) } }
  }

  package static let gradientChecks: [GradientCheck] = {
    let rows: [Int32] = [3, 4, 7, 5, 3, 0]
    return AttentionCheck.all.map { name, batch, shape, rotary in
      GradientCheck(
        "attention of some rows, " + name,
        inputs: [[rows.count, shape.queryWidth], [batch.count, 2 * shape.keyValueWidth]]
      ) {
        $0.attention(
          queries: $1[0], at: rows, keysValues: $1[1], shape, over: batch, rotary: rotary)
      }
    }
  }()
}

extension Tape {
  /// Attention of some rows; see ``SelectedAttention``.
  ///
  /// - Parameters:
  ///   - queries: `[M, H d]`, projected.
  ///   - rows: the M rows of the batch that they belong to.
  ///   - keysValues: `[N, 2 Hkv d]`, projected.
  ///   - rotary: angles, or nil when positions enter elsewhere.
  /// - Returns: `[M, H d]`
  package func attention(
    queries: Variable, at rows: [Int32], keysValues: Variable, _ shape: AttentionShape,
    over batch: PackedBatch, rotary: RotaryTable?
  ) -> Variable {
    var (selected, all) = (queries.value, keysValues.value)
    precondition(
      selected.shape == [rows.count, shape.queryWidth]
        && all.shape == [batch.count, 2 * shape.keyValueWidth],
      "attention: queries of \(selected.shape) and keys and values of \(all.shape) do not fit")
    let positions = rows.map { batch.positions[Int($0)] }
    rotary?.rotate(&selected, to: positions, heads: shape.heads, sign: 1)
    rotary?.rotate(&all, to: batch.positions, heads: shape.keyValueHeads, sign: 1)
    let spans = batch.spans(of: rows)
    var logSums = Tensor(zeros: [shape.heads, rows.count])
    let output = Tensor(uninitialized: selected.shape) { y in
      logSums.modify { logSums in
        selected.read { selected in
          all.read {
            HeadLayout.forward(
              SelectedAttention.heads(of: spans, shape), count: rows.count, queries: selected,
              keysValues: $0, outputs: y, logSums: logSums)
          }
        }
      }
    }
    return record(
      SelectedAttention(
        queries: selected, keysValues: all, logSums: logSums, shape: shape, spans: spans,
        rotary: rotary, queryPositions: positions, positions: batch.positions),
      inputs: [queries, keysValues], output: output)
  }
}
