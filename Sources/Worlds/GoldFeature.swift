import Settings

/// The kinds of features that a gold reward is made of.
enum GoldFeatureKind: String, CaseIterable, SettingValue {
  case valence
  case grammarBreaks = "grammar_breaks"
  case length
  case repetition
  case phrase
}

/// A feature of the gold reward with its weight and its own parameters.
///
/// The key `feature` says which kind it is, and so which other keys it has.
enum GoldFeature: SettingValue, Equatable {
  case valence(ValenceFeature)
  case grammarBreaks(GrammarBreaksFeature)
  case length(LengthFeature)
  case repetition(RepetitionFeature)
  case phrase(PhraseFeature)

  static var typeDescription: String { "a section whose other keys depend on `feature`" }

  init(_ location: SettingsLocation) throws(SettingsError) {
    _ = try location.entries(of: Self.typeDescription)
    let kind = location.key("feature")
    guard kind.node != nil else {
      throw kind.error(
        "this key is missing", advice: "add `feature:`, \(GoldFeatureKind.typeDescription)")
    }
    self =
      switch try GoldFeatureKind(kind) {
      case .valence: .valence(try ValenceFeature(location))
      case .grammarBreaks: .grammarBreaks(try GrammarBreaksFeature(location))
      case .length: .length(try LengthFeature(location))
      case .repetition: .repetition(try RepetitionFeature(location))
      case .phrase: .phrase(try PhraseFeature(location))
      }
  }

  var node: SettingNode { term.node }

  static func keys(below path: String, default value: Self?) -> [KeyDescription] {
    ValenceFeature.keys(below: path, default: nil)
      + GrammarBreaksFeature.keys(below: path, default: nil)
      + LengthFeature.keys(below: path, default: nil)
      + RepetitionFeature.keys(below: path, default: nil)
      + PhraseFeature.keys(below: path, default: nil)
  }

  var term: any GoldTerm {
    switch self {
    case .valence(let term): term
    case .grammarBreaks(let term): term
    case .length(let term): term
    case .repetition(let term): term
    case .phrase(let term): term
    }
  }
}

/// What a feature looks at: prompt and response as one text.
struct JudgedText {
  /// The words of the prompt, then those of the response.
  let words: [String]
  /// How many of them are the response's.
  let responseCount: Int
  /// How often the text leaves the grammar.
  let breaks: Int
}

/// The parameters of one kind of feature, and the measure that they define.
protocol GoldTerm: Configurable {
  var feature: GoldFeatureKind { get }
  var weight: Double { get }
  /// The words that the parameters name, each with its place in the settings.
  func namedWords(at location: SettingsLocation) -> [(word: String, place: SettingsLocation)]
  /// The measure, before it is weighed.
  func measure() -> @Sendable (JudgedText) -> Double
}

extension GoldTerm {
  func namedWords(at location: SettingsLocation) -> [(word: String, place: SettingsLocation)] { [] }

  /// Refuses words that no text of the grammar has: a misspelt word would silently do nothing.
  func check(grammar: Grammar, at location: SettingsLocation) throws(SettingsError) {
    for (word, place) in namedWords(at: location) where grammar.wordIndex[word] == nil {
      throw place.error(
        "the grammar has no word `\(word)`",
        advice: Suggestion.nearest(to: word, among: grammar.vocabulary).map {
          "did you mean `\($0)`?"
        } ?? "remove it, or add it to the grammar")
    }
  }
}
