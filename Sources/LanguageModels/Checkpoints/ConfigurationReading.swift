import Formats
import Foundation
import Numerics

/// The keys of `config.json` for the sizes that every family has, and what `transformers` takes a
/// missing one for.
struct ConfigurationKeys {
  let width: String
  let layers: String
  let heads: String
  let feedForwardWidth: String
  let maximumPositions: (key: String, fallback: Int)
  let normEpsilon: (key: String, fallback: Double)
  let activation: (key: String, fallback: String)
  let tiedByDefault: Bool

  init(_ family: DecoderConfiguration.Family) {
    let isOpenAI = family == .gpt2 || family == .gptJ
    width = isOpenAI ? "n_embd" : "hidden_size"
    layers = isOpenAI ? "n_layer" : "num_hidden_layers"
    heads = isOpenAI ? "n_head" : "num_attention_heads"
    feedForwardWidth = isOpenAI ? "n_inner" : family == .opt ? "ffn_dim" : "intermediate_size"
    let positions =
      switch family {
      case .gpt2: 1024
      case .mistral: 131_072
      case .qwen2, .qwen3, .smollm3: 32_768
      case .llama, .gptNeoX, .gptJ, .opt: 2048
      }
    maximumPositions = (isOpenAI ? "n_positions" : "max_position_embeddings", positions)
    switch family {
    case .gpt2, .gptJ: normEpsilon = ("layer_norm_epsilon", 1e-5)
    case .gptNeoX, .opt: normEpsilon = ("layer_norm_eps", 1e-5)
    default: normEpsilon = ("rms_norm_eps", 1e-6)
    }
    switch family {
    case .gpt2, .gptJ: activation = ("activation_function", "gelu_new")
    case .opt: activation = ("activation_function", "relu")
    case .gptNeoX: activation = ("hidden_act", "gelu")
    default: activation = ("hidden_act", "silu")
    }
    tiedByDefault = family == .gpt2 || family == .opt || family == .smollm3
  }
}

/// `config.json` of a checkpoint, in the keys of `transformers`.
extension DecoderConfiguration {
  /// Reads the shape of a model.
  ///
  /// - Throws: `CheckpointError` naming the key of anything that this decoder does not compute, so
  ///   that a model is never run as something it is not; ``ModelError/impossibleSize(_:)`` naming
  ///   the file.
  package init(_ file: ConfigurationFile) throws {
    let type = try file.string("model_type")
    guard let family = Family(rawValue: type) else {
      let known = Family.allCases.map(\.rawValue).joined(separator: ", ")
      throw file.failure("model_type", "is \(type), which is not computed here; there are \(known)")
    }
    self.init(family)
    for key in ["quantization_config", "pruned_heads"] {
      if let value = file[key], value != .object([:]) { throw file.refusal(key) }
    }
    for key in ["is_encoder_decoder", "add_cross_attention"]
    where try file.bool(key, default: false) {
      throw file.refusal(key)
    }
    try readSizes(file)
    switch family {
    case .llama, .mistral, .qwen2, .qwen3, .smollm3: try readLlama(file)
    case .gptNeoX: try readGPTNeoX(file)
    case .gptJ: try readGPTJ(file)
    case .opt: try readOPT(file)
    case .gpt2:
      if try file.bool("scale_attn_by_inverse_layer_idx", default: false) {
        throw file.refusal("scale_attn_by_inverse_layer_idx")
      }
      if try !file.bool("scale_attn_weights", default: true) {
        throw file.refusal("scale_attn_weights")
      }
    }
    do { try validate() } catch {
      throw ModelError.impossibleSize("\(file.place): \(error)")
    }
  }

  private mutating func readSizes(_ file: ConfigurationFile) throws {
    let keys = ConfigurationKeys(family)
    vocabularySize = try file.int("vocab_size")
    width = try file.int(keys.width)
    layers = try file.int(keys.layers)
    heads = try file.int(keys.heads)
    keyValueHeads = heads
    headWidth = width / max(1, heads)
    let isInnerOptional = keys.feedForwardWidth == "n_inner"
    feedForwardWidth = try file.int(
      keys.feedForwardWidth,
      default: isInnerOptional ? width.multipliedReportingOverflow(by: 4).partialValue : nil)
    maximumPositions = try file.int(
      keys.maximumPositions.key, default: keys.maximumPositions.fallback)
    if family != .opt {
      normEpsilon = try file.double(keys.normEpsilon.key, default: keys.normEpsilon.fallback)
    }
    tiedEmbeddings = try file.bool("tie_word_embeddings", default: keys.tiedByDefault)
    let name = try file.string(keys.activation.key, default: keys.activation.fallback)
    guard let known = ActivationFunction(named: name), !isGated || known == .silu else {
      let all = isGated ? [.silu] : ActivationFunction.allCases
      throw file.failure(
        keys.activation.key,
        "is \(name), which is not computed here; there are "
          + all.map(\.rawValue).joined(separator: ", "))
    }
    activation = known
  }

