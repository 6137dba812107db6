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
    var gradient = Tensor(zeros: rows.shape)
    let longest = segments.map { $0.rows.count * ($0.prefix.count + $0.rows.count) }.max() ?? 0
    var scratch = Tensor(zeros: [2, longest])
    gradient.modify { gradient in
      scratch.modify { scratch in
        rows.read { rows in
          outputGradient.read { outputGradient in
            logSums.read { logSums in
              for segment in segments {
                for head in 0..<shape.heads {
                  let pass = HeadBackward(
                    head: AttentionHead(shape, head, segment, rows),
                    gradient: gradient, outputGradient: outputGradient,
                    logSums: logSums + head * self.rows.rows + segment.rows.lowerBound,
                    probabilities: scratch, scores: scratch + longest)
                  pass.run()
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

/// The queries of one head in one segment, and the keys and values that they see: those of the
/// prefix, then their own.
private struct AttentionHead {
  struct Block {
    let keys: UnsafePointer<Float>
    let values: UnsafePointer<Float>
    let offset: Int  // of its first key and value in the batch's memory, for gradients
    let count: Int
    let column: Int  // of its first key among the scores
  }

  let shape: AttentionShape
  let queries: UnsafePointer<Float>
  let queryOffset: Int
  let outputOffset: Int
  let count: Int
  let blocks: [Block]

  init(
    _ shape: AttentionShape, _ head: Int, _ segment: PackedBatch.Segment,
    _ rows: UnsafePointer<Float>
  ) {
    self.shape = shape
    let keyColumn = shape.queryWidth + head / shape.queriesPerKey * shape.width
    func block(_ range: Range<Int>, column: Int) -> Block {
      let offset = range.lowerBound * shape.rowWidth + keyColumn
      return Block(
        keys: rows + offset, values: rows + offset + shape.keyValueWidth, offset: offset,
        count: range.count, column: column)
    }
    queryOffset = segment.rows.lowerBound * shape.rowWidth + head * shape.width
    outputOffset = segment.rows.lowerBound * shape.queryWidth + head * shape.width
    queries = rows + queryOffset
    count = segment.rows.count
    let own = block(segment.rows, column: segment.prefix.count)
    blocks = segment.prefix.isEmpty ? [own] : [block(segment.prefix, column: 0), own]
  }

  /// Keys seen by the last query.
  var width: Int { blocks.reduce(0) { $0 + $1.count } }

  /// scores[r, c] = q_r · k_c
  func writeScores(to scores: UnsafeMutablePointer<Float>) {
    for block in blocks {
      multiply(
        MatrixOperand(queries, stride: shape.rowWidth),
        MatrixOperand(block.keys, stride: shape.rowWidth, transposed: true),
        into: scores + block.column, stride: width, rows: count, columns: block.count,
        inner: shape.width)
    }
  }
}

private struct HeadBackward {
  let head: AttentionHead
  let gradient: UnsafeMutablePointer<Float>
  let outputGradient: UnsafePointer<Float>
  let logSums: UnsafePointer<Float>
  let probabilities: UnsafeMutablePointer<Float>  // scratch
  let scores: UnsafeMutablePointer<Float>  // scratch

  func run() {
    let (shape, count, width) = (head.shape, head.count, head.width)
    let first = width - count + 1
    let dy = MatrixOperand(outputGradient + head.outputOffset, stride: shape.queryWidth)
    head.writeScores(to: probabilities)
    vm_causal_softmax_again(probabilities, logSums, count, width, width, first, shape.scale)
    for block in head.blocks {
      // dV += Pᵀ dY, dP = dY Vᵀ
      multiply(
        MatrixOperand(probabilities + block.column, stride: width, transposed: true), dy,
        into: gradient + block.offset + shape.keyValueWidth, stride: shape.rowWidth,
        rows: block.count, columns: shape.width, inner: count, accumulating: true)
      multiply(
        dy, MatrixOperand(block.values, stride: shape.rowWidth, transposed: true),
        into: scores + block.column, stride: width, rows: count, columns: block.count,
        inner: shape.width)
    }
    vm_causal_softmax_backward(scores, probabilities, count, width, width, first, shape.scale)
    for block in head.blocks {
      // dQ += dS K, dK += dSᵀ Q
      multiply(
        MatrixOperand(scores + block.column, stride: width),
        MatrixOperand(block.keys, stride: shape.rowWidth), into: gradient + head.queryOffset,
        stride: shape.rowWidth, rows: count, columns: shape.width, inner: block.count,
        accumulating: true)
      multiply(
        MatrixOperand(scores + block.column, stride: width, transposed: true),
        MatrixOperand(head.queries, stride: shape.rowWidth), into: gradient + block.offset,
        stride: shape.rowWidth, rows: block.count, columns: shape.width, inner: count,
        accumulating: true)
    }
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
    let longest =
      batch.segments.map { $0.rows.count * ($0.prefix.count + $0.rows.count) }.max() ?? 0
    var scratch = Tensor(zeros: [longest])
    let output = Tensor(uninitialized: [batch.count, shape.queryWidth]) { y in
      scratch.modify { scores in
        logSums.modify { logSums in
          rows.read { rows in
            for segment in batch.segments {
              for index in 0..<shape.heads {
                let head = AttentionHead(shape, index, segment, rows)
                let width = head.width
                head.writeScores(to: scores)
                vm_causal_softmax(
                  scores, logSums + index * batch.count + segment.rows.lowerBound, head.count,
                  width, width, width - head.count + 1, shape.scale)
                for (order, block) in head.blocks.enumerated() {
                  multiply(
                    MatrixOperand(scores + block.column, stride: width),
                    MatrixOperand(block.values, stride: shape.rowWidth),
                    into: y + head.outputOffset, stride: shape.queryWidth, rows: head.count,
                    columns: shape.width, inner: block.count, accumulating: order > 0)
                }
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
