import Settings

/// How often the text leaves the grammar.
struct GrammarBreaksFeature: GoldTerm, Equatable {
  var feature = GoldFeatureKind.grammarBreaks
  var weight = -1.0

  init() {}

  static let fields: [Field<Self>] = [
    Field(
      "feature", \.feature, "grammar_breaks: how often the text leaves the grammar",
      isRequired: true),
    Field("weight", \.weight, "gold reward for each break"),
  ]

  func measure() -> @Sendable (JudgedText) -> Double { { Double($0.breaks) } }
}

/// How long the response is: its words beyond a limit, or its distance from a target.
struct LengthFeature: GoldTerm, Equatable {
  var feature = GoldFeatureKind.length
  var weight = -1.0
  var limit: Int?
  var target: Int?

  init() {}

  static let fields: [Field<Self>] = [
    Field("feature", \.feature, "length: the number of words of the response", isRequired: true),
    Field("weight", \.weight, "gold reward for each word beyond the limit or off the target"),
    Field("limit", \.limit, "words without penalty; only those beyond it count", in: 0...),
    Field("target", \.target, "length that is best; the distance from it counts", in: 0...),
  ]

  func validate(at location: SettingsLocation) throws(SettingsError) {
    if (limit == nil) == (target == nil) {
      throw location.error(
        "a length feature has either a limit or a target",
        advice: limit == nil ? "add one of them" : "remove one of them")
    }
  }

  func measure() -> @Sendable (JudgedText) -> Double {
    { [limit, target] text in
      if let target { return Double(abs(text.responseCount - target)) }
      return Double(max(0, text.responseCount - (limit ?? 0)))
    }
  }
}

/// How many runs of `words` words stood in the text before.
struct RepetitionFeature: GoldTerm, Equatable {
  var feature = GoldFeatureKind.repetition
  var weight = -1.0
  var words = 2

  init() {}

  static let fields: [Field<Self>] = [
    Field("feature", \.feature, "repetition: runs of words that came before", isRequired: true),
    Field("weight", \.weight, "gold reward for each repeated run"),
    Field("words", \.words, "words of a run", in: 1...),
  ]

  func measure() -> @Sendable (JudgedText) -> Double {
    { [words] text in
      guard text.words.count >= words else { return 0 }
      var seen: Set<ArraySlice<String>> = []
      let starts = 0...(text.words.count - words)
      return Double(starts.count { !seen.insert(text.words[$0..<($0 + words)]).inserted })
    }
  }
}

/// Whether the text has a phrase, 1 or 0.
struct PhraseFeature: GoldTerm, Equatable {
  var feature = GoldFeatureKind.phrase
  var weight = 1.0
  var phrase = ""

  init() {}

  static let fields: [Field<Self>] = [
    Field("feature", \.feature, "phrase: whether the text has a phrase", isRequired: true),
    Field("weight", \.weight, "gold reward when it has; negative to forbid the phrase"),
    Field("phrase", \.phrase, "the words of the phrase, in order", isRequired: true),
  ]

  private var words: [String] { phrase.split(whereSeparator: \.isWhitespace).map(String.init) }

  func validate(at location: SettingsLocation) throws(SettingsError) {
    if words.isEmpty {
      throw location.key("phrase").error("the phrase is empty", advice: "write its words")
    }
  }

  func namedWords(at location: SettingsLocation) -> [(word: String, place: SettingsLocation)] {
    words.map { ($0, location.key("phrase")) }
  }

  func measure() -> @Sendable (JudgedText) -> Double {
    { [words] text in text.words.contains(words) ? 1 : 0 }
  }
}
