import Formats
import Foundation

/// `config.json` of a checkpoint, in the keys of `transformers`.
extension DecoderConfiguration {
  /// Reads the shape of a Llama or GPT-2 model.
  ///
  /// - Throws: `CheckpointError` naming the key of anything that this decoder does not compute, so
  ///   that a model is never run as something it is not; ``ModelError/impossibleSize(_:)`` naming
  ///   the file.
  package init(_ file: ConfigurationFile) throws {
    self.init()
    let type = try file.string("model_type")
    switch type {
    case "llama": try readLlama(file)
    case "gpt2": try readGPT2(file)
    default:
      throw file.failure("model_type", "is \(type), and only llama and gpt2 are known here")
    }
    do { try validate() } catch {
      throw ModelError.impossibleSize("\(file.place): \(error)")
    }
  }

  private mutating func readLlama(_ file: ConfigurationFile) throws {
    family = .llama
    vocabularySize = try file.int("vocab_size")
    width = try file.int("hidden_size")
    layers = try file.int("num_hidden_layers")
    heads = try file.int("num_attention_heads")
    keyValueHeads = try file.int("num_key_value_heads", default: heads)
    headWidth = try file.int("head_dim", default: width / max(1, heads))
    feedForwardWidth = try file.int("intermediate_size")
    maximumPositions = try file.int("max_position_embeddings", default: 2048)
    normEpsilon = try file.double("rms_norm_eps", default: 1e-6)
    rotaryBase = try file.double("rope_theta", default: 10_000)
    for key in ["rope_parameters", "rope_scaling"] where file[key] != nil {
      let rope = try file.nested(key)
      // Files of older versions say `type`.
      let kind = try rope.string("rope_type", default: rope.string("type", default: "default"))
      if kind != "default" {
        throw file.failure(key, "asks for rope_type \(kind), and only default is computed here")
      }
      rotaryBase = try rope.double("rope_theta", default: rotaryBase)
    }
    attentionBias = try file.bool("attention_bias", default: false)
    feedForwardBias = try file.bool("mlp_bias", default: false)
    tiedEmbeddings = try file.bool("tie_word_embeddings", default: false)
    try require("hidden_act", in: ["silu", "swish"], of: file, default: "silu")
  }

  private mutating func readGPT2(_ file: ConfigurationFile) throws {
    family = .gpt2
    vocabularySize = try file.int("vocab_size")
    width = try file.int("n_embd")
    layers = try file.int("n_layer")
    heads = try file.int("n_head")
    keyValueHeads = heads
    headWidth = width / max(1, heads)
    feedForwardWidth = try file.int("n_inner", default: 4 * width)
    maximumPositions = try file.int("n_positions", default: 1024)
    normEpsilon = try file.double("layer_norm_epsilon", default: 1e-5)
    attentionBias = true
    feedForwardBias = true
    tiedEmbeddings = try file.bool("tie_word_embeddings", default: true)
    try require(
      "activation_function", in: ["gelu_new", "gelu_pytorch_tanh"], of: file, default: "gelu_new")
    if try file.bool("scale_attn_by_inverse_layer_idx", default: false)
      || !file.bool("scale_attn_weights", default: true)
    {
      throw file.failure(
        "scale_attn_weights", "asks for a scaling of attention that is not computed here")
    }
  }

  private func require(
    _ key: String, in known: [String], of file: ConfigurationFile, default value: String
  ) throws {
    let found = try file.string(key, default: value)
    if !known.contains(found) {
      throw file.failure(key, "is \(found), and only \(known[0]) is computed here")
    }
  }

  /// The members of `config.json` that describe the shape.
  var members: [(String, JSONValue)] {
    switch family {
    case .llama:
      [
        ("model_type", .string("llama")), ("vocab_size", .int(vocabularySize)),
        ("hidden_size", .int(width)),
        ("num_hidden_layers", .int(layers)), ("num_attention_heads", .int(heads)),
        ("num_key_value_heads", .int(keyValueHeads)), ("head_dim", .int(headWidth)),
        ("intermediate_size", .int(feedForwardWidth)),
        ("max_position_embeddings", .int(maximumPositions)), ("hidden_act", .string("silu")),
        ("rms_norm_eps", .double(normEpsilon)), ("rope_theta", .double(rotaryBase)),
        ("attention_bias", .bool(attentionBias)), ("mlp_bias", .bool(feedForwardBias)),
        ("tie_word_embeddings", .bool(tiedEmbeddings)),
      ]
    case .gpt2:
      [
        ("model_type", .string("gpt2")), ("vocab_size", .int(vocabularySize)),
        ("n_embd", .int(width)),
        ("n_layer", .int(layers)), ("n_head", .int(heads)), ("n_inner", .int(feedForwardWidth)),
        ("n_positions", .int(maximumPositions)), ("activation_function", .string("gelu_new")),
        ("layer_norm_epsilon", .double(normEpsilon)),
        // `transformers` would drop activations by default, and this decoder never does.
        ("attn_pdrop", .double(0)), ("embd_pdrop", .double(0)), ("resid_pdrop", .double(0)),
        ("tie_word_embeddings", .bool(tiedEmbeddings)),
      ]
    }
  }
}
