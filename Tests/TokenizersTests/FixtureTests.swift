import Foundation
import Testing

@testable import LanguageModels

/// The files that `Fixtures/make_fixtures.py` made with the `tokenizers` library.
enum Fixture {
  struct Case: Decodable, Sendable {
    let text: String
    let ids: [Int32]
    let promptIDs: [Int32]
    let decoded: String
    let skipping: String

    enum CodingKeys: String, CodingKey {
      case text, ids, decoded, skipping
      case promptIDs = "prompt_ids"
    }
  }

  static let names = ["gpt2", "llama3", "words"]

  static func directory(_ name: String) throws -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
  }

  static func cases(_ name: String) throws -> [Case] {
    let data = try Data(contentsOf: directory("cases.json"))
    return try #require(JSONDecoder().decode([String: [Case]].self, from: data)[name])
  }
}

/// Compares texts byte by byte: `==` takes two spellings of an accented letter for one.
func isSame(_ first: String, _ second: String) -> Bool {
  first.utf8.elementsEqual(second.utf8)
}

func temporaryDirectory() -> URL {
  FileManager.default.temporaryDirectory.appending(path: "TokenizersTests-\(UUID().uuidString)")
}

@Suite struct FixtureTests {
  @Test("ids and texts equal those of the tokenizers library", arguments: Fixture.names)
  func parity(name: String) throws {
    let tokenizer = try Tokenizer(directory: Fixture.directory(name))
    let cases = try Fixture.cases(name)
    #expect(cases.count > 20)
    for expected in cases {
      let text = expected.text.debugDescription
      #expect(tokenizer.encode(expected.text) == expected.ids, "\(text)")
      #expect(tokenizer.encodePrompt(expected.text) == expected.promptIDs, "\(text)")
      let decoded = tokenizer.decode(expected.ids, skippingSpecialTokens: false)
      #expect(isSame(decoded, expected.decoded), "\(text): \(decoded.debugDescription)")
      let skipping = tokenizer.decode(expected.ids)
      #expect(isSame(skipping, expected.skipping), "\(text): \(skipping.debugDescription)")
    }
  }

  @Test("a tokenizer that is saved and read again is the same", arguments: Fixture.names)
  func saving(name: String) throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    let tokenizer = try Tokenizer(directory: Fixture.directory(name))
    try tokenizer.save(to: directory)
    let read = try Tokenizer(directory: directory)
    #expect(read.sharesVocabulary(with: tokenizer) == nil)
    for expected in try Fixture.cases(name) {
      #expect(read.encodePrompt(expected.text) == expected.promptIDs)
      #expect(isSame(read.decode(expected.ids), expected.skipping))
    }
    let bytes = try Data(contentsOf: directory.appending(path: "tokenizer.json"))
    try read.save(to: directory)
    #expect(try Data(contentsOf: directory.appending(path: "tokenizer.json")) == bytes)
  }
}

@Suite struct TokenizerTests {
  @Test("a word-level tokenizer numbers its words after the three special tokens")
  func wordLevel() {
    let tokenizer = Tokenizer.wordLevel(words: ["good", "bad"])
    #expect(tokenizer.encode(" good  ugly bad<eos>") == [3, 2, 4, 1])
    #expect(tokenizer.decode([3, 4, 1, 0]) == "good bad")
    #expect(tokenizer.decode([3, 1, 99, -1], skippingSpecialTokens: false) == "good <eos>")
    #expect(tokenizer.vocabularySize == 5)
    #expect(tokenizer.endOfSequence == 1)
    #expect(tokenizer.padding == 0)
    #expect(tokenizer.unknown == 2)
    #expect(tokenizer.id(of: "bad") == 4)
    #expect(tokenizer.token(4) == "bad")
    #expect(tokenizer.token(5) == "")
  }

  @Test("a byte-level tokenizer gives every text back, and broken bytes as U+FFFD")
  func byteLevel() {
    let tokenizer = Tokenizer.byteLevel()
    let text = " e\u{301}\n  👍<eos>\0"
    let ids = tokenizer.encode("a b") + tokenizer.encode(text)
    #expect(ids.prefix(3) == [97, 32, 98])
    #expect(isSame(tokenizer.decode(ids, skippingSpecialTokens: false), "a b" + text))
    #expect(tokenizer.decode([0xE2, 0x82, 97]) == "\u{FFFD}a")
  }

