import Numerics

/// The one place where our parameters meet the tensor names of Hugging Face checkpoints.
struct ParameterNames {
  /// A tensor of a file, and the rows of our parameter that it holds.
  struct Piece {
    let name: String
    let rows: Range<Int>
    /// Whether the file keeps the transpose, as GPT-2's `Conv1D` does.
    var isTransposed = false
  }

  private let shape: DecoderConfiguration

  init(_ shape: DecoderConfiguration) { self.shape = shape }

  /// The tensors of a file that together, row after row, are our parameter.
  func pieces(of name: String, rows: Int) -> [Piece] {
    let parts = name.split(separator: ".").map(String.init)
    if parts.first == "layers", parts.count >= 3 {
      let kind = parts.dropFirst(3).first ?? ""
      return shape.family == .llama
        ? llama(layer: parts[1], parts[2], kind, rows)
        : gpt2(layer: parts[1], parts[2], kind, rows)
    }
    return [Piece(name: outer(parts), rows: 0..<rows)]
  }

  /// Tensors that files may hold and no model here needs: attention masks, cached frequencies.
  static func isIgnored(_ name: String) -> Bool {
    name.hasSuffix(".attn.bias") || name.hasSuffix(".attn.masked_bias")
      || name.hasSuffix("rotary_emb.inv_freq")
  }

  private func outer(_ parts: [String]) -> String {
    let isLlama = shape.family == .llama
    switch parts[0] {
    case "token_embedding": return isLlama ? "model.embed_tokens.weight" : "transformer.wte.weight"
    case "position_embedding": return "transformer.wpe.weight"
    case "final_norm":
      let kind = parts.last == "bias" ? "bias" : "weight"
      return (isLlama ? "model.norm." : "transformer.ln_f.") + kind
    case "language_head": return "lm_head.weight"
    default: return "score.weight"
    }
  }

  private func llama(layer: String, _ part: String, _ kind: String, _ rows: Int) -> [Piece] {
    let prefix = "model.layers.\(layer)."
    func piece(_ name: String, _ rows: Range<Int>) -> Piece {
      Piece(name: prefix + name + "." + (kind == "gain" ? "weight" : kind), rows: rows)
    }
    switch part {
    case "attention_norm": return [piece("input_layernorm", 0..<rows)]
    case "feed_forward_norm": return [piece("post_attention_layernorm", 0..<rows)]
    case "query_key_value":
      let (queries, keys) = (shape.attention.queryWidth, shape.attention.keyValueWidth)
      return [
        piece("self_attn.q_proj", 0..<queries),
        piece("self_attn.k_proj", queries..<queries + keys),
        piece("self_attn.v_proj", queries + keys..<rows),
      ]
    case "attention_output": return [piece("self_attn.o_proj", 0..<rows)]
    case "feed_forward_input":
      return [piece("mlp.gate_proj", 0..<rows / 2), piece("mlp.up_proj", rows / 2..<rows)]
    default: return [piece("mlp.down_proj", 0..<rows)]
    }
  }

  private func gpt2(layer: String, _ part: String, _ kind: String, _ rows: Int) -> [Piece] {
    let names = [
      "attention_norm": "ln_1", "query_key_value": "attn.c_attn",
      "attention_output": "attn.c_proj", "feed_forward_norm": "ln_2",
      "feed_forward_input": "mlp.c_fc", "feed_forward_output": "mlp.c_proj",
    ]
    let name = "transformer.h.\(layer).\(names[part] ?? part)."
    return [
      Piece(
        name: name + (kind == "gain" ? "weight" : kind), rows: 0..<rows,
        isTransposed: kind == "weight")
    ]
  }
}
