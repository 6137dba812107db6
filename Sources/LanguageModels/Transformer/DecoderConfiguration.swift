package import Formats
package import Numerics

/// The shape of a Transformer decoder: every published architecture that is read is one set of these
/// values for one implementation.
package struct DecoderConfiguration: Sendable, Equatable {
  /// A published architecture, as `model_type` of `config.json`: whose keys and tensor names files use,
  /// and what the values below are unless a file says otherwise.
  package enum Family: String, Sendable, CaseIterable {
    /// RMS norm, rotary positions, SwiGLU, grouped-query attention (Touvron et al. 2023); SmolLM2 too.
    case llama
    /// Llama whose queries see the last `sliding_window` keys (Jiang et al. 2023).
    case mistral
    /// Llama with biases on queries, keys and values.
    case qwen2
    /// Llama with norms on the queries and keys of each head.
    case qwen3
    /// Llama with some layers without rotary positions.
    case smollm3
    /// Layer norm, learned positions, GELU, biases everywhere (Radford et al. 2019).
    case gpt2
    /// Parallel residual, partly rotary heads (Black et al. 2022); Pythia too.
    case gptNeoX = "gpt_neox"
    /// Parallel residual with one norm, a head with a bias (Wang and Komatsuzaki 2021).
    case gptJ = "gptj"
    /// Learned positions, ReLU (Zhang et al. 2022).
    case opt
  }

  package enum Norm: Sendable, Equatable {
    /// x / √(mean x² + ε) · gain
    case rms
    /// (x − mean) / √(variance + ε) · gain + bias
    case layer
  }

  /// How attention A, feed-forward block F and their norms N make a layer of x.
  package enum Residual: Sendable, Equatable {
    /// x ← x + A(N₁ x), then x + F(N₂ x)
    case normBefore
    /// x ← N₁(x + A x), then N₂(x + F x)
    case normAfter
    /// x + A(N₁ x) + F(N₂ x)
    case parallel
    /// x + A(N x) + F(N x)
    case parallelWithOneNorm
  }

  package enum Positions: Sendable, Equatable {
    /// Queries and keys turn with the position.
    case rotary
    /// A learned vector a position is added to the tokens; the table begins with some unused rows.
    case learned(unusedRows: Int)
  }

  package let family: Family
  /// V, tokens in the vocabulary.
  package var vocabularySize = 0
  /// D, the width of the residual stream.
  package var width = 64
  package var layers = 2
  /// H, query heads.
  package var heads = 4
  /// Heads of keys and values; divides ``heads``. The GPTs and OPT have as many as ``heads``.
  package var keyValueHeads = 4
  /// The width of a head; D = H · headWidth except in some Llamas and Qwens.
  package var headWidth = 16
  /// F, the width inside the feed-forward block.
  package var feedForwardWidth = 192
  /// The longest sequence, in tokens.
  package var maximumPositions = 64
  package var norm = Norm.rms
  package var normEpsilon = 1e-5
  package var residual = Residual.normBefore
  /// Whether there is a norm after the last layer.
  package var hasFinalNorm = true
  /// Whether the queries and keys of each head are normalised.
  package var hasHeadNorms = false
  package var positions = Positions.rotary
  /// θ of the rotary angles position · θ^(−2i/d).
  package var rotaryBase = 10_000.0
  /// d, how much of a head's width turns; nil for all.
  package var rotatedWidth: Int?
  package var rotaryScaling = RotaryScaling.none
  /// Layers whose queries and keys do not turn.
  package var unrotatedLayers: Set<Int> = []
  /// How many keys a query sees at most, its own among them; nil for all before it.
  package var window: Int?
  /// Layers whose queries see all keys before them, whatever ``window`` is.
  package var unwindowedLayers: Set<Int> = []
  package var activation = ActivationFunction.silu
  /// Whether the activation gates a second product: F(x) = W₃(f(W₁ x) · W₂ x).
  package var isGated = true
  /// Biases of queries, keys and values.
  package var attentionBias = false
  /// The bias of attention's output projection.
  package var attentionOutputBias = false
  /// Biases of the feed-forward projections.
  package var feedForwardBias = false
  /// Whether the language head is the token embedding.
  package var tiedEmbeddings = false
  /// Whether the language head has a bias.
  package var headBias = false
  /// The width of token embeddings and of what heads read, where a projection lies between them and
  /// the residual stream; nil for ``width``.
  package var embeddingWidth: Int?

  package init(_ family: Family = .llama) {
    self.family = family
    switch family {
    case .llama, .mistral: break
    case .qwen2: attentionBias = true
    case .qwen3: hasHeadNorms = true
    case .smollm3: tiedEmbeddings = true
    case .gpt2, .opt, .gptNeoX, .gptJ:
      norm = .layer
      isGated = false
      feedForwardBias = true
      attentionBias = family != .gptJ
      attentionOutputBias = family != .gptJ
    }
    switch family {
    case .gpt2: (positions, activation) = (.learned(unusedRows: 0), .tanhGELU)
    case .opt: (positions, activation) = (.learned(unusedRows: 2), .relu)
    case .gptNeoX: (residual, activation) = (.parallel, .gelu)
    case .gptJ:
      (residual, activation, headBias) = (.parallelWithOneNorm, .tanhGELU, true)
    default: break
    }
  }

  /// The width of what a language or scalar head reads.
  package var headInputWidth: Int { embeddingWidth ?? width }

  /// The heads of a layer.
  func attention(ofLayer layer: Int) -> AttentionShape {
    var shape = attention
    shape.window = unwindowedLayers.contains(layer) ? nil : window
    return shape
  }

  /// The heads of any layer, as far as their sizes go.
  package var attention: AttentionShape {
    AttentionShape(heads: heads, keyValueHeads: keyValueHeads, width: headWidth)
  }
}

