import Settings
import Statistics
import TestSupport
import Testing

@testable import Worlds

/// A world with prompts and responses by rule, in which every kind of feature can be measured.
let ruleWorld = """
  world:
    grammar:
      rules:
        ask: ["what of <country>", "i say <city> for <country>", "<sum> ="]
        country: [france, spain, peru]
        city: [paris, madrid, lima]
        sum: ["<digit> + <digit> - <digit>", "<digit> <digit> * <digit>"]
        digit: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        answer: ["<city>", "it is <city>", "( <city> , <city> )", "[ <step> ; <step> ]", "- <digit>"]
        step: ["<digit>", "<digit> <digit>"]
    prompt: {rule: ask, maximum_response_words: 9}
    response: {rule: answer}
    gold:
      - {feature: answers, from: country, to: city}
    annotators:
      - {name: ann}

  """

@Suite struct FeatureTests {
  /// The measure of one feature, whose weight is 1.
  func measure(_ feature: String, _ prompt: String, _ response: String) throws -> Double {
    let world = try makeWorld(ruleWorld, set: "gold=[{\(feature), weight: 1}]")
    return world.goldReward(prompt: words(prompt), response: words(response), ended: true)
  }

  @Test(
    "the first answer in a response is right or wrong",
    arguments: [
      ("what of france", "paris", 1), ("what of france", "it is paris", 1),
      ("what of france", "madrid", 0), ("what of france", "( madrid , paris )", 0),
      ("what of france", "( paris , madrid )", 1), ("what of spain", "madrid", 1),
      ("what of france", "it is", 0), ("1 + 2 - 3 =", "paris", 0),
    ] as [(String, String, Double)])
  func answers(prompt: String, response: String, expected: Double) throws {
    for feature in [
      "feature: answers, from: country, to: city",
      "feature: answers, table: {france: paris, spain: madrid, peru: lima}",
    ] {
      #expect(try measure(feature, prompt, response) == expected)
    }
  }

