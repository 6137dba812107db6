import Settings

/// Words of a feature: listed, or those of a rule of the grammar, so that no list is written twice.
struct WordClass: Configurable, Equatable {
  var words: [String] = []
  var wordsOf: String?

  init() {}

  static let fields: [Field<Self>] = [
    Field("words", \.words, "the words, as a list"),
    Field("words_of", \.wordsOf, "the words, as a rule of the grammar: all that it can say"),
  ]

  func validate(at location: SettingsLocation) throws(SettingsError) {
    if words.isEmpty == (wordsOf == nil) {
      throw location.error(
        wordsOf == nil ? "there are no words here" : "words are given twice",
        advice: "give either `words`, a list, or `words_of`, a rule of the grammar")
    }
  }

  /// The words in order, each with its place.
  ///
  /// - Throws: `SettingsError` for words and rules that the grammar does not have.
  func places(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> [(word: String, place: SettingsLocation)] {
    if let wordsOf {
      let place = location.key("words_of")
      return try grammar.words(of: wordsOf, at: place).map { ($0, place) }
    }
    let places = words.enumerated().map { ($1, location.key("words").item($0)) }
    for (word, place) in places { try grammar.require(word, at: place) }
    return places
  }

  func callAsFunction(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> [String] {
    try places(in: grammar, at: location).map(\.word)
  }
}

/// Prompts that have a word of a rule.
struct PromptCondition: Configurable, Equatable {
  var prompt = ""

  init() {}

  static let fields: [Field<Self>] = [
    Field("prompt", \.prompt, "a rule: the prompt has one of its words", isRequired: true)
  ]
}

/// For which prompts something counts.
struct PromptScope: Configurable, Equatable {
  typealias Condition = @Sendable (ArraySlice<String>) -> Bool

  var when: PromptCondition?
  var unless: PromptCondition?

  init() {}

  static let fields: [Field<Self>] = [
    Field("when", \.when, "counts only for prompts with a word of a rule; null for all prompts"),
    Field("unless", \.unless, "counts only for prompts without a word of a rule"),
  ]

  func condition(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> Condition {
    func words(_ condition: PromptCondition?, _ key: String) throws(SettingsError) -> Set<String>? {
      guard let condition else { return nil }
      return Set(
        try grammar.words(of: condition.prompt, at: location.key(key).key("prompt")))
    }
    let (when, unless) = (try words(when, "when"), try words(unless, "unless"))
    if when == nil, unless == nil { return { _ in true } }
    return { prompt in
      when.map { prompt.contains(where: $0.contains) } ?? true
        && !(unless.map { prompt.contains(where: $0.contains) } ?? false)
    }
  }
}

extension Grammar {
  /// Refuses a word that no text of the grammar has: a misspelt word would silently do nothing.
  func require(_ word: String, at place: SettingsLocation) throws(SettingsError) {
    guard wordIndex[word] == nil else { return }
    throw place.error(
      "the grammar has no word `\(word)`",
      advice: Suggestion.nearest(to: word, among: vocabulary).map { "did you mean `\($0)`?" }
        ?? "remove it, or add it to the grammar")
  }

  /// The words in a rule's own expansions, without those of the rules that they name.
  func words(in symbol: Int) -> [String] {
    productions[symbol].flatMap(\.tokens).compactMap { token in
      if case .word(let word) = token { vocabulary[word] } else { nil }
    }
  }

  /// Every word that a rule can say, in the order in which its expansions name them.
  ///
  /// - Throws: `SettingsError` for a rule that is not there, or has no words.
  func words(of rule: String, at place: SettingsLocation) throws(SettingsError) -> [String] {
    guard let symbol = symbols.firstIndex(of: rule) else {
      throw place.error(
        "there is no rule `\(rule)`",
        advice: Suggestion.advice(for: rule, among: symbols, called: "rules"))
    }
    var words: [String] = []
    var known: Set<Token> = [.symbol(symbol)]
    func add(_ symbol: Int) {
      for token in productions[symbol].flatMap(\.tokens) where known.insert(token).inserted {
        switch token {
        case .word(let word): words.append(vocabulary[word])
        case .symbol(let inner): add(inner)
        }
      }
    }
    add(symbol)
    guard !words.isEmpty else {
      throw place.error("the rule `\(rule)` has no words", advice: "name a rule that has some")
    }
    return words
  }
}
