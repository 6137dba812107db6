import Foundation
import Statistics
import TestSupport
import Testing

@testable import Worlds

@Suite struct JudgingTests {
  let prompt = words("the soup")
  let draws = 20_000

  /// A world whose gold reward is minus the number of response words, with one annotator.
  func world(_ annotator: String) throws -> World {
    try makeWorld(
      set: "gold=[{feature: length, limit: 0, weight: -1}]",
      "annotators=[{name: ann, \(annotator)}]")
  }

  func response(_ count: Int) -> Response {
    Response(words: Array(repeating: "good", count: count))
  }

  @Test(
    "the probability of a preference is that of the formula",
    arguments: [
      ("temperature: 1", 1, 2, 1 / (1 + exp(-1.0))),
      ("temperature: 0.5", 1, 2, 1 / (1 + exp(-2.0))),
      ("temperature: 1, flip: 0.1", 1, 2, 0.1 + 0.8 / (1 + exp(-1.0))),
      ("temperature: 1, length_bias: 0.25", 1, 2, 1 / (1 + exp(-0.75))),
      (
        "temperature: 1, position_bias: 2", 1, 2,
        (1 / (1 + exp(-3.0)) + 1 - 1 / (1 + exp(-1.0))) / 2
      ),
      ("temperature: 0", 1, 2, 1), ("temperature: 0", 2, 1, 0), ("temperature: 0", 2, 2, 0.5),
      ("temperature: 0, flip: 0.2", 1, 2, 0.8), ("temperature: 1e-300", 1, 2, 1),
      ("temperature: 0.001", 9, 1, 0), ("temperature: 0.001, length_bias: 2", 9, 1, 1),
    ])
  func formula(annotator: String, first: Int, second: Int, expected: Double) throws {
    let world = try world(annotator)
    let (one, two) = (response(first), response(second))
    let probability = world.preferenceProbability(prompt: prompt, first: one, second: two)
    #expect(abs(probability - expected) < .float64Rounding)
    let reverse = world.preferenceProbability(prompt: prompt, first: two, second: one)
    #expect(abs(probability + reverse - 1) < .float64Rounding)
    let ceiling = world.ceiling(prompt: prompt, first: one, second: two)
    #expect(abs(ceiling - max(expected, 1 - expected)) < .float64Rounding)
    // What is computed is what happens, for judgements and for rankings of two.
    let judged = frequency(draws, seed: 11) {
      world.judge(prompt: prompt, one, two, using: &$0).preferredIndex == 0
    }
    #expect(agrees(judged, with: expected, draws: draws))
    let ranked = frequency(draws, seed: 12) {
      world.rank(prompt: prompt, [one, two], using: &$0) == [0, 1]
    }
    #expect(agrees(ranked, with: expected, draws: draws))
  }

  @Test("the response shown first gains by the position bias, and either is shown first as often")
  func position() throws {
    let world = try world("temperature: 1, position_bias: 0.5")
    var shown = [0, 0]
    var preferred = [0, 0]
    var generator = SeededGenerator(seed: 13)
    for _ in 0..<draws {
      let judgement = world.judge(prompt: prompt, response(2), response(2), using: &generator)
      shown[judgement.firstShown] += 1
      if judgement.preferredIndex == judgement.firstShown { preferred[judgement.firstShown] += 1 }
    }
    #expect(agrees(Double(shown[0]) / Double(draws), with: 0.5, draws: draws))
    for index in 0...1 {
      let part = Double(preferred[index]) / Double(shown[index])
      #expect(agrees(part, with: 1 / (1 + exp(-0.5)), draws: shown[index]))
    }
  }

  @Test(
    "a label is as likely as to be preferred to an empty response of gold 0, wherever it is shown")
  func labels() throws {
    for (annotator, count, expected) in [
      (
        "temperature: 1.5, flip: 0.1, length_bias: 1.5, position_bias: 9", 3,
        0.1 + 0.8 / (1 + exp(-1.0))
      ),
      ("temperature: 1", 2, 1 / (1 + exp(2.0))), ("temperature: 0, length_bias: 1.5", 2, 1),
      ("temperature: 0, flip: 0.2", 1, 0.2),
    ] {
      let world = try world(annotator)
      let found = frequency(draws, seed: 18) {
        world.label(prompt: prompt, response(count), using: &$0)
      }
      #expect(agrees(found, with: expected, draws: draws), "\(annotator)")
    }
  }

  @Test("annotators judge by their shares, and the mean is over them")
  func shares() throws {
    let world = try makeWorld(
      set: "gold=[{feature: length, limit: 0, weight: -1}]",
      "annotators=[{name: ann, share: 1, temperature: 0}, {name: bob, share: 3, flip: 0.5}]")
    let probability = world.preferenceProbability(
      prompt: prompt, first: response(1), second: response(2))
    #expect(abs(probability - (0.25 + 0.75 * 0.5)) < .float64Rounding)
    let bob = frequency(draws, seed: 14) {
      world.judge(prompt: prompt, response(1), response(2), using: &$0).annotator == "bob"
    }
    #expect(agrees(bob, with: 0.75, draws: draws))
    let preferred = frequency(draws, seed: 15) {
      world.judge(prompt: prompt, response(1), response(2), using: &$0).preferredIndex == 0
    }
    #expect(agrees(preferred, with: probability, draws: draws))
  }

  @Test("every pair within a ranking has the probability of a judgement, flips included")
  func rankingPairs() throws {
    let world = try world("temperature: 1.5, flip: 0.1, length_bias: 0.2")
    let responses = [3, 1, 2, 5].map(response)
    var generator = SeededGenerator(seed: 16)
    var above = Array(repeating: [0, 0, 0, 0], count: 4)
    for _ in 0..<draws {
      let ranking = world.rank(prompt: prompt, responses, using: &generator)
      #expect(ranking.sorted() == [0, 1, 2, 3])
      for (place, index) in ranking.enumerated() {
        for worse in ranking[(place + 1)...] { above[index][worse] += 1 }
      }
    }
    for first in 0..<4 {
      for second in 0..<4 where second != first {
        let expected = world.preferenceProbability(
          prompt: prompt, first: responses[first], second: responses[second])
        let found = Double(above[first][second]) / Double(draws)
        #expect(agrees(found, with: expected, draws: draws))
      }
    }
  }

  @Test("without noise the ranking is that of gold, and one or no response is ranked too")
  func certainRanking() throws {
    let world = try world("temperature: 0")
    var generator = SeededGenerator(seed: 17)
    let responses = [3, 1, 2, 5].map(response)
    #expect(world.rank(prompt: prompt, responses, using: &generator) == [1, 2, 0, 3])
    #expect(world.rank(prompt: prompt, [response(1)], using: &generator) == [0])
    #expect(world.rank(prompt: prompt, [], using: &generator) == [])
  }

  @Test("a response that was cut off is judged as such")
  func cutOff() throws {
    let world = try makeWorld(
      set: "gold=[{feature: grammar_breaks}]", "annotators=[{name: ann, temperature: 0}]")
    let whole = Response(words: words("was good"))
    let cut = Response(words: words("was good"), ended: false)
    #expect(world.preferenceProbability(prompt: prompt, first: whole, second: cut) == 1)
  }
}