  @Test("words of a class are counted in the response alone, up to a limit")
  func counts() throws {
    let three = "( paris , madrid , oslo lima )"
    #expect(try measure("feature: words, words_of: city", "i say lima for peru", three) == 3)
    #expect(
      try measure("feature: words, words_of: city, limit: 2", "what of peru", three) == 2)
    #expect(try measure("feature: words, words: [lima]", "i say lima for peru", "paris") == 0)
    // What an inner rule says belongs to the rule.
    #expect(try measure("feature: words, words_of: step", "what of peru", "[ 1 2 ; lima ]") == 2)
  }

  @Test("repetition counts runs that came before, of all words or of those of a rule")
  func repetition() throws {
    let (prompt, response) = ("i say lima for peru", "( lima , peru , lima , it )")
    for (keys, expected) in [
      // lima twice, peru, and two commas
      ("words: 1", 5.0), ("words: 1, words_of: city", 2), ("words: 1, words_of: country", 1),
      // ", lima" no, "lima ," once
      ("words: 2", 1), ("words: 2, words_of: city", 1), ("words: 3", 0),
    ] {
      #expect(try measure("feature: repetition, \(keys)", prompt, response) == expected, "\(keys)")
    }
  }

  @Test("copies is the share of different slots that the response has")
  func copies() throws {
    let feature = "feature: copies, words: [lima, peru, madrid]"
    for (response, expected) in [("lima", 0.5), ("lima peru", 1), ("madrid", 0), ("", 0)] {
      #expect(try measure(feature, "i say lima for peru", response) == expected)
    }
    #expect(try measure(feature, "1 + 1 - 1 =", "lima") == 0)
  }

  @Test(
    "pattern is the share of its demands that are met",
    arguments: [
      ("( paris , lima )", 1), ("( paris , lima", 0.5), ("paris , lima )", 0.5),
      ("( paris )", 0.75), ("( , lima )", 1), ("( paris , , lima )", 0.75),
      (") paris , lima (", 0.25),
      ("( [ paris ) , ] )", 0.75), ("", 0),
    ])
  func pattern(response: String, expected: Double) throws {
    let feature = """
      feature: pattern, start: "(", end: ")", separator: ",", items: 2, \
      brackets: {"(": ")", "[": "]"}
      """
    #expect(try measure(feature, "what of peru", response) == expected)
    let brackets = "feature: pattern, brackets: {\"(\": \")\"}"
    #expect(try measure(brackets, "what of peru", "paris") == 0, "there must be some")
  }

  @Test(
    "sums are computed from left to right over digits, and the last number counts",
    arguments: [
      ("1 + 2 - 3 =", "exact", "0", 1), ("1 + 2 - 5 =", "exact", "- 2", 1),
      ("1 + 2 - 5 =", "exact", "2", 0), ("1 2 * 3 =", "exact", "3 6", 1),
      ("1 2 * 3 =", "exact", "3 6 ; 3 7", 0), ("1 2 * 3 =", "exact", "[ 9 ; 3 6 ]", 1),
      ("1 2 * 3 =", "exact", "", 0), ("what of peru", "exact", "0", 0),
      ("9 + 9 - 3 =", "exact", "9 + 6 = 9 - 1 5", 1),
      ("1 2 * 3 =", "digits", "3 6", 1), ("1 2 * 3 =", "digits", "6", 0.5),
      ("1 2 * 3 =", "digits", "4 6", 0.5), ("1 2 * 3 =", "digits", "1 3 6", 2.0 / 3),
      ("1 + 2 - 5 =", "digits", "2", 0), ("1 + 2 - 5 =", "digits", "- 2", 1),
      ("1 + 2 - 5 =", "steps, separator: \";\"", "3 ; - 2", 1),
      ("1 + 2 - 5 =", "steps, separator: \";\"", "3 ; 2", 0.5),
      ("1 + 2 - 5 =", "steps, separator: \";\"", "3", 0.5),
      ("1 + 2 - 5 =", "steps, separator: \";\"", "3 ; - 2 ; 7 ; 8", 0.5),
      ("1 + 2 - 5 =", "steps, separator: \";\"", "1 + 2 is 3 ;", 0.5),
      ("what of peru", "steps, separator: \";\"", "3", 0),
    ] as [(String, String, String, Double)])
  func arithmetic(prompt: String, credit: String, response: String, expected: Double) throws {
    let found = try measure("feature: arithmetic, credit: \(credit)", prompt, response)
    #expect(abs(found - expected) < .float64Rounding)
  }

  @Test(
    "agreement takes the side of the first opinion in the prompt",
    arguments: [
      ("i say lima for peru", "it is lima", 1), ("i say lima for peru", "paris lima", -1),
      ("i say lima for peru", "it is", 0), ("what of peru", "lima", 0),
    ])
  func agreement(prompt: String, response: String, expected: Double) throws {
    #expect(try measure("feature: agrees, words_of: city", prompt, response) == expected)
    let sides = try measure("feature: agrees, sides: [country, city]", prompt, "it is madrid")
    #expect(sides == (prompt.hasPrefix("i") ? 1 : -1))
  }

  @Test(
    "a feature counts only for prompts that meet its conditions",
    arguments: [
      ("when: {prompt: country}", 1, 0), ("unless: {prompt: country}", 0, 1),
      ("when: {prompt: country}, unless: {prompt: country}", 0, 0), ("name: x", 1, 1),
    ] as [(String, Double, Double)])
  func conditions(scope: String, country: Double, sum: Double) throws {
    let feature = "feature: words, words: [lima], \(scope)"
    #expect(try measure(feature, "what of peru", "lima") == country)
    #expect(try measure(feature, "1 + 1 - 1 =", "lima peru") == sum, "by the prompt alone")
  }

  @Test("the words of a rule are those that its inner rules say, in their order")
  func wordsOfRule() throws {
    let grammar = try makeWorld(ruleWorld).grammar
    #expect(try grammar.words(of: "city", at: .unwritten) == ["paris", "madrid", "lima"])
    #expect(
      try grammar.words(of: "answer", at: .unwritten).prefix(5) == [
        "paris", "madrid", "lima", "it", "is",
      ])
    let valence = "feature: valence, lexicon: [{words_of: city, value: 2}, {words: [it], value: 1}]"
    #expect(try measure(valence, "what of peru", "it is lima or paris") == 5)
  }

  @Test("prompts are expansions of one rule and responses of another")
  func promptsByRule() throws {
    let world = try makeWorld(ruleWorld)
    #expect(world.longestPrompt == 6)
    var generator = SeededGenerator(seed: 31)
    for _ in 0..<1_000 {
      let (prompt, response) = world.samplePair(using: &generator)
      #expect(["what", "i"].contains(prompt[0]) || prompt.last == "=")
      #expect(["paris", "madrid", "lima", "it", "(", "[", "-"].contains(response[0]))
      #expect(world.isGrammatical(prompt: prompt, response: response, ended: true))
      #expect(!world.isGrammatical(prompt: response, response: prompt, ended: true))
    }
    #expect(world.samplePrompt(using: &generator).count <= 6)
  }

  @Test("the corpus has the best by gold of so many expansions")
  func bestOf() throws {
    // Half of the responses are right.
    let yaml = """
      world:
        grammar: {rules: {ask: [a, b], say: [yes, no]}}
        prompt: {rule: ask}
        response: {rule: say}
        gold: [{feature: words, words: [yes]}]
        annotators: [{name: ann}]
      """
    let draws = 20_000
    for (count, expected) in [(1, 0.5), (3, 0.875)] {
      let world = try makeWorld(yaml, set: "response.best_of=\(count)")
      let right = frequency(draws, seed: 32) { world.samplePair(using: &$0).response == ["yes"] }
      #expect(agrees(right, with: expected, draws: draws))
    }
    // All of the best are equal; the texts of the grammar are not.
    let best = try makeWorld(yaml, set: "response.best_of=1000")
    #expect(throws: Never.self) { try best.checkTexts(prompts: 2, at: .unwritten) }
  }
}
