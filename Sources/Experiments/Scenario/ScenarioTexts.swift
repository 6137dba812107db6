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
  /// Nil where no two responses to a prompt with different gold were found.
  package let pair: Pair?

  package init(_ scenario: Scenario, count: Int, seed: UInt64) throws {
    let world = try World(scenario.world)
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
    // Many draws, because the first words of two texts are seldom the same.
    var known: [[String]: Judged] = [:]
    var found: (Judged, Judged)?
    for _ in 0..<20_000 where found == nil {
      let (prompt, response) = world.samplePair(using: &generator)
      let text = judged(prompt, response)
      if let other = known[prompt], other.gold != text.gold { found = (other, text) }
      known[prompt] = text
    }
    pair = found.map { first, second in
      let opinions = world.opinions(
        prompt: first.prompt, first: Response(words: first.response),
        second: Response(words: second.response))
      return Pair(
        prompt: first.prompt, responses: [first, second],
        opinions: opinions.map { ($0.annotator.name, $0.probability) })
    }
  }
}
