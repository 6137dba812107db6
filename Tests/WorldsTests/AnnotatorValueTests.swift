import Foundation
import Statistics
import TestSupport
import Testing

@testable import Worlds

/// What annotators value that gold does not, and the other way round.
@Suite struct AnnotatorValueTests {
  let prompt = words("what of france")

  func world(_ annotators: String) throws -> World {
    try makeWorld(
      ruleWorld,
      set: "gold=[{feature: answers, from: country, to: city, weight: 2}, "
        + "{feature: words, name: citing, words_of: city, weight: -1}]",
      "annotators=[\(annotators)]")
  }

  /// P(the first is preferred) of an annotator with temperature 1 to whom it is worth so much more.
  func probability(_ advantage: Double) -> Double { 1 / (1 + exp(-advantage)) }

  @Test(
    "weights scale features of gold by name, likes add to it, and reads stops early",
    arguments: [
      ("", 2),  // right and wrong, with a city each
      (", weights: {citing: 0}", 2), (", weights: {answers: 0.5, citing: 2}", 1),
      (", weights: {answers: -1}", -2),
      (", likes: [{feature: length, weight: 1, limit: 0}]", 4),
      (", likes: [{feature: words, words: [it], unless: {prompt: country}}]", 2),
      (", reads: 3", 2), (", reads: 2", 1), (", reads: 1, length_bias: 0.5", 2),
    ] as [(String, Double)])
  func values(own: String, advantage: Double) throws {
    let world = try world("{name: ann, temperature: 1\(own)}")
    let right = Response(words: words("it is paris"))
    let wrong = Response(words: words("lima"))
    let found = world.preferenceProbability(prompt: prompt, first: right, second: wrong)
    #expect(abs(found - probability(advantage)) < .float64Rounding, "\(own)")
    let draws = 20_000
    let judged = frequency(draws, seed: 41) {
      world.judge(prompt: prompt, right, wrong, using: &$0).preferredIndex == 0
    }
    #expect(agrees(judged, with: found, draws: draws))
    let ranked = frequency(draws, seed: 42) {
      world.rank(prompt: prompt, [right, wrong], using: &$0) == [0, 1]
    }
    #expect(agrees(ranked, with: found, draws: draws))
    // Gold is the same whoever judges.
    #expect(world.goldReward(prompt: prompt, response: right.words, ended: true) == 1)
  }

  @Test("who stops reading cannot say whether the text ends well")
  func readsNoEnd() throws {
    let world = try makeWorld(
      ruleWorld, set: "gold=[{feature: grammar_breaks}]",
      "annotators=[{name: ann, temperature: 0, reads: 2}]")
    let cut = Response(words: words("it is"))
    let whole = Response(words: words("it is paris"))
    let broken = Response(words: words("it it paris"))
    #expect(world.preferenceProbability(prompt: prompt, first: whole, second: cut) == 1)
    #expect(world.preferenceProbability(prompt: prompt, first: whole, second: broken) == 1)
    let longer = Response(words: words("it is ( paris"))
    #expect(world.preferenceProbability(prompt: prompt, first: whole, second: longer) == 0.5)
  }

  @Test(
    "an annotator judges only the prompts of its conditions, and shares are among those who judge")
  func expertise() throws {
    let world = try world(
      "{name: ann, when: {prompt: country}, share: 3}, {name: bob, unless: {prompt: sum}}, "
        + "{name: eve, when: {prompt: sum}, temperature: 0}")
    let (one, two) = (Response(words: ["paris"]), Response(words: ["lima"]))
    let draws = 20_000
    let ann = frequency(draws, seed: 43) {
      world.judge(prompt: prompt, one, two, using: &$0).annotator == "ann"
    }
    #expect(agrees(ann, with: 0.75, draws: draws))
    let sum = words("1 + 1 - 1 =")
    let eve = frequency(100, seed: 44) {
      world.judge(prompt: sum, one, Response(words: ["it"]), using: &$0).annotator == "eve"
    }
    #expect(eve == 1)
    let opinions = world.opinions(prompt: sum, first: one, second: Response(words: ["it"]))
    #expect(opinions.map(\.annotator.name) == ["eve"] && opinions[0].probability == 0)
    #expect(
      world.preferenceProbability(prompt: sum, first: one, second: Response(words: ["it"])) == 0)
  }

  @Test("steps are labelled right or wrong, with the annotator's slips")
  func steps() throws {
    let world = try makeWorld(
      ruleWorld, set: "gold=[{feature: arithmetic, credit: steps, separator: \";\"}]",
      "annotators=[{name: ann, flip: 0.1}]")
    #expect(world.hasSteps)
    #expect(try !makeWorld(ruleWorld).hasSteps)
    let response = Response(words: words("3 ; 9"))
    var generator = SeededGenerator(seed: 45)
    let labels = world.labelSteps(prompt: words("1 + 2 - 5 ="), response, using: &generator)
    #expect(labels.map(\.step) == [["3"], ["9"]])
    let draws = 20_000
    for (step, expected) in [(0, 0.9), (1, 0.1)] {
      let right = frequency(draws, seed: 46) {
        world.labelSteps(prompt: words("1 + 2 - 5 ="), response, using: &$0)[step].isRight
      }
      #expect(agrees(right, with: expected, draws: draws))
    }
  }
}
