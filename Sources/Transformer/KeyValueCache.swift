import CVectorMath
import Tensors

/// Keys and values of the tokens so far, for every layer and every sequence of one worker's batch.
///
/// Each row of a batch belongs to a slot. A slot can be copied to others, so that one pass over a
/// prompt serves all samples of it.
package final class KeyValueCache {
  let capacity: Int
  private let shape: AttentionShape
  private var keys: [Tensor]  // per layer [slots · capacity, Hkv d]
  private var values: [Tensor]  // per layer [slots · capacity, Hkv d]
  private var lengths: [Int]
  /// The slot of each segment of the batch at work.
  package var slots: [Int] = []

  /// - Parameters:
  ///   - slots: sequences.
  ///   - capacity: tokens of the longest one.
  package init(for configuration: DecoderConfiguration, slots: Int, capacity: Int) {
    self.capacity = capacity
    shape = configuration.attention
    let extents = [slots * capacity, shape.keyValueWidth]
    keys = (0..<configuration.layers).map { _ in Tensor(zeros: extents) }
    values = (0..<configuration.layers).map { _ in Tensor(zeros: extents) }
    lengths = Array(repeating: 0, count: slots)
  }

  /// Tokens kept in a slot.
  package func length(of slot: Int) -> Int { lengths[slot] }

  /// Gives every slot of `destinations` what `source` holds.
  package func copy(slot source: Int, to destinations: some Sequence<Int>) {
    let width = shape.keyValueWidth
    let count = lengths[source] * width
    for destination in destinations where destination != source {
      for layer in keys.indices {
        func copyRows(_ rows: UnsafeMutablePointer<Float>) {
          let from = rows + source * capacity * width
          (rows + destination * capacity * width).update(from: from, count: count)
        }
        keys[layer].modify(copyRows)
        values[layer].modify(copyRows)
      }
      lengths[destination] = lengths[source]
    }
  }

  /// Attention of new rows, which are kept, over everything in their slots.
  ///
  /// - Parameter rows: `[N, (H + 2 Hkv) d]`, rotated.
  /// - Returns: `[N, H d]`
  func attend(layer index: Int, rows: Tensor, over batch: PackedBatch) -> Tensor {
    precondition(slots.count == batch.segments.count, "every segment needs a slot of the cache")
    let width = shape.keyValueWidth
    var scratch = Tensor(zeros: [capacity])
    return Tensor(uninitialized: [batch.count, shape.queryWidth]) { output in
      rows.read { rows in
        scratch.modify { scratch in
          keys[index].modify { keys in
            values[index].modify { values in
              for (segment, slot) in zip(batch.segments, slots) {
                var length = lengths[slot]
                precondition(length + segment.rows.count <= capacity, "the cache is full")
                let base = slot * capacity * width
                for row in segment.rows {
                  let new = rows + row * shape.rowWidth + shape.queryWidth
                  (keys + base + length * width).update(from: new, count: width)
                  (values + base + length * width).update(from: new + width, count: width)
                  length += 1
                  for head in 0..<shape.heads {
                    let column = base + head / shape.queriesPerKey * shape.width
                    vm_attend(
                      output + row * shape.queryWidth + head * shape.width,
                      rows + row * shape.rowWidth + head * shape.width, keys + column,
                      values + column, length, width, shape.width, shape.scale, scratch)
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  /// Counts the rows of a batch as kept, after its last layer.
  func advance(over batch: PackedBatch) {
    for (segment, slot) in zip(batch.segments, slots) { lengths[slot] += segment.rows.count }
  }
}
