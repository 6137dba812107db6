/// Sequences laid end to end, without padding.
///
/// A segment attends to its own tokens causally and, before them, to the whole of its prefix: an
/// earlier segment of the same batch. Responses to one prompt are segments with that prompt as
/// their prefix, so the prompt is computed once for all of them.
package struct PackedBatch: Sendable {
  /// Rows of the batch that form one piece of a sequence.
  package struct Segment: Sendable, Equatable {
    package var rows: Range<Int>
    /// Rows of the segment that comes before it; empty for the start of a sequence.
    package var prefix: Range<Int> = 0..<0
  }

  package private(set) var tokens: [Int32] = []  // [N]
  package private(set) var positions: [Int32] = []  // [N], from 0 at the start of each sequence
  package private(set) var segments: [Segment] = []

  package init() {}

  /// Whole sequences.
  package init(sequences: some Sequence<[Int32]>) {
    for sequence in sequences { append(sequence) }
  }

  /// N, the number of tokens in all segments.
  package var count: Int { tokens.count }

  /// Adds a segment and returns its rows.
  ///
  /// - Parameters:
  ///   - newTokens: the segment's tokens.
  ///   - prefix: rows of the segment before it; empty for the start of a sequence.
  ///   - firstPosition: the position of its first token; by default right after the prefix.
  @discardableResult
  package mutating func append(
    _ newTokens: some Collection<Int32>, after prefix: Range<Int> = 0..<0,
    firstPosition: Int? = nil
  ) -> Range<Int> {
    let rows = tokens.count..<tokens.count + newTokens.count
    let first = firstPosition ?? prefix.last.map { Int(positions[$0]) + 1 } ?? 0
    tokens.append(contentsOf: newTokens)
    positions.append(contentsOf: rows.indices.map { Int32(first + $0 - rows.lowerBound) })
    segments.append(Segment(rows: rows, prefix: prefix))
    return rows
  }
}

extension PackedBatch {
  /// Neighbouring rows of one segment, in their order.
  struct Span: Sendable, Equatable {
    let segment: Segment
    /// Rows of the batch.
    var rows: Range<Int>
    /// The place of the first of them among the rows that were asked for.
    let output: Int
  }

  /// The rows, each within the batch, as runs of neighbours.
  func spans(of rows: [Int32]) -> [Span] {
    var segmentOfRow = Array(repeating: 0, count: count)
    for (index, segment) in segments.enumerated() {
      for row in segment.rows { segmentOfRow[row] = index }
    }
    var spans: [Span] = []
    for (output, row) in rows.lazy.map(Int.init).enumerated() {
      if let last = spans.indices.last, spans[last].rows.upperBound == row,
        spans[last].segment.rows.contains(row)
      {
        spans[last].rows = spans[last].rows.lowerBound..<row + 1
      } else {
        let segment = segments[segmentOfRow[row]]
        spans.append(Span(segment: segment, rows: row..<row + 1, output: output))
      }
    }
    return spans
  }
}

/// A prompt and a response to it, as token ids.
package struct Exchange: Sendable, Equatable {
  package var prompt: [Int32]
  /// The response, with its end-of-sequence token if it has one.
  package var response: [Int32]

  package init(prompt: [Int32], response: [Int32]) {
    self.prompt = prompt
    self.response = response
  }

  package var count: Int { prompt.count + response.count }
}

/// Exchanges packed so that neighbours with the same prompt share it, and where each response is.
package struct ResponseBatch: Sendable {
  package private(set) var packed = PackedBatch()
  /// Per exchange, per response token: the row of that token.
  package private(set) var responseRows: [[Int32]] = []
  /// Per exchange, per response token: the row of the token before it, whose hidden state predicts
  /// it and is the state that the value model judges.
  package private(set) var predictingRows: [[Int32]] = []

  /// - Parameter exchanges: each with at least one token of prompt and one of response.
  package init(_ exchanges: some Collection<Exchange>) {
    var previous: (prompt: [Int32], rows: Range<Int>)?
    var remaining = Array(exchanges)[...]
    while let exchange = remaining.popFirst() {
      precondition(
        !exchange.prompt.isEmpty && !exchange.response.isEmpty,
        "an exchange needs at least one token of prompt and of response")
      if previous?.prompt != exchange.prompt {
        if remaining.first?.prompt != exchange.prompt {
          appendWhole(exchange)
          previous = nil
          continue
        }
        previous = (exchange.prompt, packed.append(exchange.prompt))
      }
      guard let prompt = previous?.rows else { continue }
      let rows = packed.append(exchange.response, after: prompt).map(Int32.init)
      responseRows.append(rows)
      predictingRows.append([Int32(prompt.upperBound - 1)] + rows.dropLast())
    }
  }

  private mutating func appendWhole(_ exchange: Exchange) {
    let rows = packed.append(exchange.prompt + exchange.response)
    let response = rows.dropFirst(exchange.prompt.count)
    responseRows.append(response.map(Int32.init))
    predictingRows.append(response.map { Int32($0 - 1) })
  }

  /// The row of each response's last token.
  package var lastRows: [Int32] { responseRows.compactMap(\.last) }
}

/// How a batch is cut into pieces of work that may run on any thread.
package enum Shards {
  /// Contiguous ranges of items, by the batch alone and never by the number of threads.
  ///
  /// A shard should hold enough tokens that its matrix products run at full rate and that summing
  /// its weight gradients costs little beside them, and there should be enough shards for the cores
  /// of a laptop: a power of two between 2 and 16, about 512 tokens each.
  ///
  /// - Parameters:
  ///   - items: sequences or pairs; one is never cut.
  ///   - tokens: their total length.
  package static func ranges(of items: Int, tokens: Int) -> [Range<Int>] {
    var shards = 2
    while shards < 16, tokens >= 1024 * shards { shards *= 2 }
    shards = max(1, min(shards, items))
    return (0..<shards).map { items * $0 / shards..<items * ($0 + 1) / shards }
  }
}
