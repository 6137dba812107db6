import Settings
import Statistics

/// The grammar of a world: rules that rewrite symbols into words.
struct GrammarConfiguration: Configurable, Equatable {
  var start = "text"
  var rules = SettingMap<WeightedExpansions>()

  init() {}

  static let fields: [Field<Self>] = [
    Field("start", \.start, "the symbol that every text is rewritten from"),
    Field(
      "rules", \.rules,
      "what each symbol becomes: a list of expansions, or a map from expansion to weight; "
        + "`<name>` is another symbol, everything else a word; a symbol may contain itself only "
        + "as the last symbol of an expansion"),
  ]
}

/// What a symbol may become, each expansion with its weight.
///
/// Written as a map `{"the <noun> was <quality>": 3, "": 1}`, or as a list when all weigh the same.
struct WeightedExpansions: SettingValue, Equatable {
  struct Expansion: Sendable, Equatable {
    /// Words and `<symbols>`, separated by spaces; empty for nothing at all.
    var text: String
    /// How often it is chosen, relative to the others of the rule.
    var weight: Double
  }

  var expansions: [Expansion]

  static var typeDescription: String { "a list of expansions or a map to their weights" }

  init(_ location: SettingsLocation) throws(SettingsError) {
    expansions = []
    guard case .map(let entries) = location.node?.content else {
      for item in try location.items(of: Self.typeDescription) {
        let text = try String(item)
        guard !expansions.contains(where: { $0.text == text }) else {
          throw item.error(
            "the expansion \"\(text)\" is given twice", advice: "write it as a map with weights")
        }
        expansions.append(Expansion(text: text, weight: 1))
      }
      return
    }
    for entry in entries {
      let place = location.key(entry.key)
      let weight = try Double(place)
      guard weight > 0 else {
        throw location.onLine(of: place).error(
          "the weight \(weight) of \"\(entry.key)\" is out of range",
          advice: "it must be greater than 0; remove the expansion to switch it off")
      }
      expansions.append(Expansion(text: entry.key, weight: weight))
    }
  }

  var node: SettingNode { .map(expansions.map { ($0.text, $0.weight.node) }) }

  /// This rule's key path, at the line of one of its expansions.
  static func place(of index: Int, text: String, in rule: SettingsLocation) -> SettingsLocation {
    if case .list = rule.node?.content { return rule.onLine(of: rule.item(index)) }
    return rule.onLine(of: rule.key(text))
  }
}

/// A checked grammar with numbered words and symbols.
struct Grammar: Sendable {
  enum Token: Sendable, Hashable {
    case word(Int)
    case symbol(Int)
  }

  struct Production: Sendable {
    let tokens: [Token]
    let weight: Double
  }

  /// Rules a grammar may have, so that a chain of them cannot exhaust the stack.
  private static let largestCount = 1_000

  /// The names of the rules.
  let symbols: [String]
  /// Of every rule, and last of a text.
  let productions: [[Production]]
  let start: Int
  /// The rules of which a text is one expansion each.
  let parts: [Int]
  /// The words in order of first appearance.
  let vocabulary: [String]
  let wordIndex: [String: Int]

  /// A text is one expansion of each of `starts`, one after the other.
  ///
  /// - Parameter starts: names of rules, at the places that name them.
  /// - Throws: `SettingsError` for a grammar that is empty or too large, names a symbol that is
  ///   not defined, holds a rule that is never used or never ends, or recurses before the end of
  ///   an expansion.
  init(
    _ configuration: GrammarConfiguration, starts: [(name: String, place: SettingsLocation)],
    at location: SettingsLocation
  ) throws(SettingsError) {
    let rules = configuration.rules.entries
    let place = location.key("rules")
    guard !rules.isEmpty else {
      throw place.error("the grammar has no rules", advice: "add `symbol: [expansion, …]` lines")
    }
    guard rules.count <= Self.largestCount else {
      throw place.error(
        "\(rules.count) rules are too many", advice: "use at most \(Self.largestCount)")
    }
    let symbols = rules.map(\.name)
    var parts: [Int] = []
    for (name, place) in starts {
      guard let start = symbols.firstIndex(of: name) else {
        throw place.error(
          "there is no rule `\(name)`, which texts start from",
          advice: Suggestion.advice(for: name, among: symbols, called: "rules"))
      }
      parts.append(start)
    }
    self.symbols = symbols
    self.parts = parts
    var lexer = GrammarLexer(symbols: symbols)
    var productions: [[Production]] = []
    for rule in rules {
      productions.append(try lexer.productions(of: rule.value, at: place.key(rule.name)))
    }
    // What several parts are expansions of has no name.
    start = parts.count == 1 ? parts[0] : productions.count
    self.productions =
      productions + [[Production(tokens: parts.map { .symbol($0) }, weight: 1)]]
    vocabulary = lexer.vocabulary
    wordIndex = lexer.wordIndex
    try check(rules: rules, at: place)
  }

