import Formats
import Foundation
import Testing

@testable import LanguageModels

/// A directory with the files of a tokenizer, changed by text, and removed in the end.
func withTokenizer<Result>(
  _ fixture: String? = nil, replacing old: String = "", with new: String = "",
  in changed: String = "tokenizer.json", adding files: [String: String] = [:],
  _ body: (URL) throws -> Result
) throws -> Result {
  let directory = temporaryDirectory()
  defer { try? FileManager.default.removeItem(at: directory) }
  let tokenizer =
    try fixture.map { try Tokenizer(directory: Fixture.directory($0)) }
    ?? Tokenizer.wordLevel(words: ["a", "b"])
  try tokenizer.save(to: directory)
  if !old.isEmpty {
    let file = directory.appending(path: changed)
    let text = try String(contentsOf: file, encoding: .utf8)
    try #require(text.contains(old), "\(old)")
    try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: file)
  }
  for (name, text) in files {
    let file = directory.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }
  return try body(directory)
}

@Suite struct RefusedTokenizerTests {
  /// What is said of a tokenizer one of whose files is changed.
  func message(
    _ old: String, _ new: String, in name: String = "tokenizer.json", of fixture: String? = nil,
    adding files: [String: String] = [:]
  ) throws -> String {
    try withTokenizer(fixture, replacing: old, with: new, in: name, adding: files) { directory in
      let error = #expect(throws: TokenizerError.self) { try Tokenizer(directory: directory) }
      let message = "\(try #require(error))"
      #expect(message.contains(directory.path))
      return message
    }
  }

