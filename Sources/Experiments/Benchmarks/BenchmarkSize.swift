package import LanguageModels

/// A GPT-2 shape on which this program and its peers do the same work.
package enum BenchmarkSize: String, Sendable, CaseIterable {
  case toy, small, medium

  /// Layer norm, learned positions, GELU, biases, tied embeddings; a feed-forward block four times
  /// as wide as the residual stream.
  package var shape: DecoderConfiguration {
    let (layers, heads, width, vocabulary) =
      switch self {
      case .toy: (4, 4, 128, 256)
      case .small: (6, 8, 256, 1024)
      case .medium: (12, 12, 768, 4096)
      }
    var shape = DecoderConfiguration()
    shape.family = .gpt2
    (shape.layers, shape.heads, shape.keyValueHeads) = (layers, heads, heads)
    (shape.width, shape.headWidth, shape.feedForwardWidth) = (width, width / heads, 4 * width)
    (shape.vocabularySize, shape.maximumPositions) = (vocabulary, 128)
    shape.tiedEmbeddings = true
    return shape
  }
}
