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
    var scratch = HeadLayout.scratch(for: segments, shape)
    // Every row is some segment's own, and each segment sets its own rows before others add to them.
    var gradient = Tensor(uninitialized: rows.shape) { gradient in
      scratch.modify { scratch in
        rows.read { rows in
          outputGradient.read { outputGradient in
            logSums.read { logSums in
              for segment in segments {
                for index in 0..<shape.heads {
                  let layout = HeadLayout(shape: shape, index: index, segment: segment)
                  var head = layout.reading(rows)
                  var slopes = layout.writing(gradient)
                  vm_attention_backward(
                    &slopes, outputGradient + layout.outputOffset, shape.queryWidth,
                    logSums + index * self.rows.rows + segment.rows.lowerBound, &head, scratch)
                }
              }
            }
          }
        }
      }
    }
    rotary?.rotate(&gradient, to: positions, shape, sign: -1)
    inputs.add(gradient, to: 0)
  }

  package static let gradientChecks: [GradientCheck] = {
    var batch = PackedBatch()
    let prompt = batch.append([0, 0])
    batch.append([0, 0, 0], after: prompt)
    batch.append([0], after: prompt)
    batch.append([0, 0])
    let shape = AttentionShape(heads: 4, keyValueHeads: 2, width: 4)
    let rotary = RotaryTable(positions: 8, width: 4, base: 100)
    return [("grouped, rotary, shared prefix", Optional(rotary)), ("no rotary", nil)].map {
      name, rotary in
      GradientCheck("attention, " + name, inputs: [[batch.count, shape.rowWidth]]) {
        [batch] in $0.attention($1[0], shape, over: batch, rotary: rotary)
      }
    }
  }()
}

/// Where the kernels find one query head of one segment, and the keys and values that it sees: those
/// of the prefix, then their own.
private struct HeadLayout {
  let shape: AttentionShape
  let index: Int
  let segment: PackedBatch.Segment

  private var queries: Int { segment.rows.lowerBound * shape.rowWidth + index * shape.width }
  private var keyColumn: Int { shape.queryWidth + index / shape.queriesPerKey * shape.width }
  private var keys: Int { segment.rows.lowerBound * shape.rowWidth + keyColumn }
  private var prefixKeys: Int { segment.prefix.lowerBound * shape.rowWidth + keyColumn }

  /// Of the first row's output in `[N, H d]`.
  var outputOffset: Int { segment.rows.lowerBound * shape.queryWidth + index * shape.width }

  func reading(_ rows: UnsafePointer<Float>) -> vm_attention {
    vm_attention(
      queries: rows + queries, keys: rows + keys, values: rows + keys + shape.keyValueWidth,
      prefix_keys: rows + prefixKeys, prefix_values: rows + prefixKeys + shape.keyValueWidth,
      prefix: segment.prefix.count, rows: segment.rows.count, stride: shape.rowWidth,
      width: shape.width, scale: shape.scale)
  }

  func writing(_ rows: UnsafeMutablePointer<Float>) -> vm_attention_gradient {
    vm_attention_gradient(
      queries: rows + queries, keys: rows + keys, values: rows + keys + shape.keyValueWidth,
      prefix_keys: rows + prefixKeys, prefix_values: rows + prefixKeys + shape.keyValueWidth,
      accumulating: index % shape.queriesPerKey == 0 ? 0 : 1)
  }

  /// Memory that the largest segment needs.
  static func scratch(for segments: [PackedBatch.Segment], _ shape: AttentionShape) -> Tensor {
    let largest = segments.map {
      vm_attention_scratch($0.prefix.count, $0.rows.count, shape.width)
    }.max()
    return Tensor(uninitialized: [largest ?? 0]) { _ in }
  }
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
    rotary?.rotate(&rows, to: batch.positions, shape, sign: 1)
    var logSums = Tensor(zeros: [shape.heads, batch.count])
    var scratch = HeadLayout.scratch(for: batch.segments, shape)
    let output = Tensor(uninitialized: [batch.count, shape.queryWidth]) { y in
      scratch.modify { scratch in
        logSums.modify { logSums in
          rows.read { rows in
            for segment in batch.segments {
              for index in 0..<shape.heads {
                let layout = HeadLayout(shape: shape, index: index, segment: segment)
                var head = layout.reading(rows)
                vm_attention_forward(
                  y + layout.outputOffset, shape.queryWidth,
                  logSums + index * batch.count + segment.rows.lowerBound, &head, scratch)
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
