import Settings
import Statistics

@testable import Worlds

/// The `world` section of a scenario file.
struct ScenarioFile: Configurable {
  var world = WorldConfiguration()
  static let fields: [Field<Self>] = [Field("world", \.world, "the world")]
}

/// A world small enough to work out by hand; every setting has a part in it.
let smallWorld = """
  world:
    grammar:
      start: text
      rules:
        text:
          "<clause>": 2
          "<clause> and <text>": 1
        clause: {"the <noun> was <quality>": 1}
        noun: [soup, room]
        quality: ["", good, very good, not very good, bad]
    prompt:
      words: [2, 3]
      maximum_response_words: 9
    base_noise: 0.2
    gold:
      - feature: valence
        weight: 1
        scale: 3
        negations: [not]
        negation_factor: -0.8
        intensifiers: {very: 1.5}
        lexicon: [{words: [good], value: 1}, {words: [bad], value: -2}]
      - {feature: grammar_breaks, weight: -0.7}
      - {feature: length, weight: -0.1, limit: 4}
      - {feature: length, weight: -0.01, target: 5}
      - {feature: repetition, weight: -0.3, words: 2}
      - {feature: phrase, weight: 0.5, phrase: very good}
    annotators:
      - {name: ann, share: 1, temperature: 0.5, flip: 0.1, length_bias: 0.05, position_bias: 0.2}
      - {name: bob, share: 3, temperature: 1, flip: 0}

  """

/// A world from YAML with overrides of keys below `world`.
func makeWorld(_ yaml: String = smallWorld, set assignments: String...) throws -> World {
  var document = try SettingsDocument(yaml: yaml, file: "world.yaml")
  for assignment in assignments { try document.set("world." + assignment) }
  return try World(document.read(ScenarioFile.self).world)
}

func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }

/// How often `outcome` is true in `draws` draws from `seed`.
func frequency(
  _ draws: Int, seed: UInt64, _ outcome: (inout SeededGenerator) -> Bool
) -> Double {
  var generator = SeededGenerator(seed: seed)
  return Double((0..<draws).count { _ in outcome(&generator) }) / Double(draws)
}

/// Whether a frequency lies within 4.5 standard errors of a probability (7 in a million outside).
func agrees(_ frequency: Double, with probability: Double, draws: Int) -> Bool {
  let error = (probability * (1 - probability) / Double(draws)).squareRoot()
  return abs(frequency - probability) <= 4.5 * error + 1e-12
}