  private func check(
    rules: [SettingMap<WeightedExpansions>.Entry], at place: SettingsLocation
  ) throws(SettingsError) {
    let reached = symbols.indices.map(reachable)
    let used = reachable(from: start).union(parts)
    for symbol in symbols.indices where !used.contains(symbol) {
      let roots = parts.map { "`\(symbols[$0])`" }.joined(separator: " or ")
      throw place.key(symbols[symbol]).error(
        parts.count == 1
          ? "no text can reach this rule" : "no prompt and no response can reach this rule",
        advice: parts.count == 1
          ? "use `<\(symbols[symbol])>` or remove the rule"
          : "use `<\(symbols[symbol])>` in an expansion of \(roots) or of what these use, name it at "
            + "`prompt.rule` or `response.rule`, or remove it")
    }
    let endless = Set(symbols.indices).subtracting(endingSymbols())
    // The rule that never ends by itself, rather than one that merely leads to it.
    let depth = { reached[$0].intersection(endless).count }
    let loops = endless.sorted().filter { reached[$0].contains($0) }
    if let symbol = loops.min(by: { depth($0) < depth($1) }) {
      throw place.key(symbols[symbol]).error(
        "this rule never ends", advice: "add an expansion that does not lead back to it")
    }
    for symbol in symbols.indices {
      let rulePlace = place.key(symbols[symbol])
      for (index, production) in productions[symbol].enumerated() {
        for case .symbol(let inner) in production.tokens.dropLast()
        where inner == symbol || reached[inner].contains(symbol) {
          let text = rules[symbol].value.expansions[index].text
          throw WeightedExpansions.place(of: index, text: text, in: rulePlace).error(
            "`<\(symbols[inner])>` leads back to `<\(symbols[symbol])>` inside \"\(text)\"",
            advice: "a symbol may lead back to itself only as the last symbol of an expansion")
        }
      }
    }
    guard !vocabulary.isEmpty else {
      throw place.error("the grammar has no words", advice: "add expansions with words")
    }
  }

  /// The symbols that a symbol leads to in one step or more.
  func reachable(from symbol: Int) -> Set<Int> {
    var found: Set<Int> = []
    var pending = [symbol]
    while let next = pending.popLast() {
      for production in productions[next] {
        for case .symbol(let inner) in production.tokens where found.insert(inner).inserted {
          pending.append(inner)
        }
      }
    }
    return found
  }

  /// The symbols from which some text can be completed: the least fixed point.
  private func endingSymbols() -> Set<Int> {
    var endings: Set<Int> = []
    var count = -1
    while count != endings.count {
      count = endings.count
      for symbol in symbols.indices
      where productions[symbol].contains(where: { production in
        production.tokens.allSatisfy { token in
          if case .symbol(let inner) = token { endings.contains(inner) } else { true }
        }
      }) {
        endings.insert(symbol)
      }
    }
    return endings
  }

  /// The words of the longest expansion of a symbol; nil where there is none, because it recurses.
  func longestExpansion(of symbol: Int) -> Int? {
    guard !reachable(from: symbol).contains(symbol) else { return nil }
    var longest = 0
    for production in productions[symbol] {
      var count = 0
      for token in production.tokens {
        switch token {
        case .word: count += 1
        case .symbol(let inner):
          guard let length = longestExpansion(of: inner) else { return nil }
          count += length
        }
      }
      longest = max(longest, count)
    }
    return longest
  }

  /// An expansion of a symbol, or `nil` if it has more than `limit` words.
  func sample(_ symbol: Int, limit: Int, using generator: inout SeededGenerator) -> [String]? {
    var words: [String] = []
    var pending: [Token] = [.symbol(symbol)]
    var steps = 0  // symbols may also go round without a word
    while let token = pending.popLast() {
      steps += 1
      guard steps <= 1_000 + 100 * limit else { return nil }
      switch token {
      case .word(let word):
        guard words.count < limit else { return nil }
        words.append(vocabulary[word])
      case .symbol(let symbol):
        let choice = generator.index(weightedBy: productions[symbol].map(\.weight))
        pending.append(contentsOf: productions[symbol][choice].tokens.reversed())
      }
    }
    return words
  }
}

/// Turns expansions into tokens, numbering words as they first appear.
private struct GrammarLexer {
  let symbols: [String]
  let symbolIndex: [String: Int]
  var vocabulary: [String] = []
  var wordIndex: [String: Int] = [:]

  init(symbols: [String]) {
    self.symbols = symbols
    symbolIndex = Dictionary(
      symbols.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }

  mutating func productions(
    of rule: WeightedExpansions, at location: SettingsLocation
  ) throws(SettingsError) -> [Grammar.Production] {
    guard !rule.expansions.isEmpty else {
      throw location.error("this rule has no expansions", advice: "add one, or remove the rule")
    }
    var productions: [Grammar.Production] = []
    for (index, expansion) in rule.expansions.enumerated() {
      let place = WeightedExpansions.place(of: index, text: expansion.text, in: location)
      var tokens: [Grammar.Token] = []
      for part in expansion.text.split(whereSeparator: \.isWhitespace) {
        tokens.append(try token(String(part), at: place))
      }
      productions.append(Grammar.Production(tokens: tokens, weight: expansion.weight))
    }
    return productions
  }

  private mutating func token(
    _ part: String, at place: SettingsLocation
  ) throws(SettingsError) -> Grammar.Token {
    guard !part.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
      throw place.error("a word has a control character", advice: "remove it")
    }
    guard part.contains("<") || part.contains(">") else {
      if let index = wordIndex[part] { return .word(index) }
      wordIndex[part] = vocabulary.count
      vocabulary.append(part)
      return .word(vocabulary.count - 1)
    }
    let name = part.dropFirst().dropLast()
    guard part.hasPrefix("<"), part.hasSuffix(">"), !name.contains(where: { "<>".contains($0) })
    else {
      throw place.error(
        "`\(part)` is neither a word nor a symbol", advice: "write symbols as `<name>`, apart")
    }
    guard let symbol = symbolIndex[String(name)] else {
      throw place.error(
        "there is no rule for `\(part)`",
        advice: Suggestion.advice(for: String(name), among: symbols, called: "rules"))
    }
    return .symbol(symbol)
  }
}
