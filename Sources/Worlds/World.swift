package import Settings
package import Statistics

/// How a text is cut into prompt and response.
package struct PromptConfiguration: Configurable, Equatable {
  package var words = 2...3
  package var maximumResponseWords = 12

  package init() {}

  package static let fields: [Field<Self>] = [
    Field("words", \.words, "how many of a text's first words are the prompt, `[low, high]`"),
    Field(
      "maximum_response_words", \.maximumResponseWords,
      "words that a response may have; longer texts are drawn again", in: 1...1_000),
  ]

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    guard words.lowerBound >= 1, words.upperBound <= 1_000 else {
      throw location.key("words").error(
        "\(words) words cannot be a prompt", advice: "use at least 1 and at most 1000")
    }
  }
}

/// A toy world: its grammar, its gold reward and its annotators.
package struct WorldConfiguration: Configurable, Equatable {
  var grammar = GrammarConfiguration()
  package var prompt = PromptConfiguration()
  var baseNoise = 0.0
  var gold: [GoldFeature] = []
  var annotators: [AnnotatorConfiguration] = []

  package init() {}

  package static let fields: [Field<Self>] = [
    Field("grammar", \.grammar, "the texts of the world"),
    Field("prompt", \.prompt, "how a text is cut into prompt and response"),
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
}

/// A toy world: a grammar that generates texts, a gold reward that no model sees, and annotators that
/// judge by it.
///
/// It holds no state: everything random comes from the generator passed in.
package struct World: Sendable {
  package let configuration: WorldConfiguration
  private let grammar: Grammar
  private let automaton: GrammarAutomaton
  let gold: [WeightedFeature]

  struct WeightedFeature: Sendable {
    let kind: GoldFeatureKind
    let weight: Double
    let measure: @Sendable (JudgedText) -> Double
  }

  /// Compiles a configuration.
  ///
  /// - Throws: `SettingsError` naming the key, and the line when `location` comes from a file.
  package init(
    _ configuration: WorldConfiguration, at location: SettingsLocation = .unwritten
  ) throws(SettingsError) {
    self.configuration = configuration
    let grammarPlace = location.key("grammar")
    grammar = try Grammar(configuration.grammar, at: grammarPlace)
    automaton = try GrammarAutomaton(grammar, at: grammarPlace)
    guard !configuration.gold.isEmpty else {
      throw location.key("gold").error(
        "the gold reward has no features", advice: "add at least one `- feature: …`")
    }
    for (index, feature) in configuration.gold.enumerated() {
      try feature.term.check(grammar: grammar, at: location.key("gold").item(index))
    }
    gold = configuration.gold.map {
      WeightedFeature(kind: $0.term.feature, weight: $0.term.weight, measure: $0.term.measure())
    }
    try Self.check(configuration.annotators, at: location.key("annotators"))
    try checkLengths(at: location.key("prompt"))
  }

  private static func check(
    _ annotators: [AnnotatorConfiguration], at location: SettingsLocation
  ) throws(SettingsError) {
    guard !annotators.isEmpty else {
      throw location.error("there are no annotators", advice: "add at least one `- name: …`")
    }
    var names: Set<String> = []
    for (index, annotator) in annotators.enumerated()
    where !names.insert(annotator.name).inserted {
      throw location.item(index).key("name").error(
        "two annotators are called `\(annotator.name)`", advice: "give each a name of its own")
    }
  }

  /// Refuses prompts and responses that hardly any text fits: drawing again would never end.
  private func checkLengths(at location: SettingsLocation) throws(SettingsError) {
    var generator = SeededGenerator(seed: 0)
    let draws = 1_000
    let fitting = (0..<draws).count { _ in drawPair(using: &generator) != nil }
    guard fitting * 100 >= draws else {
      throw location.error(
        "only \(fitting) of \(draws) texts have a prompt of \(configuration.prompt.words) words "
          + "and a response of 1 to \(configuration.prompt.maximumResponseWords)",
        advice: "change `words` or `maximum_response_words`, or the weights of the grammar")
    }
  }

  /// The words of the grammar in order of first appearance; special tokens are not among them.
  package var vocabulary: [String] { grammar.vocabulary }

  // MARK: Speaking

  /// A prompt and the response that completes it to a text of the grammar.
  package func samplePair(
    using generator: inout SeededGenerator
  ) -> (prompt: [String], response: [String]) {
    while true {
      if let pair = drawPair(using: &generator) { return pair }
    }
  }

  /// The prompt of a text of the grammar.
  package func samplePrompt(using generator: inout SeededGenerator) -> [String] {
    samplePair(using: &generator).prompt
  }

  /// A text of the grammar, prompt and response together.
  func sampleText(using generator: inout SeededGenerator) -> [String] {
    let pair = samplePair(using: &generator)
    return pair.prompt + pair.response
  }

  /// A text of the pretraining corpus: one of the grammar, in which each word is replaced by a
  /// random one with probability `base_noise`.
  package func sampleBaseText(using generator: inout SeededGenerator) -> [String] {
    sampleText(using: &generator).map { word in
      guard generator.uniform() < configuration.baseNoise else { return word }
      return vocabulary[generator.index(below: vocabulary.count)]
    }
  }

  private func drawPair(
    using generator: inout SeededGenerator
  ) -> (prompt: [String], response: [String])? {
    let prompt = configuration.prompt
    let count = prompt.words.lowerBound + generator.index(below: prompt.words.count)
    let limit = count + prompt.maximumResponseWords
    guard let text = grammar.sample(limit: limit, using: &generator), text.count > count else {
      return nil
    }
    return (Array(text.prefix(count)), Array(text.dropFirst(count)))
  }

  // MARK: Grammar

  /// How often the text leaves the grammar; 0 for every text that the world speaks.
  ///
  /// - Parameter ended: whether the response came to its end rather than being cut off.
  func grammarBreaks(prompt: [String], response: [String], ended: Bool) -> Int {
    automaton.breaks(in: (prompt + response).map { grammar.wordIndex[$0] }, ended: ended)
  }

  /// Whether the text is one of the grammar, to its end.
  package func isGrammatical(prompt: [String], response: [String], ended: Bool) -> Bool {
    grammarBreaks(prompt: prompt, response: response, ended: ended) == 0
  }
}

/// The part of one feature in a gold reward.
package struct GoldContribution: Sendable, Equatable {
  /// The kind of the feature, as written in the settings.
  package let feature: String
  /// Its measure times its weight.
  package let value: Double
}

extension World {
  /// The gold reward of a response, which annotators judge by, with noise, and models never see:
  /// `Σ weight · measure` over the features of the configuration.
  ///
  /// - Parameter ended: whether the response came to its end rather than being cut off.
  package func goldReward(prompt: [String], response: [String], ended: Bool) -> Double {
    goldBreakdown(prompt: prompt, response: response, ended: ended).reduce(0) { $0 + $1.value }
  }

  /// The gold reward feature by feature, in the order of the configuration.
  func goldBreakdown(
    prompt: [String], response: [String], ended: Bool
  ) -> [GoldContribution] {
    let text = JudgedText(
      words: prompt + response, responseCount: response.count,
      breaks: grammarBreaks(prompt: prompt, response: response, ended: ended))
    return gold.map {
      GoldContribution(feature: $0.kind.rawValue, value: $0.weight * $0.measure(text))
    }
  }
}
