import Settings

/// How often the text leaves the grammar.
struct GrammarBreaksFeature: GoldMeasure, Equatable {
  static let kind = "grammar_breaks"
  static let summary = "how often the text leaves the grammar"
  static let weight = -1.0
  static let fields: [Field<Self>] = []

  func measure(in grammar: Grammar, at location: SettingsLocation) -> Measure {
    { Double($0.breaks) }
  }
}

/// How long the response is: its words beyond a limit, or its distance from a target.
struct LengthFeature: GoldMeasure, Equatable {
  static let kind = "length"
  static let summary = "words of the response beyond the limit, or off the target"
  static let weight = -1.0

  var limit: Int?
  var target: Int?

  init() {}

  static let fields: [Field<Self>] = [
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

  func measure(in grammar: Grammar, at location: SettingsLocation) -> Measure {
    { [limit, target] text in
      if let target { return Double(abs(text.response.count - target)) }
      return Double(max(0, text.response.count - (limit ?? 0)))
    }
  }
}

/// How many runs of `words` words stood in the text before.
struct RepetitionFeature: GoldMeasure, Equatable {
  static let kind = "repetition"
  static let summary = "runs of words that came before in the text"
  static let weight = -1.0

  var words = 2
  var wordsOf: String?

  init() {}

  static let fields: [Field<Self>] = [
    Field("words", \.words, "words of a run", in: 1...),
    Field(
      "words_of", \.wordsOf, "a rule: only its words are looked at; null for all words of the text"),
  ]

  func measure(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> Measure {
    var counted: Set<String>?
    if let wordsOf { counted = Set(try grammar.words(of: wordsOf, at: location.key("words_of"))) }
    return { [words, counted] text in
      let all = counted.map { text.words.filter($0.contains) } ?? text.words
      guard all.count >= words else { return 0 }
      var seen: Set<ArraySlice<String>> = []
      let starts = 0...(all.count - words)
      return Double(starts.count { !seen.insert(all[$0..<($0 + words)]).inserted })
    }
  }
}

/// Whether the text has a phrase, 1 or 0.
struct PhraseFeature: GoldMeasure, Equatable {
  static let kind = "phrase"
  static let summary = "1 if the text has a phrase, else 0"
  static let weight = 1.0

  var phrase = ""

  init() {}

  static let fields: [Field<Self>] = [
    Field("phrase", \.phrase, "the words of the phrase, in order", isRequired: true)
  ]

  func validate(at location: SettingsLocation) throws(SettingsError) {
    if phrase.words.isEmpty {
      throw location.key("phrase").error("the phrase is empty", advice: "write its words")
    }
  }

  func measure(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> Measure {
    let words = phrase.words
    for word in words { try grammar.require(word, at: location.key("phrase")) }
    return { $0.words.contains(words) ? 1 : 0 }
  }
}

extension String {
  /// The words of a text, which white space separates.
  var words: [String] { split(whereSeparator: \.isWhitespace).map(String.init) }
}
