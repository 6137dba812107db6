package import Settings

/// What of a text is the prompt: its first words, or an expansion of a rule.
package struct PromptConfiguration: Configurable, Equatable {
  var words = 2...3
  var rule: String?
  package var maximumResponseWords = 12

  package init() {}

  package static let fields: [Field<Self>] = [
    Field(
      "words", \.words, "how many of a text's first words are the prompt, `[low, high]`",
      onlyIf: .setting("rule", is: "null") { $0.rule == nil }),
    Field(
      "rule", \.rule,
      "a rule: prompts are its expansions, and responses those of `world.response.rule`; null cuts "
        + "texts after some words"),
    Field(
      "maximum_response_words", \.maximumResponseWords,
      "words that a response may have; longer ones are drawn again", in: 1...1_000),
  ]

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    guard words.lowerBound >= 1, words.upperBound <= 1_000 else {
      throw location.key("words").error(
        "\(words) words cannot be a prompt", advice: "use at least 1 and at most 1000")
    }
  }
}

/// What the responses of the corpus are, where prompts are expansions of a rule.
struct ResponseConfiguration: Configurable, Equatable {
  var rule: String?
  var bestOf = 1

  init() {}

  static let fields: [Field<Self>] = [
    Field("rule", \.rule, "a rule: responses of the corpus are its expansions"),
    Field(
      "best_of", \.bestOf,
      "how skilled those are who wrote the corpus: each response is the best by gold of so many",
      in: 1...1_000, onlyIf: .setting("rule", is: "a rule") { $0.rule != nil }),
  ]
}

/// A toy world: its grammar, its gold reward and its annotators.
package struct WorldConfiguration: Configurable, Equatable {
  var grammar = GrammarConfiguration()
  package var prompt = PromptConfiguration()
  var response = ResponseConfiguration()
  var baseNoise = 0.0
  var gold: [GoldFeature] = []
  var annotators: [AnnotatorConfiguration] = []

  package init() {}

  package static let fields: [Field<Self>] = [
    Field(
      "grammar", \.grammar, "the texts of the world",
      onlyIf: .setting("prompt.rule", is: "null", for: "start") { $0.prompt.rule == nil }),
    Field("prompt", \.prompt, "what of a text is the prompt"),
    Field("response", \.response, "what responses are, where prompts are expansions of a rule"),
    Field(
      "base_noise", \.baseNoise,
      "probability that a word of the pretraining corpus is replaced by a random word", in: 0...1),
    Field("gold", \.gold, "the features whose weighted sum is the gold reward", isRequired: true),
    Field("annotators", \.annotators, "who compares responses", isRequired: true),
  ]

  /// Builds the world once, so that everything wrong with it is known where it is written.
  package func validate(at location: SettingsLocation) throws(SettingsError) {
    _ = try World(self, at: location)
  }

  /// Words of the longest prompt.
  package var longestPrompt: Int {
    guard prompt.rule != nil,
      let grammar = try? Grammar(grammar, starts: starts(at: .unwritten), at: .unwritten)
    else { return prompt.words.upperBound }
    return grammar.longestExpansion(of: grammar.parts[0]) ?? prompt.words.upperBound
  }

  /// The rules of which a text is one expansion each, at the places that name them.
  func starts(
    at location: SettingsLocation
  ) throws(SettingsError) -> [(name: String, place: SettingsLocation)] {
    let promptPlace = location.key("prompt").key("rule")
    let responsePlace = location.key("response").key("rule")
    switch (prompt.rule, response.rule) {
    case (let first?, let second?): return [(first, promptPlace), (second, responsePlace)]
    case (nil, nil): return [(grammar.start, location.key("grammar").key("start"))]
    case (_?, nil):
      throw promptPlace.error(
        "prompts are expansions of a rule, and responses of none",
        advice: "add `response: { rule: … }` beside `prompt`")
    case (nil, _?):
      throw responsePlace.error(
        "responses are expansions of a rule, and prompts of none",
        advice: "add `rule: …` to `prompt`")
    }
  }

  func longestPrompt(
    _ grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> Int {
    guard let rule = prompt.rule else { return prompt.words.upperBound }
    let place = location.key("prompt").key("rule")
    guard let longest = grammar.longestExpansion(of: grammar.parts[0]), longest <= 1_000 else {
      throw place.error(
        "`\(rule)` has no longest expansion, and a model reads prompts of a limited length",
        advice: "let no rule of a prompt lead back to itself")
    }
    guard longest > 0 else {
      throw place.error("`\(rule)` has no words", advice: "name a rule that has some")
    }
    return longest
  }
}
