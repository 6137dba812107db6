package import Formats

/// The shape of a Transformer decoder.
package struct DecoderConfiguration: Sendable, Equatable {
  /// Which published architecture the blocks follow, and whose tensor names its files use.
  package enum Family: String, Sendable, CaseIterable {
    /// RMS norm, rotary positions, SwiGLU, grouped-query attention (Touvron et al. 2023).
    case llama
    /// Layer norm, learned positions, GELU, biases everywhere (Radford et al. 2019).
    case gpt2
  }

  package var family = Family.llama
  /// V, tokens in the vocabulary.
  package var vocabularySize = 0
  /// D, the width of the residual stream.
  package var width = 64
  package var layers = 2
  /// H, query heads.
  package var heads = 4
  /// Heads of keys and values; divides ``heads``. GPT-2 has as many as ``heads``.
  package var keyValueHeads = 4
  /// The width of a head; D = H · headWidth except in some Llamas.
  package var headWidth = 16
  /// F, the width inside the feed-forward block.
  package var feedForwardWidth = 192
  /// The longest sequence, in tokens.
  package var maximumPositions = 64
  package var normEpsilon = 1e-5
  /// θ of the rotary angles position · θ^(−2i/headWidth); Llama only.
  package var rotaryBase = 10_000.0
  /// Biases of the attention projections; always in GPT-2.
  package var attentionBias = false
  /// Biases of the feed-forward projections; always in GPT-2.
  package var feedForwardBias = false
  /// Whether the language head is the token embedding.
  package var tiedEmbeddings = false

  package init() {}

  /// Throws ``ModelError/impossibleSize(_:)`` when the sizes do not fit together.
  package func validate() throws(ModelError) {
    let sizes = [
      ("vocabulary", vocabularySize), ("width", width), ("layers", layers), ("heads", heads),
      ("key_value_heads", keyValueHeads), ("head_width", headWidth),
      ("feed_forward_width", feedForwardWidth), ("maximum_positions", maximumPositions),
    ]
    for (name, size) in sizes where size < 1 {
      throw .impossibleSize("\(name) is \(size); it must be at least 1")
    }
    for (name, size) in sizes where size > 1 << 24 {
      throw .impossibleSize("\(name) is \(size), more than any decoder that fits in memory")
    }
    guard normEpsilon > 0, rotaryBase > 0, normEpsilon.isFinite, rotaryBase.isFinite else {
      throw .impossibleSize(
        "the norm's epsilon is \(normEpsilon) and the rotary base \(rotaryBase); both must be above 0"
      )
    }
    if heads % keyValueHeads != 0 {
      throw .impossibleSize(
        "key_value_heads \(keyValueHeads) does not divide heads \(heads); use one of "
          + "\((1...heads).filter { heads % $0 == 0 })")
    }
    if family == .llama, headWidth % 2 != 0 {
      throw .impossibleSize(
        "head width \(headWidth) is odd, and rotary positions turn pairs; make width / heads even")
    }
    if family == .gpt2, heads * headWidth != width || keyValueHeads != heads {
      throw .impossibleSize(
        "GPT-2 needs width = heads × head width and as many key_value_heads as heads; "
          + "got width \(width), \(heads) heads of \(headWidth), \(keyValueHeads) key_value_heads")
    }
  }

  var attention: AttentionShape {
    AttentionShape(heads: heads, keyValueHeads: keyValueHeads, width: headWidth)
  }
}

/// What is wrong with a model's shape or files.
package enum ModelError: EndingError, Sendable, CustomStringConvertible {
  /// Sizes that do not fit together; the text says which and what would.
  case impossibleSize(String)
  /// A checkpoint that is not what it should be.
  case checkpoint(String)
  /// Input that the model cannot take, such as a sequence longer than its positions.
  case input(String)

  package var exitStatus: ExitStatus { .badData }

  package var description: String {
    switch self {
    case .impossibleSize(let text), .checkpoint(let text), .input(let text): text
    }
  }
}
