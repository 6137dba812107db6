import Formats
import Foundation

extension Tokenizer {
  /// One token a word, words separated by white space: `<pad>` 0, `<eos>` 1, `<unk>` 2, then
  /// `words` in order. Words must be distinct and hold no white space.
  package static func wordLevel(words: [String]) -> Tokenizer {
    build(["<pad>", "<eos>", "<unk>"] + words, special: [0, 1, 2]) { vocabulary in
      [
        "pre_tokenizer": .object(["type": .string("WhitespaceSplit")]), "post_processor": .null,
        "decoder": .null,
        "model": .object([
          "type": .string("WordLevel"), "vocab": vocabulary, "unk_token": .string("<unk>"),
        ]),
      ]
    }
  }

  /// One token a byte, whose id is the byte; `<pad>` 256 and `<eos>` 257.
  package static func byteLevel() -> Tokenizer {
    let bytes = ByteAlphabet.scalars.map { String(Character($0)) }
    return build(bytes + ["<pad>", "<eos>"], special: [256, 257]) { vocabulary in
      [
        "pre_tokenizer": part(addsPrefixSpace: false, splits: false), "post_processor": .null,
        "decoder": part(addsPrefixSpace: true, splits: true),
        "model": .object([
          "type": .string("BPE"), "dropout": .null, "unk_token": .null,
          "continuing_subword_prefix": .null, "end_of_word_suffix": .null,
          "fuse_unk": .bool(false), "byte_fallback": .bool(false), "ignore_merges": .bool(false),
          "vocab": vocabulary, "merges": .array([]),
        ]),
      ]
    }
  }

  private static func part(addsPrefixSpace: Bool, splits: Bool) -> JSONValue {
    .object([
      "type": .string("ByteLevel"), "add_prefix_space": .bool(addsPrefixSpace),
      "trim_offsets": .bool(true), "use_regex": .bool(splits),
    ])
  }

  /// Writes the files of a tokenizer and reads them, so that there is one way to make one.
  ///
  /// - Parameter special: the ids of `<pad>`, `<eos>` and, if there is one, `<unk>`.
  private static func build(
    _ tokens: [String], special: [Int], _ parts: (_ vocabulary: JSONValue) -> JSONObject
  ) -> Tokenizer {
    precondition(
      Set(tokens.map { Array($0.utf8) }).count == tokens.count, "a token is given twice")
    let added = special.map { id in
      JSONValue.object([
        "id": .int(id), "content": .string(tokens[id]), "single_word": .bool(false),
        "lstrip": .bool(false), "rstrip": .bool(false), "normalized": .bool(false),
        "special": .bool(true),
      ])
    }
    var document: JSONObject = [
      "version": .string("1.0"), "truncation": .null, "padding": .null,
      "added_tokens": .array(added), "normalizer": .null,
    ]
    let words = JSONObject(tokens.enumerated().map { ($1, .int($0)) })
    for member in parts(.object(words)).members { document[member.key] = member.value }
    var settings: JSONObject = ["eos_token": .string("<eos>"), "pad_token": .string("<pad>")]
    if special.count > 2 { settings["unk_token"] = .string("<unk>") }
    settings["tokenizer_class"] = .string("PreTrainedTokenizerFast")
    settings["clean_up_tokenization_spaces"] = .bool(false)
    // transformers' way of saying: no bound.
    settings["model_max_length"] = .int(1_000_000_000_000_000_000)
    do {
      var files = TokenizerFiles(path: "a new tokenizer")
      files["tokenizer.json"] = try data(document)
      files["tokenizer_config.json"] = try data(settings)
      return try TokenizerReader(files).tokenizer()
    } catch {
      preconditionFailure("tokens that make a tokenizer: \(error)")
    }
  }

  private static func data(_ object: JSONObject) throws -> Data {
    Data((try JSONValue.object(object).text(.indented) + "\n").utf8)
  }
}
