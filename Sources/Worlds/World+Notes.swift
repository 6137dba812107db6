import Settings
import Statistics

extension World {
  /// What may surprise in conditions: words of the rule that one names which prompts also have from another
  /// rule, so that what a word stands for is not what the condition takes it for.
  package var conditionNotes: [String] {
    let scopes =
      configuration.gold.map { $0.term.shared.scope }
      + configuration.annotators.flatMap { annotator in
        [annotator.scope] + annotator.likes.map { $0.feature.term.shared.scope }
      }
    let named = Set(
      scopes.flatMap { [$0.when, $0.unless] }.compactMap { $0 }.compactMap { condition in
        grammar.symbols.firstIndex(of: condition.prompt)
      })
    let ofPrompts = grammar.reachable(from: grammar.parts[0]).union([grammar.parts[0]])
    var notes: [String] = []
    for rule in named.sorted() {
      let words = Set((try? grammar.words(of: grammar.symbols[rule], at: .unwritten)) ?? [])
      // What the rule leads to has its words because it is a part of it.
      let others = Set(grammar.symbols.indices).subtracting(grammar.reachable(from: rule))
      for other in others.sorted() where other != rule {
        // Two rules that both are named are told of once.
        let isNamed = named.contains(other)
        guard isNamed ? other > rule : ofPrompts.isSuperset(of: [rule, other]) else { continue }
        let shared = grammar.words(in: other).filter(words.contains)
        guard !shared.isEmpty else { continue }
        let names = [rule, other].map { "`\(grammar.symbols[$0])`" }
        notes.append(
          "words of both \(names[0]) and \(names[1]): "
            + shared.prefix(8).map { "`\($0)`" }.joined(separator: ", ")
            + "; a prompt with one of them meets conditions on \(names[0])"
            + (isNamed ? " and on \(names[1])" : "") + ", whichever rule said it")
      }
    }
    return notes
  }

  /// Of a thousand responses of the grammar, how many have more than `limit` words, and the words of the
  /// longest.
  package func responses(longerThan limit: Int) -> (count: Int, longest: Int) {
    var generator = SeededGenerator(seed: 0).stream("lengths of responses")
    let lengths = (0..<1_000).map { _ in
      samplePair(using: &generator, bestOf: 1).response.count
    }
    return (lengths.count { $0 > limit }, lengths.max() ?? 0)
  }
}
