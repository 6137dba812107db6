import CKernels
import Numerics

/// Where the kernels find one query head of some rows of a segment, and the keys and values that it
/// sees: those of the prefix, then the segment's own.
struct HeadLayout {
  private let shape: AttentionShape
  private let index: Int
  private let segment: PackedBatch.Segment
  private let skipped: Int
  private let count: Int
  private let queryRow: Int  // of the first query, among the queries
  private let queryStride: Int
  private let stride: Int
  private let keyColumn: Int
  private let accumulates: Bool

  /// All rows of a segment, in rows of (queries, keys, values).
  init(_ shape: AttentionShape, head index: Int, of segment: PackedBatch.Segment) {
    self.shape = shape
    self.index = index
    self.segment = segment
    (skipped, count) = (0, segment.rows.count)
    queryRow = segment.rows.lowerBound
    (queryStride, stride) = (shape.rowWidth, shape.rowWidth)
    keyColumn = shape.queryWidth + index / shape.queriesPerKey * shape.width
    accumulates = index % shape.queriesPerKey != 0
  }

  /// The rows of a span: queries in rows of their own, beside rows of (keys, values).
  init(_ shape: AttentionShape, head index: Int, of span: PackedBatch.Span) {
    self.shape = shape
    self.index = index
    segment = span.segment
    (skipped, count) = (span.rows.lowerBound - span.segment.rows.lowerBound, span.rows.count)
    queryRow = span.output
    (queryStride, stride) = (shape.queryWidth, 2 * shape.keyValueWidth)
    keyColumn = index / shape.queriesPerKey * shape.width
    accumulates = true
  }

  /// Of the first query's output in `[M, H d]`.
  private var outputOffset: Int { queryRow * shape.queryWidth + index * shape.width }
  private var queries: Int { queryRow * queryStride + index * shape.width }
  private var keys: Int { segment.rows.lowerBound * stride + keyColumn }
  private var prefixKeys: Int { segment.prefix.lowerBound * stride + keyColumn }

  private func reading(
    _ queryRows: UnsafePointer<Float>, _ keyRows: UnsafePointer<Float>
  ) -> vm_attention {
    vm_attention(
      queries: queryRows + queries, keys: keyRows + keys,
      values: keyRows + keys + shape.keyValueWidth, prefix_keys: keyRows + prefixKeys,
      prefix_values: keyRows + prefixKeys + shape.keyValueWidth, prefix: segment.prefix.count,
      skipped: skipped, rows: count, query_stride: queryStride, stride: stride,
      width: shape.width, window: shape.window ?? 0, scale: shape.scale)
  }

  private func writing(
    _ queryRows: UnsafeMutablePointer<Float>, _ keyRows: UnsafeMutablePointer<Float>
  ) -> vm_attention_gradient {
    vm_attention_gradient(
      queries: queryRows + queries, keys: keyRows + keys,
      values: keyRows + keys + shape.keyValueWidth, prefix_keys: keyRows + prefixKeys,
      prefix_values: keyRows + prefixKeys + shape.keyValueWidth,
      accumulating: accumulates ? 1 : 0)
  }

  /// Attention of some heads, in any order: outputs and log-sums, `count` of them a head, are set.
  static func forward(
    _ heads: some Sequence<HeadLayout>, count: Int, queries: UnsafePointer<Float>,
    keysValues: UnsafePointer<Float>, outputs: UnsafeMutablePointer<Float>,
    logSums: UnsafeMutablePointer<Float>
  ) {
    withScratch(for: heads) { scratch in
      for layout in heads {
        var head = layout.reading(queries, keysValues)
        vm_attention_forward(
          outputs + layout.outputOffset, layout.shape.queryWidth,
          logSums + layout.index * count + layout.queryRow, &head, scratch)
      }
    }
  }

  /// The gradients of some heads, in this order.
  static func backward(
    _ heads: some Sequence<HeadLayout>, count: Int, queries: UnsafePointer<Float>,
    keysValues: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>,
    logSums: UnsafePointer<Float>, queryGradient: UnsafeMutablePointer<Float>,
    keyGradient: UnsafeMutablePointer<Float>
  ) {
    withScratch(for: heads) { scratch in
      for layout in heads {
        var head = layout.reading(queries, keysValues)
        var slopes = layout.writing(queryGradient, keyGradient)
        vm_attention_backward(
          &slopes, outputGradient + layout.outputOffset, layout.shape.queryWidth,
          logSums + layout.index * count + layout.queryRow, &head, scratch)
      }
    }
  }

  /// Memory that the kernels need for this head.
  private var scratchCount: Int {
    vm_attention_scratch(segment.prefix.count + skipped, count, shape.width)
  }

  private static func withScratch(
    for heads: some Sequence<HeadLayout>, _ body: (UnsafeMutablePointer<Float>) -> Void
  ) {
    var scratch = Tensor(uninitialized: [heads.lazy.map(\.scratchCount).max() ?? 0]) { _ in }
    scratch.modify(body)
  }
}
