import Formats
import Numerics

extension DecoderConfiguration {
  /// The members of `config.json` that describe a shape which was not read from one.
  var members: [(String, JSONValue)] {
    let keys = ConfigurationKeys(family)
    var members: [(String, JSONValue)] = [
      ("model_type", .string(family.rawValue)), ("vocab_size", .int(vocabularySize)),
      (keys.width, .int(width)), (keys.layers, .int(layers)), (keys.heads, .int(heads)),
    ]
    let isLlama = norm == .rms
    if isLlama {
      members.append(("num_key_value_heads", .int(keyValueHeads)))
      members.append(("head_dim", .int(headWidth)))
    }
    members += [
      (keys.feedForwardWidth, .int(feedForwardWidth)),
      (keys.maximumPositions.key, .int(maximumPositions)),
      (keys.activation.key, .string(activation.rawValue)),
    ]
    if family != .opt { members.append((keys.normEpsilon.key, .double(normEpsilon))) }
    if positions == .rotary, family != .gptJ { members += rotaryMembers }
    members += familyMembers
    members.append(("tie_word_embeddings", .bool(tiedEmbeddings)))
    return members
  }

  private var rotaryMembers: [(String, JSONValue)] {
    let base = family == .gptNeoX ? "rotary_emb_base" : "rope_theta"
    var members = [(base, JSONValue.double(rotaryBase))]
    var scaling: JSONObject
    switch rotaryScaling {
    case .none: return members
    case .linear(let factor): scaling = ["rope_type": .string("linear"), "factor": .double(factor)]
    case .llama3(let factor, let low, let high, let positions):
      scaling = [
        "rope_type": .string("llama3"), "factor": .double(factor),
        "low_freq_factor": .double(low), "high_freq_factor": .double(high),
        "original_max_position_embeddings": .int(positions),
      ]
    case .yarn(let factor, let attention, let fast, let slow, let positions, let truncates):
      scaling = [
        "rope_type": .string("yarn"), "factor": .double(factor),
        "attention_factor": .double(attention), "beta_fast": .double(fast),
        "beta_slow": .double(slow), "original_max_position_embeddings": .int(positions),
        "truncate": .bool(truncates),
      ]
    }
    scaling["rope_theta"] = .double(rotaryBase)
    members.append(("rope_scaling", .object(scaling)))
    return members
  }

  private var familyMembers: [(String, JSONValue)] {
    func isFull(_ layer: Int) -> Bool { window == nil || unwindowedLayers.contains(layer) }
    let layerTypes = JSONValue.array(
      (0..<layers).map { .string(isFull($0) ? "full_attention" : "sliding_attention") })
    let windows: [(String, JSONValue)] = [
      ("use_sliding_window", .bool(window != nil)),
      ("sliding_window", window.map { .int($0) } ?? .null), ("layer_types", layerTypes),
    ]
    // `transformers` would drop activations by default, and this decoder never does.
    let dropouts: [(String, JSONValue)] = [
      ("attn_pdrop", .double(0)), ("embd_pdrop", .double(0)), ("resid_pdrop", .double(0)),
    ]
    switch family {
    case .llama:
      return [("attention_bias", .bool(attentionBias)), ("mlp_bias", .bool(feedForwardBias))]
    case .mistral: return [("sliding_window", window.map { .int($0) } ?? .null)]
    case .qwen2: return windows
    case .qwen3: return [("attention_bias", .bool(attentionBias))] + windows
    case .smollm3:
      let turns = (0..<layers).map { JSONValue.int(unrotatedLayers.contains($0) ? 0 : 1) }
      return [
        ("attention_bias", .bool(attentionBias)), ("mlp_bias", .bool(feedForwardBias)),
        ("no_rope_layers", .array(turns)),
      ] + windows
    case .gpt2: return dropouts
    case .gptJ: return [("rotary_dim", .int(rotatedWidth ?? headWidth))] + dropouts
    case .gptNeoX:
      return [
        // As it is multiplied with the width and rounded down.
        ("rotary_pct", .double(rotatedWidth.map { (Double($0) + 0.25) / Double(headWidth) } ?? 1)),
        ("use_parallel_residual", .bool(residual == .parallel)),
        ("attention_bias", .bool(attentionBias)), ("attention_dropout", .double(0)),
        ("hidden_dropout", .double(0)), ("classifier_dropout", .double(0)),
      ]
    case .opt:
      return [
        ("word_embed_proj_dim", .int(headInputWidth)),
        ("do_layer_norm_before", .bool(residual == .normBefore)),
        ("_remove_final_layer_norm", .bool(residual == .normBefore && !hasFinalNorm)),
        ("enable_bias", .bool(attentionBias)), ("dropout", .double(0)),
        ("attention_dropout", .double(0)),
      ]
    }
  }
}
