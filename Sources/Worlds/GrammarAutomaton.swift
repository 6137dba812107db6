import Settings

/// The finite automaton that accepts exactly the texts of a grammar.
///
/// A symbol is compiled once for each state that follows it. Recursion at the end of an expansion
/// keeps what follows, so it meets the state already compiled and becomes a loop.
struct GrammarAutomaton: Sendable {
  /// States a grammar may compile to.
  private static let largestCount = 20_000
  /// The state after a complete text.
  private static let accepting = 0

  private let initial: Set<Int>
  /// For each state, the states that each word leads to, those reached without a word included.
  private let steps: [[Int: Set<Int>]]
  /// For each word, the states it leads to from anywhere.
  private let anywhere: [Set<Int>]

  init(_ grammar: Grammar, at location: SettingsLocation) throws(SettingsError) {
    var builder = Builder(grammar: grammar)
    let start = builder.state(of: grammar.start, before: Self.accepting)
    guard builder.silent.count < Self.largestCount else {
      throw location.key("rules").error(
        "the grammar unfolds to more than \(Self.largestCount) states",
        advice: "use fewer symbols inside symbols")
    }
    initial = builder.closure(of: start)
    var anywhere = Array(repeating: Set<Int>(), count: grammar.vocabulary.count)
    steps = builder.spoken.map { edges in
      var steps: [Int: Set<Int>] = [:]
      for edge in edges {
        steps[edge.word, default: []].formUnion(builder.closure(of: edge.target))
      }
      for (word, targets) in steps { anywhere[word].formUnion(targets) }
      return steps
    }
    self.anywhere = anywhere
  }

  /// How often a text leaves the grammar, 0 for a text of the grammar.
  ///
  /// A word that no current state accepts is one break, after which the text goes on from wherever
  /// that word may stand; a word that the grammar does not have is one break and skipped. A text
  /// that stops where none may end, or that was cut off before its end, is one more.
  ///
  /// - Parameters:
  ///   - words: numbers of words, `nil` for a word that the grammar does not have.
  ///   - end: whether the text came to its end; nil does not count where it stops.
  func breaks(in words: [Int?], end: Bool?) -> Int {
    var states = initial
    var breaks = 0
    for word in words {
      guard let word else {
        breaks += 1
        continue
      }
      var next: Set<Int> = []
      for state in states {
        if let targets = steps[state][word] { next.formUnion(targets) }
      }
      if next.isEmpty {
        breaks += 1
        next = anywhere[word]
      }
      states = next
    }
    guard let end else { return breaks }
    return end && states.contains(Self.accepting) ? breaks : breaks + 1
  }

  private struct Builder {
    struct Edge {
      let word: Int
      let target: Int
    }

    struct Use: Hashable {
      let symbol: Int
      let following: Int
    }

    let grammar: Grammar
    /// Edges taken without a word, one list a state; state 0 accepts.
    var silent: [[Int]] = [[]]
    /// Edges taken with a word.
    var spoken: [[Edge]] = [[]]
    var known: [Use: Int] = [:]

    mutating func addState() -> Int {
      silent.append([])
      spoken.append([])
      return silent.count - 1
    }

    /// The state that reads a symbol and goes on at `following`.
    mutating func state(of symbol: Int, before following: Int) -> Int {
      let use = Use(symbol: symbol, following: following)
      if let state = known[use] { return state }
      let entry = addState()
      known[use] = entry
      for production in grammar.productions[symbol] {
        guard silent.count < GrammarAutomaton.largestCount else { break }
        var current = entry
        for (position, token) in production.tokens.enumerated() {
          let isLast = position == production.tokens.count - 1
          let next = isLast ? following : addState()
          switch token {
          case .word(let word): spoken[current].append(Edge(word: word, target: next))
          case .symbol(let inner): silent[current].append(state(of: inner, before: next))
          }
          current = next
        }
        if production.tokens.isEmpty { silent[entry].append(following) }
      }
      return entry
    }

    func closure(of state: Int) -> Set<Int> {
      var found: Set<Int> = [state]
      var pending = [state]
      while let next = pending.popLast() {
        for target in silent[next] where found.insert(target).inserted { pending.append(target) }
      }
      return found
    }
  }
}