  @Test("parts that are not implemented are refused by name")
  func unsupported() throws {
    let normalizer = #""normalizer": null"#
    #expect(
      try message(normalizer, #""normalizer": {"type": "Precompiled"}"#)
        .contains("normalizer of type Precompiled is not supported"))
    #expect(
      try message(
        normalizer,
        #""normalizer": {"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Nmt"}]}"#
      ).contains("normalizer.normalizers[1] of type Nmt"))
    #expect(try message(#""WordLevel""#, #""Unigram""#).contains("model of type Unigram"))
    #expect(
      try message(#""WhitespaceSplit""#, #""BertPreTokenizer""#)
        .contains("pre_tokenizer of type BertPreTokenizer"))
    #expect(
      try message(#""decoder": null"#, #""decoder": {"type": "WordPiece"}"#)
        .contains("decoder of type WordPiece"))
    #expect(
      try message(#""post_processor": null"#, #""post_processor": {"type": "BertProcessing"}"#)
        .contains("post_processor of type BertProcessing"))
    #expect(
      try message(#""dropout":null"#, #""dropout":0.1"#, of: "gpt2").contains("model.dropout"))
    #expect(
      try message(#"\\p{N}{1,3}"#, #"\\p{N}{1,2}"#, of: "llama3")
        .contains(
          #"the expression `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,2}"#))
    #expect(
      try message("{", #"{"split_special_tokens": true,"#, in: "tokenizer_config.json")
        .contains("split_special_tokens"))
  }

  @Test(
    "values of a wrong type are refused with file and key",
    arguments: [
      (#""merges":["#, #""merges":5,"m":["#, "model.merges"),
      (#""merges":["#, #""merges":[7,"#, "model.merges[0]"),
      (#""merges":["#, #""merges":["q q q","#, "model.merges[0]"),
      (#""vocab":{"#, #""vocab":3,"v":{"#, "model.vocab"),
      (#""vocab":{"#, #""vocab":{"zz!!":"1","#, "model.vocab.zz!!"),
      (#""ignore_merges":false"#, #""ignore_merges":"no""#, "model.ignore_merges"),
      (#""byte_fallback":false"#, #""byte_fallback":1"#, "model.byte_fallback"),
      (#""unk_token":null"#, #""unk_token":[]"#, "model.unk_token"),
      (#""added_tokens":["#, #""added_tokens":{},"a":["#, "added_tokens"),
      (#""added_tokens":["#, #""added_tokens":[3,"#, "added_tokens[0]"),
      (#""single_word":false"#, #""single_word":"f""#, "added_tokens[0].single_word"),
      (#""use_regex":true"#, #""use_regex":4"#, "use_regex"),
      (#""normalizer":null"#, #""normalizer":3"#, "normalizer"),
      (
        #""normalizer":null"#, #""normalizer":{"type":"Prepend","prepend":1}"#, "normalizer.prepend"
      ),
      (#""post_processor":null"#, #""post_processor":[]"#, "post_processor"),
    ])
  func wrongTypes(old: String, new: String, key: String) throws {
    let message = try message(old, new, of: "gpt2")
    #expect(message.contains("tokenizer.json: key `") && message.contains(key), "\(message)")
  }

  @Test("contradictions are refused with file and key")
  func invalid() throws {
    #expect(try message(#""a": 3"#, #""a": 2"#).contains("model.vocab.a"))
    #expect(try message(#""a": 3"#, #""a": -1"#).contains("model.vocab.a"))
    #expect(try message(#""a": 3"#, #""a": 99999999999"#).contains("model.vocab.a"))
    let settings = "tokenizer_config.json"
    #expect(
      try message(#""eos_token": "<eos>""#, #""eos_token": "</s>""#, in: settings)
        .contains("`</s>` is not in tokenizer.json"))
    #expect(
      try message(#""eos_token": "<eos>""#, #""eos_token": null"#, in: settings)
        .contains("key `eos_token`: is missing"))
    #expect(
      try message(#""eos_token": "<eos>""#, #""eos_token": 4"#, in: settings)
        .contains("key `eos_token`: is a number"))
    #expect(try message("{", "[").contains("is not JSON"))
    for value in [#""x""#, "[1, -2]", "{}"] {
      let message = try message(
        "", "", adding: ["generation_config.json": #"{"eos_token_id": \#(value)}"#])
      #expect(message.contains("generation_config.json: key `eos_token_id`"))
    }
  }

  @Test("a missing directory is an error that says what to name")
  func missing() {
    #expect(throws: TokenizerError.self) { try Tokenizer(directory: temporaryDirectory()) }
  }
}

@Suite struct SpecialTokenTests {
  private let plain = #"{"model_max_length": 1024}"#

  private func read(_ files: [String: String]) throws -> Tokenizer {
    try withTokenizer(adding: files) { try Tokenizer(directory: $0) }
  }

  @Test("a token named as an object with its content is read, and is special")
  func object() throws {
    let tokenizer = try read(["tokenizer_config.json": #"{"eos_token": {"content": "a"}}"#])
    #expect(tokenizer.endOfSequence == 3)
    #expect(tokenizer.padding == nil)
    #expect(tokenizer.decode([3, 4]) == "b")
    #expect(tokenizer.encode("ba") == [4, 3], "and is found inside a word")
  }

  @Test("what tokenizer_config.json leaves open is taken from the files beside it")
  func elsewhere() throws {
    let map = #"{"eos_token": "b", "pad_token": {"content": "<pad>"}}"#
    let older = try read(["tokenizer_config.json": plain, "special_tokens_map.json": map])
    #expect(older.endOfSequence == 4 && older.padding == 0)
    let configured = try read(
      ["tokenizer_config.json": plain, "config.json": #"{"eos_token_id": 3, "pad_token_id": 0}"#])
    #expect(configured.endsOfSequence == [3] && configured.padding == 0)
    #expect(configured.decode([3]) == "a", "an id of a configuration makes no token special")
    #expect(configured.templateVariables["eos_token"] == .string("a"))
    let neither = try read(
      [
        "tokenizer_config.json": #"{"eos_token": "a", "added_tokens_decoder": {}}"#,
        "special_tokens_map.json": map,
      ])
    #expect(neither.endOfSequence == 3, "the older file counts only beside an older one")
  }

  @Test("every id of a list ends a response; generation_config.json comes before config.json")
  func lists() throws {
    let config = ["config.json": #"{"eos_token_id": [1, 4, 3]}"#]
    #expect(try read(config).endsOfSequence == [1, 4, 3])
    let generation = ["generation_config.json": #"{"eos_token_id": [3, 900]}"#]
    let both = try read(config.merging(generation) { first, _ in first })
    #expect(both.endsOfSequence == [1, 3, 900], "the tokenizer's own is the first of them")
    #expect(both.endOfSequence == 1)
  }

  @Test("chat templates see all named tokens, also those a model names itself")
  func variables() throws {
    let settings =
      #"{"eos_token": "<eos>", "unk_token": null, "image_token": "a", "extra_special_tokens": {"eoi_token": "b"}}"#
    let tokenizer = try read(["tokenizer_config.json": settings])
    #expect(
      tokenizer.templateVariables == [
        "eos_token": .string("<eos>"), "image_token": .string("a"), "eoi_token": .string("b"),
      ])
    #expect(tokenizer.decode([3, 4, 2]) == "")
  }

  @Test("added_tokens_decoder has the last word on how a token is looked for")
  func decoder() throws {
    let flags = #""rstrip": false, "single_word": true, "normalized": false, "special": false"#
    let entry = #"{"content": "a", "lstrip": false, \#(flags)}"#
    let settings = #"{"eos_token": "<eos>", "added_tokens_decoder": {"3": \#(entry)}}"#
    let tokenizer = try read(["tokenizer_config.json": settings])
    #expect(tokenizer.encode("a ba a!") == [3, 2, 3, 2])
  }
}

@Suite struct TokenizerFileTests {
  @Test("the files of a tokenizer are saved byte by byte, and not those of a model")
  func files() throws {
    let files = [
      "chat_template.jinja": "{{ messages }}\r\n", "chat_templates/tool_use.jinja": "x",
      "generation_config.json": "{ \"eos_token_id\" :[1,  4]}\n", "special_tokens_map.json": "{ }",
      "tokenizer.model": "\u{1}",
    ]
    let saved = temporaryDirectory()
    defer { try? FileManager.default.removeItem(at: saved) }
    try withTokenizer(adding: files.merging(["config.json": "{}"]) { first, _ in first }) {
      try Tokenizer(directory: $0).save(to: saved)
    }
    for (name, text) in files {
      #expect(try Data(contentsOf: saved.appending(path: name)) == Data(text.utf8))
    }
    #expect(!FileManager.default.fileExists(atPath: saved.appending(path: "config.json").path))
    #expect(try Tokenizer(directory: saved).endsOfSequence == [1, 4])
  }

  @Test("merges are cut between code points, whatever graphemes they make")
  func combiningMarks() throws {
    let model = #"""
      "model": {"type": "BPE", "vocab": {"<pad>": 0, "<eos>": 1, "<unk>": 2, "e": 3, "\u0301": 4, \#
      "e\u0301": 5, "x": 6, "\u0301x": 7}, "merges": ["\u0301 x", "e \u0301"]}, "x":
      """#
    try withTokenizer(replacing: #""model":"#, with: model) { directory in
      let tokenizer = try Tokenizer(directory: directory)
      #expect(tokenizer.encode("e\u{301} e\u{301}x") == [5, 3, 7])
      #expect(isSame(tokenizer.decode([3, 4]), "e \u{301}"))
    }
  }

  @Test("scalars that Unicode assigned after version 16 are no letters, as in tokenizers")
  func unicodeVersion() {
    #expect(ScalarClass("\u{C5C}") == .other && ScalarClass("\u{16EA0}") == .other)
    #expect(ScalarClass("\u{1C8A}") == .lower, "of version 16")
    #expect(ScalarClass("\u{295}") == .lower && ScalarClass("é") == .lower)
  }

  @Test("canonical forms order marks, join Hangul by its own rules, and leave later scalars alone")
  func canonicalForms() {
    func same(_ text: String, _ expected: String) -> Bool {
      CanonicalForm.composed(Array(text.unicodeScalars)) == Array(expected.unicodeScalars)
    }
    #expect(same("e\u{301}\u{323}", "\u{1EB9}\u{301}"))
    #expect(same("\u{1100}\u{1161}\u{11A8}", "\u{AC01}") && same("\u{212B}", "\u{C5}"))
    #expect(
      same("\u{110C}\u{1176}", "\u{110C}\u{1176}") && same("\u{AC00}\u{11A7}", "\u{AC00}\u{11A7}"))
    #expect(same("\u{1AC7}\u{F72}", "\u{1AC7}\u{F72}"), "U+1AC7 is of version 14")
    #expect(
      CanonicalForm.decomposed(["\u{168}", "\u{F73}"]) == ["U", "\u{F71}", "\u{F72}", "\u{303}"])
  }
}