  /// Llama and those that differ from it little.
  private mutating func readLlama(_ file: ConfigurationFile) throws {
    let groups: Int? =
      switch family {
      case .mistral: 8
      case .qwen2, .qwen3: 32
      case .smollm3: 4
      default: nil
      }
    let missing = file.isNull("num_key_value_heads") ? nil : groups
    keyValueHeads = try file.int("num_key_value_heads", default: missing ?? heads)
    let isWide = family == .qwen3 && !file.isNull("head_dim")
    headWidth = try file.int("head_dim", default: isWide ? 128 : headWidth)
    switch family {
    case .llama, .qwen3, .smollm3:
      attentionBias = try file.bool("attention_bias", default: false)
      attentionOutputBias = attentionBias
    default: break
    }
    if family == .llama || family == .smollm3 {
      feedForwardBias = try file.bool("mlp_bias", default: false)
    }
    let base = try file.double("rope_theta", default: family == .smollm3 ? 2_000_000 : 10_000)
    try readRotary(file, base: base, share: file.double("partial_rotary_factor", default: 1))
    switch family {
    case .mistral:
      window = file.isNull("sliding_window") ? nil : try file.int("sliding_window", default: 4096)
    case .smollm3:
      let interval = try file.int("no_rope_layer_interval", default: 4)
      guard interval > 0 else {
        throw file.failure("no_rope_layer_interval", "is \(interval); write at least 1")
      }
      let turns = try file.ints(
        "no_rope_layers",
        default: (0..<Self.listed(layers)).map { ($0 + 1) % interval == 0 ? 0 : 1 })
      guard turns.count >= layers else {
        throw file.failure(
          "no_rope_layers", "has \(turns.count) entries, and there are \(layers) layers")
      }
      unrotatedLayers = Set((0..<Self.listed(layers)).filter { turns[$0] == 0 })
      let unrotated = unrotatedLayers
      try readWindow(file) { unrotated.contains($0) }
    case .qwen2, .qwen3:
      let first = try file.int("max_window_layers", default: 28)
      try readWindow(file) { $0 >= first }
    default: break
    }
  }

  /// As many as are listed at most: a file may claim any number before its tensors are looked at.
  private static func listed(_ layers: Int) -> Int { max(0, min(layers, 1 << 16)) }

  /// The window of the layers that have one.
  private mutating func readWindow(
    _ file: ConfigurationFile, byDefault isWindowed: (Int) -> Bool
  ) throws {
    guard try file.bool("use_sliding_window", default: false), !file.isNull("sliding_window")
    else { return }
    let all = 0..<Self.listed(layers)
    let kinds = try file.strings(
      "layer_types", default: all.map { isWindowed($0) ? "sliding_attention" : "full_attention" })
    guard kinds.count == layers else {
      throw file.failure(
        "layer_types", "has \(kinds.count) entries, and there are \(layers) layers")
    }
    if let other = kinds.first(where: { !["sliding_attention", "full_attention"].contains($0) }) {
      throw file.failure("layer_types", "holds \(other), which is not computed here")
    }
    unwindowedLayers = Set(all.filter { kinds[$0] == "full_attention" })
    if unwindowedLayers.count < layers {
      window = try file.int("sliding_window", default: family == .smollm3 ? nil : 4096)
    }
  }

  private mutating func readGPTNeoX(_ file: ConfigurationFile) throws {
    attentionBias = try file.bool("attention_bias", default: true)
    attentionOutputBias = attentionBias
    residual = try file.bool("use_parallel_residual", default: true) ? .parallel : .normBefore
    try readRotary(
      file, base: file.double("rotary_emb_base", default: 10_000),
      share: file.double("rotary_pct", default: 0.25))
  }

  private mutating func readGPTJ(_ file: ConfigurationFile) throws {
    let rotated = try file.isNull("rotary_dim") ? 0 : file.int("rotary_dim", default: 64)
    guard rotated > 0, rotated % 2 == 0, rotated <= headWidth else {
      throw file.failure(
        "rotary_dim", "is \(rotated); it must be even and at most a head's width of \(headWidth)")
    }
    rotatedWidth = rotated == headWidth ? nil : rotated
  }

