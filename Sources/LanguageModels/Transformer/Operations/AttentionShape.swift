/// Heads of an attention layer over rows of (queries, keys, values).
package struct AttentionShape: Sendable, Equatable {
  package let heads: Int
  package let keyValueHeads: Int
  /// The width of one head.
  package let width: Int

  package init(heads: Int, keyValueHeads: Int, width: Int) {
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.width = width
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
