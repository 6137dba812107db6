import Settings
import Statistics
import Testing

@testable import Worlds

@Suite struct EverySettingTests {
  /// What a world says and how it judges, from one seed.
  func behaviour(_ world: World) -> [String] {
    var generator = SeededGenerator(seed: 21)
    return (0..<400).map { _ in
      let (prompt, response) = world.samplePair(using: &generator)
      let base = world.sampleBaseText(using: &generator)
      let (one, two) = (Response(words: response), Response(words: base, ended: false))
      let gold = world.goldReward(prompt: prompt, response: base, ended: true)
      let judgement = world.judge(prompt: prompt, one, two, using: &generator)
      let probability = world.preferenceProbability(prompt: prompt, first: one, second: two)
      return "\(prompt) \(response) \(base) \(gold) \(judgement) \(probability)"
    }
  }

  @Test(
    "every setting changes what the world says or how it judges",
    arguments: [
      "grammar={start: noun, rules: {noun: [the soup was good not very bad]}}",
      "grammar.rules.noun={soup: 1, room: 2}", "prompt.words=2", "prompt.maximum_response_words=8",
      "base_noise=0.3", "gold.0.weight=2", "gold.0.scale=2", "gold.0.negations=[]",
      "gold.0.negation_factor=-1", "gold.0.intensifiers.very=2", "gold.0.lexicon.0.words=[soup]",
      "gold.0.lexicon.0.value=2", "gold.1.weight=-1", "gold.2.weight=-1", "gold.2.limit=2",
      "gold.3.weight=1", "gold.3.target=9", "gold.4.weight=-1", "gold.4.words=1", "gold.5.weight=1",
      "gold.5.phrase=the soup", "annotators.0.name=zoe", "annotators.0.share=2",
      "annotators.0.temperature=2", "annotators.0.flip=0.2", "annotators.0.length_bias=-0.1",
      "annotators.0.position_bias=1",
    ])
  func changes(assignment: String) throws {
    let changed = try makeWorld(set: assignment)
    #expect(behaviour(changed) != behaviour(try makeWorld()))
  }

  @Test("the same settings and seed behave the same")
  func determinism() throws {
    #expect(behaviour(try makeWorld()) == behaviour(try makeWorld()))
  }

  @Test("the reference documents the keys of every feature")
  func reference() {
    let paths = WorldConfiguration.reference.map(\.path)
    for path in [
      "grammar.rules", "prompt.words", "gold[].negation_factor", "gold[].lexicon[].words",
      "gold[].limit", "gold[].phrase", "annotators[].position_bias",
    ] {
      #expect(paths.contains(path))
    }
    #expect(WorldConfiguration.reference.allSatisfy { !$0.documentation.isEmpty })
  }
}
