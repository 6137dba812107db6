import Statistics
package import Worlds

/// Texts of a scenario's corpus, judged: what `scenarios show` prints.
package struct ScenarioTexts: Sendable {
  /// A text with its gold.
  package struct Judged: Sendable {
    package let prompt: [String]
    package let response: [String]
    /// By feature, in the order of the scenario.
    package let parts: [GoldContribution]
    package var gold: Double { parts.reduce(0) { $0 + $1.value } }
  }

  /// Two responses to one prompt, and how probably each annotator prefers the first.
  package struct Pair: Sendable {
    package let prompt: [String]
    package let responses: [Judged]
    package let opinions: [(annotator: String, probability: Double)]
  }

  package let texts: [Judged]
  /// Of how many responses each text has the best by gold; the responses of the pair are any.
  package let bestOf: Int
  /// Nil where no two responses to a prompt with different gold were found.
  package let pair: Pair?

  package init(_ scenario: Scenario, count: Int, seed: UInt64) throws {
    let world = try World(scenario.world)
    bestOf = world.bestOf
    var generator = SeededGenerator(seed: seed)
    func judged(_ prompt: [String], _ response: [String]) -> Judged {
      Judged(
        prompt: prompt, response: response,
        parts: world.goldBreakdown(prompt: prompt, response: response, ended: true))
    }
    texts = (0..<count).map { _ in
      let (prompt, response) = world.samplePair(using: &generator)
      return judged(prompt, response)
    }
    // Many draws, because the first words of two texts are seldom the same; and of the first pairs that
    // differ in gold that on which annotators agree the least. Not the best of several: that many draws
    // would take minutes.
    var known: [[String]: Judged] = [:]
    var pairs: [Pair] = []
    for _ in 0..<20_000 where pairs.count < 100 {
      let (prompt, response) = world.samplePair(using: &generator, bestOf: 1)
      let text = judged(prompt, response)
      if let other = known[prompt], other.gold != text.gold {
        let opinions = world.opinions(
          prompt: prompt, first: Response(words: other.response),
          second: Response(words: response))
        pairs.append(
          Pair(
            prompt: prompt, responses: [other, text],
            opinions: opinions.map { ($0.annotator.name, $0.probability) }))
      }
      known[prompt] = text
    }
    func disagreement(_ pair: Pair) -> Double {
      let probabilities = pair.opinions.map(\.probability)
      return (probabilities.max() ?? 0) - (probabilities.min() ?? 0)
    }
    pair = pairs.max { disagreement($0) < disagreement($1) }
  }
}