extension DecoderConfiguration {
  /// Throws ``ModelError/impossibleSize(_:)`` when the sizes do not fit together.
  package func validate() throws(ModelError) {
    let sizes = [
      ("vocabulary", vocabularySize), ("width", width), ("layers", layers), ("heads", heads),
      ("key_value_heads", keyValueHeads), ("head_width", headWidth),
      ("feed_forward_width", feedForwardWidth), ("maximum_positions", maximumPositions),
      ("embedding width", headInputWidth), ("window", window ?? 1),
      ("rotated width", rotatedWidth ?? 1),
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
          + "\((1...min(heads, 64)).filter { heads % $0 == 0 })")
    }
    if positions == .rotary {
      if rotatedWidth == nil, headWidth % 2 != 0 {
        throw .impossibleSize(
          "head width \(headWidth) is odd, and rotary positions turn pairs; make width / heads even"
        )
      }
      if let rotatedWidth, (rotatedWidth + 1) / 2 * 2 > headWidth {
        throw .impossibleSize(
          "\(rotatedWidth) of a head's width turn with the position, and it is \(headWidth)")
      }
    }
    switch family {
    case .gpt2, .gptNeoX, .gptJ, .opt:
      guard heads * headWidth == width && keyValueHeads == heads else {
        throw .impossibleSize(
          "\(family.name) needs width = heads × head width and as many key_value_heads as heads; "
            + "got width \(width), \(heads) heads of \(headWidth), \(keyValueHeads) key_value_heads"
        )
      }
    default: break
    }
  }
}

extension DecoderConfiguration.Family {
  /// The name of the architecture in `transformers`, as in `LlamaForSequenceClassification`.
  package var name: String {
    switch self {
    case .llama: "Llama"
    case .mistral: "Mistral"
    case .qwen2: "Qwen2"
    case .qwen3: "Qwen3"
    case .smollm3: "SmolLM3"
    case .gpt2: "GPT2"
    case .gptNeoX: "GPTNeoX"
    case .gptJ: "GPTJ"
    case .opt: "OPT"
    }
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
