/// The one place where our parameters meet the tensor names of Hugging Face checkpoints.
struct ParameterNames {
  /// A tensor of a file, which holds some rows of our parameter.
  struct Piece {
    let name: String
    /// Rows of our parameter in the order in which the tensor has them.
    let rows: [Range<Int>]
    /// Whether the file keeps the transpose, as GPT-2's `Conv1D` does.
    var isTransposed = false

    /// How many rows of our parameter it holds.
    var rowCount: Int { rows.reduce(0) { $0 + $1.count } }
  }

  private let shape: DecoderConfiguration

  init(_ shape: DecoderConfiguration) { self.shape = shape }

  /// The tensors of a file that together are our parameter, which has so many rows.
  func pieces(of name: String, rows: Int) -> [Piece] {
    let parts = name.split(separator: ".").map(String.init)
    let kind = parts.last == "gain" ? "weight" : parts.last ?? ""
    guard parts.first == "layers", parts.count >= 4 else {
      return [Piece(name: outer(parts[0], kind == "bias" ? "bias" : "weight"), rows: [0..<rows])]
    }
    let (layer, part) = (parts[1], parts[2])
    switch part {
    case "query_key_value": return attention(layer, kind, rows)
    case "feed_forward_input" where shape.isGated:
      return [
        Piece(name: inner(layer, "mlp.gate_proj", kind), rows: [0..<rows / 2]),
        Piece(name: inner(layer, "mlp.up_proj", kind), rows: [rows / 2..<rows]),
      ]
    default:
      let isConvolution = shape.family == .gpt2 && kind == "weight" && !part.hasSuffix("norm")
      return [
        Piece(
          name: inner(layer, table[part] ?? part, kind), rows: [0..<rows],
          isTransposed: isConvolution)
      ]
    }
  }

  /// Other names under which files may have the tensor: without the first part, where a file was saved
  /// from the bare trunk.
  func alternatives(to name: String) -> [String] {
    if name == "embed_out.weight" { return ["lm_head.weight"] }
    guard name.hasPrefix(prefix) else { return [] }
    let bare = String(name.split(separator: ".", maxSplits: 1)[1])
    // Of tied tensors a file may hold either.
    let isTied = shape.tiedEmbeddings && name == outer("token_embedding", "weight")
    return isTied ? [bare, languageHead] : [bare]
  }

  /// Tensors that files may hold and no model here needs: attention masks, cached frequencies, and the
  /// value head of a policy, which its own log-probabilities do not depend on.
  static func isIgnored(_ name: String) -> Bool {
    name.hasSuffix(".attn.bias") || name.hasSuffix(".attn.masked_bias")
      || name.hasSuffix(".attention.bias") || name.hasSuffix(".attention.masked_bias")
      || name.hasSuffix("rotary_emb.inv_freq")
  }

  /// The name of a language head's weight.
  var languageHead: String { outer("language_head", "weight") }

  private func outer(_ part: String, _ kind: String) -> String {
    switch part {
    case "language_head": return (shape.family == .gptNeoX ? "embed_out." : "lm_head.") + kind
    case "scalar_head": return "score." + kind
    case "value_head": return "v_head.summary." + kind
    case "value_head_input": return "v_head.0." + kind
    case "value_head_output": return "v_head.2." + kind
    default: break
    }
    let names: [String: String] =
      switch shape.family {
      case .gpt2, .gptJ:
        ["token_embedding": "wte", "position_embedding": "wpe", "final_norm": "ln_f"]
      case .gptNeoX: ["token_embedding": "embed_in", "final_norm": "final_layer_norm"]
      case .opt:
        [
          "token_embedding": "embed_tokens", "position_embedding": "embed_positions",
          "embedding_projection": "project_in", "output_projection": "project_out",
          "final_norm": "final_layer_norm",
        ]
      default: ["token_embedding": "embed_tokens", "final_norm": "norm"]
      }
    return prefix + (names[part] ?? part) + "." + kind
  }