  @Test("differences of vocabulary are told, equal vocabularies are not")
  func sharing() {
    let tokenizer = Tokenizer.wordLevel(words: ["a", "b"])
    #expect(tokenizer.sharesVocabulary(with: .wordLevel(words: ["a", "b"])) == nil)
    #expect(
      tokenizer.sharesVocabulary(with: .wordLevel(words: ["a", "c"]))
        == "token 4 is `b` here, `c` there")
    #expect(
      tokenizer.sharesVocabulary(with: .wordLevel(words: ["a"])) == "5 tokens here, 4 there")
  }
}

@Suite struct RefusedTokenizerTests {
  /// Saves a word-level tokenizer with one text replaced in one of its files, and reads it.
  func message(
    _ old: String, _ new: String, in name: String = "tokenizer.json", of fixture: String? = nil
  ) throws -> String {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    let tokenizer =
      try fixture.map { try Tokenizer(directory: Fixture.directory($0)) }
      ?? Tokenizer.wordLevel(words: ["a"])
    try tokenizer.save(to: directory)
    let file = directory.appending(path: name)
    let text = try String(contentsOf: file, encoding: .utf8)
    try #require(text.contains(old))
    try text.replacingOccurrences(of: old, with: new)
      .write(to: file, atomically: true, encoding: .utf8)
    let error = #expect(throws: TokenizerError.self) { try Tokenizer(directory: directory) }
    let message = "\(try #require(error))"
    #expect(message.contains(file.path))
    return message
  }

  @Test("parts that are not implemented are refused by name")
  func unsupported() throws {
    #expect(
      try message(#""normalizer": null"#, #""normalizer": {"type": "NFC"}"#)
        .contains("normalizer of type NFC is not supported"))
    #expect(try message(#""WordLevel""#, #""Unigram""#).contains("model of type Unigram"))
    #expect(
      try message(#""WhitespaceSplit""#, #""Metaspace""#)
        .contains("pre_tokenizer of type Metaspace"))
    #expect(
      try message(#""decoder": null"#, #""decoder": {"type": "WordPiece"}"#)
        .contains("decoder of type WordPiece"))
    #expect(
      try message(#""post_processor": null"#, #""post_processor": {"type": "BertProcessing"}"#)
        .contains("post_processor of type BertProcessing"))
    #expect(
      try message(#""lstrip": false"#, #""lstrip": true"#).contains("added_tokens[0].lstrip"))
    #expect(
      try message(#""byte_fallback": false"#, #""byte_fallback": true"#, of: "gpt2")
        .contains("model.byte_fallback"))
    #expect(
      try message(#"\\p{N}{1,3}"#, #"\\p{N}{1,2}"#, of: "llama3")
        .contains("pre_tokenizer of type Sequence"))
  }

  @Test("contradictions are refused with file and key")
  func invalid() throws {
    #expect(try message(#""a": 3"#, #""a": 2"#).contains("model.vocab.a"))
    #expect(try message(#""a": 3"#, #""a": -1"#).contains("model.vocab.a"))
    #expect(try message(#""a": 3"#, #""a": 99999999999"#).contains("model.vocab.a"))
    #expect(
      try message(#""eos_token": "<eos>""#, #""eos_token": "</s>""#, in: "tokenizer_config.json")
        .contains("`</s>` is not in tokenizer.json"))
    #expect(
      try message(#""eos_token": "<eos>""#, #""eos_token": null"#, in: "tokenizer_config.json")
        .contains("key `eos_token`: is missing"))
    #expect(
      try message(#""merges": ["#, #""merges": ["q q q","#, of: "gpt2").contains("model.merges[0]"))
    #expect(try message("{", "[").contains("is not JSON"))
  }

  @Test("a token named as an object with its content is read")
  func objectToken() throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    try Tokenizer.wordLevel(words: ["a"]).save(to: directory)
    try Data(#"{"eos_token": {"content": "a"}}"#.utf8)
      .write(to: directory.appending(path: "tokenizer_config.json"))
    let tokenizer = try Tokenizer(directory: directory)
    #expect(tokenizer.endOfSequence == 3)
    #expect(tokenizer.padding == nil)
    #expect(tokenizer.decode([3]) == "", "a named token is special")
  }

  @Test("a missing directory is an error that says what to name")
  func missing() {
    #expect(throws: TokenizerError.self) { try Tokenizer(directory: temporaryDirectory()) }
  }
}
