import Statistics
import Testing

@testable import Worlds

@Suite struct GrammarTests {
  @Test("words are numbered as they first appear in the rules")
  func vocabulary() throws {
    let expected = ["and", "the", "was", "soup", "room", "good", "very", "not", "bad"]
    #expect(try makeWorld().vocabulary == expected)
  }

  @Test(
    "breaks are counted where a text leaves the grammar",
    arguments: [
      ("the soup was good", true, 0),
      ("the soup was", true, 0),  // the quality may be nothing
      ("the soup was and the room was not very good", true, 0),
      ("the soup was good", false, 1),  // cut off
      ("the soup was good and", true, 1),  // stops where no text may
      ("the soup was good and", false, 1),  // one end, one break
      ("the soup good", true, 1),  // goes on after the word that does not fit
      ("soup was good", true, 1),
      ("the the soup was good", true, 1),
      ("the soup was good good", true, 1),
      ("the soup was not good", true, 1),  // "not" is only followed by "very"
      ("the soup was grand", true, 1),  // a word of another world
      ("the xyzzy soup was good", true, 1),  // and the place in the text stays
      ("good the and", true, 4),  // good; the; and; its end
      ("", true, 1),
      ("", false, 1),
    ])
  func breaks(text: String, ended: Bool, expected: Int) throws {
    let world = try makeWorld()
    #expect(world.grammarBreaks(prompt: [], response: words(text), ended: ended) == expected)
    let parts = (Array(words(text).prefix(2)), Array(words(text).dropFirst(2)))
    #expect(world.grammarBreaks(prompt: parts.0, response: parts.1, ended: ended) == expected)
    #expect(
      world.isGrammatical(prompt: parts.0, response: parts.1, ended: ended) == (expected == 0))
  }

  @Test("sampled texts have no breaks and the shape that was asked for")
  func samples() throws {
    let world = try makeWorld()
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<2_000 {
      let (prompt, response) = world.samplePair(using: &generator)
      #expect((2...3).contains(prompt.count) && (1...9).contains(response.count))
      #expect(world.isGrammatical(prompt: prompt, response: response, ended: true))
    }
  }

  @Test("loops through several rules, with and without words, are sampled and recognised")
  func mutualRecursion() throws {
    let world = try makeWorld(
      """
      world:
        grammar:
          start: a
          rules:
            a: {"x <b>": 1, "<b>": 1}
            b: {"y <a>": 2, "<a>": 5, "z": 1}
        prompt: {words: 1}
        gold: [{feature: length, limit: 0}]
        annotators: [{name: ann}]
      """)
    for (text, expected) in [("x y x z", 0), ("y z", 0), ("x x z", 0), ("x y", 1), ("z z", 1)] {
      #expect(world.grammarBreaks(prompt: [], response: words(text), ended: true) == expected)
    }
    var generator = SeededGenerator(seed: 4)
    for _ in 0..<500 {
      let text = world.sampleText(using: &generator)
      #expect(world.isGrammatical(prompt: [], response: text, ended: true))
    }
  }

  @Test("expansions are drawn in proportion to their weights")
  func weights() throws {
    let world = try makeWorld(
      """
      world:
        grammar: {start: a, rules: {a: {"go left": 3, "go right": 1}}}
        prompt: {words: 1}
        gold: [{feature: length, limit: 0}]
        annotators: [{name: ann}]
      """)
    let draws = 20_000
    let left = frequency(draws, seed: 5) { world.sampleText(using: &$0) == ["go", "left"] }
    #expect(agrees(left, with: 0.75, draws: draws))
  }

  @Test("base texts have the declared part of their words replaced")
  func baseNoise() throws {
    let clean = try makeWorld(set: "base_noise=0")
    let noisy = try makeWorld(set: "base_noise=1")
    var generator = SeededGenerator(seed: 6)
    var wordCount = 0
    var counts: [String: Int] = [:]
    for _ in 0..<4_000 {
      let text = clean.sampleBaseText(using: &generator)
      #expect(clean.isGrammatical(prompt: [], response: text, ended: true))
      for word in noisy.sampleBaseText(using: &generator) {
        counts[word, default: 0] += 1
        wordCount += 1
      }
    }
    for word in noisy.vocabulary {
      let part = Double(counts[word] ?? 0) / Double(wordCount)
      #expect(agrees(part, with: 1.0 / 9, draws: wordCount))
    }
  }

  @Test("the same seed says the same, another seed something else")
  func determinism() throws {
    let world = try makeWorld()
    func say(_ seed: UInt64) -> [[String]] {
      var generator = SeededGenerator(seed: seed)
      return (0..<50).map { _ in world.sampleBaseText(using: &generator) }
    }
    #expect(say(7) == say(7))
    #expect(say(7) != say(8))
  }
}
