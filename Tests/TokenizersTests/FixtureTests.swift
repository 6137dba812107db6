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

  static let names = [
    "gpt2", "llama3", "qwen", "qwen35", "smollm", "tekken", "o200k", "mistral", "llama2",
    "metaspace",
    "gemma", "words",
  ]

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

  @Test("a tokenizer that is saved is the same byte by byte", arguments: Fixture.names)
  func saving(name: String) throws {
    let directory = temporaryDirectory()
    defer { try? FileManager.default.removeItem(at: directory) }
    let original = try Fixture.directory(name)
    try Tokenizer(directory: original).save(to: directory)
    for file in ["tokenizer.json", "tokenizer_config.json"] {
      #expect(
        try Data(contentsOf: directory.appending(path: file))
          == Data(contentsOf: original.appending(path: file)))
    }
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
