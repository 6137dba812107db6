package import Settings

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

/// A toy world: what is said in it, what is good in it, and who judges.
package struct WorldConfiguration: Configurable, Equatable {
  package var grammar = GrammarConfiguration()
  package var prompt = PromptConfiguration()
  package var baseNoise = 0.0
  package var gold: [GoldFeature] = []
  package var annotators: [AnnotatorConfiguration] = []

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
