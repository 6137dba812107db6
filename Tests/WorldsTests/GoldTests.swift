import Foundation
import TestSupport
import Testing

@testable import Worlds

@Suite struct GoldTests {
  @Test("every feature contributes what its definition says")
  func breakdown() throws {
    let world = try makeWorld()
    // Valence 1.5 − 0.8·1.5 − 2; one break (the end); 10 response words, limit 4, target 5;
    // "the soup", "soup was" and "very good" come again; the phrase is there.
    let breakdown = world.goldBreakdown(
      prompt: words("the soup"),
      response: words("was very good and the soup was not very good and the room was bad"),
      ended: false)
    let expected: [(String, Double)] = [
      ("valence", 3 * tanh((1.5 - 1.2 - 2) / 3)), ("grammar_breaks", -0.7), ("length", -0.1 * 11),
      ("length", -0.01 * 10), ("repetition", -0.3 * 5), ("phrase", 0.5),
    ]
    for (found, expected) in zip(breakdown, expected) {
      #expect(found.feature == expected.0)
      #expect(abs(found.value - expected.1) < .float64Rounding)
    }
    #expect(breakdown.count == expected.count)
    let gold = world.goldReward(
      prompt: words("the soup"),
      response: words("was very good and the soup was not very good and the room was bad"),
      ended: false)
    #expect(abs(gold - expected.reduce(0) { $0 + $1.1 }) < .float64Rounding)
  }

  @Test(
    "modifiers apply to the valued word right after them, across the end of the prompt",
    arguments: [
      ("good", 1), ("not good", -0.8), ("very good", 1.5), ("not very good", -1.2),
      ("very not good", -1.2), ("not not good", 0.64), ("not the good", 1),
      ("very bad", -3), ("good bad", -1), ("not", 0), ("", 0),
    ])
  func valence(text: String, expected: Double) throws {
    let world = try makeWorld(
      set: "gold=[{feature: valence, negations: [not], negation_factor: -0.8, "
        + "intensifiers: {very: 1.5}, lexicon: [{words: [good], value: 1}, {words: [bad], value: -2}]}]"
    )
    for cut in 0...words(text).count {
      let gold = world.goldReward(
        prompt: Array(words(text).prefix(cut)), response: Array(words(text).dropFirst(cut)),
        ended: true)
      #expect(abs(gold - expected) < .float64Rounding)
    }
  }

  @Test("lengths count below, at and beyond their bounds")
  func length() throws {
    let world = try makeWorld()
    func parts(_ count: Int) -> [Double] {
      let response = Array(repeating: "xyzzy", count: count)
      let breakdown = world.goldBreakdown(prompt: ["the"], response: response, ended: true)
      return breakdown.filter { $0.feature == "length" }.map(\.value)
    }
    for (count, expected) in [
      (3, [0, -0.02]), (4, [0, -0.01]), (5, [-0.1, 0]), (7, [-0.3, -0.02]),
    ] {
      for (found, expected) in zip(parts(count), expected) {
        #expect(abs(found - expected) < .float64Rounding)
      }
    }
  }
}
