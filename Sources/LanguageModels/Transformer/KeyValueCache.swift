import CKernels
import Numerics

/// Keys and values of the tokens so far, for every layer and every sequence of one worker's batch.
///
/// Each row of a batch belongs to a slot. A slot can be copied to others, so that one pass over a
/// prompt serves all samples of it.
package final class KeyValueCache {
  let capacity: Int  // a multiple of 16, for the kernel
  let weights: PackedWeights?
  private let shape: AttentionShape
  private var keys: [Tensor]  // per layer [slots · Hkv, capacity / 16, d, 16]
  private var values: [Tensor]  // per layer [slots · Hkv, capacity, d]
  private var lengths: [Int]
  /// The slot of each segment of the batch at work.
  package var slots: [Int] = []

  /// - Parameters:
  ///   - slots: sequences.
  ///   - capacity: tokens of the longest one.
  ///   - weights: the model's, laid out for many small products; nil to use them as they are.
  package init(
    for configuration: DecoderConfiguration, slots: Int, capacity: Int,
    weights: PackedWeights? = nil
  ) {
    self.capacity = (capacity + 15) / 16 * 16
    self.weights = weights
    shape = configuration.attention
    let heads = slots * shape.keyValueHeads
    let (width, rows) = (shape.width, self.capacity)
    keys = (0..<configuration.layers).map { _ in Tensor(zeros: [heads, rows / 16, width, 16]) }
    values = (0..<configuration.layers).map { _ in Tensor(zeros: [heads, rows, width]) }
    lengths = Array(repeating: 0, count: slots)
  }

  /// Tokens kept in a slot.
  package func length(of slot: Int) -> Int { lengths[slot] }

  /// Gives every slot of `destinations` what `source` holds.
  package func copy(slot source: Int, to destinations: some Sequence<Int>) {
    let count = capacity * shape.keyValueWidth
    for destination in destinations where destination != source {
      for layer in keys.indices {
        func copySlot(_ slots: UnsafeMutablePointer<Float>) {
          (slots + destination * count).update(from: slots + source * count, count: count)
        }
        keys[layer].modify(copySlot)
        values[layer].modify(copySlot)
      }
      lengths[destination] = lengths[source]
    }
  }

  /// Attention of new rows, which are kept, over everything in their slots.
  ///
  /// - Parameters:
  ///   - heads: of this layer, which may have a window.
  ///   - rows: `[N, (H + 2 Hkv) d]`, rotated.
  /// - Returns: `[N, H d]`
  func attend(
    layer index: Int, _ heads: AttentionShape, rows: Tensor, over batch: PackedBatch
  ) -> Tensor {
    precondition(slots.count == batch.segments.count, "every segment needs a slot of the cache")
    var scratch = Tensor(zeros: [capacity])
    return Tensor(uninitialized: [batch.count, shape.queryWidth]) { output in
      rows.read { rows in
        scratch.modify { scratch in
          keys[index].modify { keys in
            values[index].modify { values in
              for (index, segment) in batch.segments.enumerated() {
                let slot = slots[index]
                precondition(
                  lengths[slot] + segment.rows.count <= capacity, "the cache is full")
                let base = slot * slotSize
                for (position, row) in zip(lengths[slot]..., segment.rows) {
                  // Where the row after this one, often of another slot, has its keys and values.
                  let isLast = row + 1 == segment.rows.upperBound && index + 1 < slots.count
                  let next = isLast ? (slots[index + 1] - slot) * slotSize : 0
                  let new = rows + row * shape.rowWidth
                  vm_keep(
                    keys + base, values + base, new + shape.queryWidth, position,
                    shape.keyValueHeads, capacity, shape.width, next)
                  // Whole blocks of sixteen keys before the window are left out.
                  let hidden = heads.window.map { max(0, position + 1 - $0) } ?? 0
                  let skipped = hidden / 16 * 16
                  for head in 0..<shape.heads {
                    let start = base + offset(of: head)
                    let end = head + 1 < shape.heads ? base + offset(of: head + 1) : base + next
                    let seen = start + skipped * shape.width
                    vm_attend(
                      output + row * shape.queryWidth + head * shape.width,
                      new + head * shape.width, keys + seen, values + seen, hidden - skipped,
                      position + 1 - skipped, shape.width, shape.scale, end - start, scratch)
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  /// Floats of keys, and of values, of a slot.
  private var slotSize: Int { capacity * shape.keyValueWidth }

  /// Where in a slot the keys and values are that a query head sees.
  private func offset(of head: Int) -> Int {
    head / shape.queriesPerKey * shape.width * capacity
  }

  /// Counts the rows of a batch as kept, after its last layer.
  func advance(over batch: PackedBatch) {
    for (segment, slot) in zip(batch.segments, slots) { lengths[slot] += segment.rows.count }
  }
}

/// The matrices of a language model, laid out for sampling.
package struct PackedWeights: Sendable {
  private let matrices: [PackedMatrix?]  // one per parameter

  init(_ model: LanguageModel, workers: Workers) throws {
    let layout = model.decoder.layout
    let projections = [layout.embeddingProjection, layout.outputProjection].compactMap(\.?.weight)
    let indices = layout.layers.flatMap(\.weights) + projections + [model.headWeight]
    let packed = try workers.map(indices.count) {
      PackedMatrix(model.parameters.effective(indices[$0]))
    }
    var matrices = [PackedMatrix?](repeating: nil, count: model.parameters.count)
    for (index, matrix) in zip(indices, packed) { matrices[index] = matrix }
    self.matrices = matrices
  }

  subscript(parameter: Int) -> PackedMatrix? { matrices[parameter] }
}