  /// What the names of the trunk's tensors begin with.
  private var prefix: String {
    switch shape.family {
    case .gpt2, .gptJ: "transformer."
    case .gptNeoX: "gpt_neox."
    case .opt: "model.decoder."
    default: "model."
    }
  }

  private func inner(_ layer: String, _ part: String, _ kind: String) -> String {
    let layers = shape.family == .gpt2 || shape.family == .gptJ ? "h" : "layers"
    return "\(prefix)\(layers).\(layer).\(part).\(kind)"
  }

  private var table: [String: String] {
    switch shape.family {
    case .gpt2:
      [
        "attention_norm": "ln_1", "attention_output": "attn.c_proj", "feed_forward_norm": "ln_2",
        "feed_forward_input": "mlp.c_fc", "feed_forward_output": "mlp.c_proj",
      ]
    case .gptJ:
      [
        "attention_norm": "ln_1", "attention_output": "attn.out_proj",
        "feed_forward_input": "mlp.fc_in", "feed_forward_output": "mlp.fc_out",
      ]
    case .gptNeoX:
      [
        "attention_norm": "input_layernorm", "attention_output": "attention.dense",
        "feed_forward_norm": "post_attention_layernorm",
        "feed_forward_input": "mlp.dense_h_to_4h", "feed_forward_output": "mlp.dense_4h_to_h",
      ]
    case .opt:
      [
        "attention_norm": "self_attn_layer_norm", "attention_output": "self_attn.out_proj",
        "feed_forward_norm": "final_layer_norm", "feed_forward_input": "fc1",
        "feed_forward_output": "fc2",
      ]
    default:
      [
        "attention_norm": "input_layernorm", "attention_output": "self_attn.o_proj",
        "query_norm": "self_attn.q_norm", "key_norm": "self_attn.k_norm",
        "feed_forward_norm": "post_attention_layernorm", "feed_forward_output": "mlp.down_proj",
      ]
    }
  }

  /// Queries, keys and values, which are one matrix here.
  private func attention(_ layer: String, _ kind: String, _ rows: Int) -> [Piece] {
    let (queries, keys) = (shape.attention.queryWidth, shape.attention.keyValueWidth)
    let width = shape.headWidth
    switch shape.family {
    case .gpt2:
      let name = inner(layer, "attn.c_attn", kind)
      return [Piece(name: name, rows: [0..<rows], isTransposed: kind == "weight")]
    case .gptNeoX:
      // Head by head: its query, its key, its value.
      let order = (0..<shape.heads).flatMap { head in
        [0, queries, queries + keys].map { $0 + head * width..<$0 + (head + 1) * width }
      }
      return [Piece(name: inner(layer, "attention.query_key_value", kind), rows: order)]
    default:
      let module = shape.family == .gptJ ? "attn." : "self_attn."
      let parts = [
        ("q_proj", 0..<queries), ("k_proj", queries..<queries + keys),
        ("v_proj", queries + keys..<rows),
      ]
      return parts.map { part, rows in
        let isTurned = shape.family == .gptJ && part != "v_proj"
        return Piece(
          name: inner(layer, module + part, kind), rows: isTurned ? pairsApart(rows) : [rows])
      }
    }
  }

  /// GPT-J turns neighbours, (0, 1), (2, 3), …; here an element turns with the one half a width after
  /// it. Scores do not depend on the order of a head's elements, so rows are put in ours.
  private func pairsApart(_ rows: Range<Int>) -> [Range<Int>] {
    let half = (shape.rotatedWidth ?? shape.headWidth) / 2
    var order: [Range<Int>] = []
    for head in stride(from: rows.lowerBound, to: rows.upperBound, by: shape.headWidth) {
      for pair in 0..<half {
        order += [head + pair..<head + pair + 1, head + half + pair..<head + half + pair + 1]
      }
      order.append(head + 2 * half..<head + shape.headWidth)
    }
    return order
  }
}