  private mutating func readOPT(_ file: ConfigurationFile) throws {
    if try !file.bool("layer_norm_elementwise_affine", default: true) {
      throw file.refusal("layer_norm_elementwise_affine")
    }
    attentionBias = try file.bool("enable_bias", default: true)
    attentionOutputBias = attentionBias
    feedForwardBias = attentionBias
    let isBefore = try file.bool("do_layer_norm_before", default: true)
    residual = isBefore ? .normBefore : .normAfter
    hasFinalNorm = try isBefore && !file.bool("_remove_final_layer_norm", default: false)
    let embedding = try file.int("word_embed_proj_dim", default: width)
    embeddingWidth = embedding == width ? nil : embedding
  }
}

extension DecoderConfiguration {
  /// Rotary positions: `rope_scaling` as older files have it, or `rope_parameters`.
  ///
  /// - Parameters:
  ///   - base: θ where these do not say it.
  ///   - share: how much of a head turns where these do not say it.
  fileprivate mutating func readRotary(
    _ file: ConfigurationFile, base: Double, share: Double
  ) throws {
    // An empty object counts as absent, as in transformers.
    let isScaled = (file["rope_scaling"] ?? .object([:])) != .object([:])
    let key = isScaled ? "rope_scaling" : "rope_parameters"
    let rope = file[key] == nil ? nil : try file.nested(key)
    rotaryBase = try rope?.double("rope_theta", default: base) ?? base
    let part = try rope?.double("partial_rotary_factor", default: share) ?? share
    guard part > 0, part <= 1, family == .gptNeoX || part == 1 else {
      let isOld = family == .gptNeoX && rope?["partial_rotary_factor"] == nil
      throw (isOld ? file : rope ?? file).failure(
        isOld ? "rotary_pct" : "partial_rotary_factor",
        "is \(part), which is not computed here for \(family.rawValue)")
    }
    // A width beyond all bounds is refused once the sizes are known.
    let rotated = Int(Double(min(headWidth, 1 << 32)) * part)
    rotatedWidth = rotated == headWidth ? nil : rotated
    guard let rope else { return }
    if let nested = rope.keys.first(where: { rope[$0]?.object != nil }) {
      throw rope.failure(nested, "is a set of values of its own for some layers; not computed here")
    }
    rotaryScaling = try RotaryScaling(rope, of: file, positions: maximumPositions)
  }
}

extension RotaryScaling {
  /// - Parameters:
  ///   - rope: the object under `rope_scaling` or `rope_parameters`.
  ///   - positions: the longest sequence, where the file does not say that of pretraining.
  fileprivate init(
    _ rope: ConfigurationFile, of file: ConfigurationFile, positions: Int
  ) throws {
    func number(
      _ key: String, default fallback: Double? = nil, above least: Double = 0
    ) throws -> Double {
      let value = try rope.double(key, default: fallback)
      guard value > least, value.isFinite else {
        throw rope.failure(key, "is \(value); it must be above \(least)")
      }
      return value
    }
    func pretrained() throws -> Int {
      let key = "original_max_position_embeddings"
      let value = try file[key] != nil ? file.int(key) : rope.int(key, default: positions)
      guard value > 0 else { throw rope.failure(key, "is \(value); it must be above 0") }
      return value
    }
    // Files of older versions say `type`.
    let kind = try rope.string("rope_type", default: rope.string("type", default: "default"))
    switch kind {
    case "default": self = .none
    // It changes angles only beyond max_position_embeddings, and no sequence is longer here.
    case "dynamic": self = .none
    case "linear": self = .linear(factor: try number("factor"))
    case "llama3":
      let low = try number("low_freq_factor")
      self = .llama3(
        factor: try number("factor"), low: low, high: try number("high_freq_factor", above: low),
        positions: try pretrained())
    case "yarn":
      let original = try pretrained()
      let factor = try number("factor", default: Double(positions) / Double(original))
      func scale(_ weight: Double) -> Double {
        factor <= 1 ? 1 : 0.1 * weight * log(factor) + 1
      }
      let weights = try ["mscale", "mscale_all_dim"].map { try rope.double($0, default: 0) }
      let attention =
        weights[0] != 0 && weights[1] != 0 ? scale(weights[0]) / scale(weights[1]) : scale(1)
      self = .yarn(
        factor: factor, attention: try number("attention_factor", default: attention),
        fast: try number("beta_fast", default: 32), slow: try number("beta_slow", default: 1),
        positions: original, truncates: try rope.bool("truncate", default: true))
    default:
      throw rope.failure(
        "rope_type",
        "is \(kind), which is not computed here; there are default, linear, dynamic, llama3, yarn")
    }
  }
}
