import Formats
package import Foundation

extension Tokenizer {
  /// Writes `tokenizer.json` and `tokenizer_config.json` so that `transformers`'
  /// `AutoTokenizer.from_pretrained` gives the same ids and the same text.
  ///
  /// - Throws: ``TokenizerError/file(path:problem:)`` when a file cannot be written.
  package func save(to directory: URL) throws(TokenizerError) {
    let added = addedTokens.map { token in
      JSONValue.object([
        "id": .int(Int(token.id)), "content": .string(token.content), "single_word": .bool(false),
        "lstrip": .bool(false), "rstrip": .bool(false), "normalized": .bool(token.isNormalized),
        "special": .bool(token.isSpecial),
      ])
    }
    let document: JSONObject = [
      "version": .string("1.0"), "truncation": .null, "padding": .null,
      "added_tokens": .array(added), "normalizer": .null,
      "pre_tokenizer": preTokenizer.json, "post_processor": postProcessor,
      "decoder": decodesBytes ? PreTokenizer.byteLevelPart(addsPrefixSpace: true) : .null,
      "model": modelDescription,
    ]
    try write(document, "tokenizer.json", in: directory)

    var settings = configuration
    settings["tokenizer_class"] = .string("PreTrainedTokenizerFast")
    settings["clean_up_tokenization_spaces"] = .bool(false)
    if settings["model_max_length"] == nil {  // transformers' way of saying: no bound
      settings["model_max_length"] = .int(1_000_000_000_000_000_000)
    }
    try write(settings, "tokenizer_config.json", in: directory)
  }

  private func write(
    _ object: JSONObject, _ name: String, in directory: URL
  ) throws(TokenizerError) {
    let file = directory.appending(path: name)
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      let text = try JSONValue.object(object).text(.indented)
      try Data((text + "\n").utf8).write(to: file, options: .atomic)
    } catch {
      throw .file(
        path: file.path, problem: "cannot be written (\(error)); check permissions and space")
    }
  }

  private var modelDescription: JSONValue {
    let words = JSONValue.object(
      JSONObject(vocabulary.entries.map { ($0.token, .int(Int($0.id))) }))
    switch model {
    case .wordLevel(let unknown):
      return .object([
        "type": .string("WordLevel"), "vocab": words, "unk_token": .string(token(unknown)),
      ])
    case .bytePair(let merges):
      return .object([
        "type": .string("BPE"), "dropout": .null,
        "unk_token": merges.unknown.map { .string(token($0)) } ?? .null,
        "continuing_subword_prefix": .null, "end_of_word_suffix": .null,
        "fuse_unk": .bool(false), "byte_fallback": .bool(false),
        "ignore_merges": .bool(merges.keepsWholeTokens), "vocab": words,
        "merges": .array(
          merges.pairs.map { .array([.string(token($0.left)), .string(token($0.right))]) }),
      ])
    }
  }
}

extension PreTokenizer {
  static func byteLevelPart(addsPrefixSpace: Bool, splits: Bool = true) -> JSONValue {
    .object([
      "type": .string("ByteLevel"), "add_prefix_space": .bool(addsPrefixSpace),
      "trim_offsets": .bool(true), "use_regex": .bool(splits),
    ])
  }

  var json: JSONValue {
    switch self {
    case .whitespace: return .object(["type": .string("Whitespace")])
    case .whitespaceSplit: return .object(["type": .string("WhitespaceSplit")])
    case .byteLevel(let addsPrefixSpace, let splits):
      return Self.byteLevelPart(addsPrefixSpace: addsPrefixSpace, splits: splits)
    case .byteLevelLlama3:
      let split: JSONObject = [
        "type": .string("Split"), "pattern": .object(["Regex": .string(Self.llama3Pattern)]),
        "behavior": .string("Isolated"), "invert": .bool(false),
      ]
      let bytes = Self.byteLevelPart(addsPrefixSpace: false, splits: false)
      return .object([
        "type": .string("Sequence"), "pretokenizers": .array([.object(split), bytes]),
      ])
    }
  }
}
