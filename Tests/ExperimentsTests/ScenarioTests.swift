import Foundation
import Settings
import TestSupport
import Testing

@testable import Experiments
@testable import RLHF

@Suite struct ScenarioTests {
  static let shipped =
    (try? FileManager.default.contentsOfDirectory(
      atPath: packageRoot.appending(path: "scenarios").path))?
    .filter { $0.hasSuffix(".yaml") }.sorted() ?? []

  @Test("scenarios ship")
  func some() {
    #expect(Self.shipped.contains("sentiment.yaml"))
  }

  @Test(
    "every shipped scenario parses, is named after its file and says what it is for",
    arguments: shipped)
  func parses(file: String) throws {
    let scenario = try ProjectFiles.scenario(packageRoot.appending(path: "scenarios/\(file)").path)
    #expect(scenario.name + ".yaml" == file)
    #expect(!scenario.title.isEmpty && !scenario.lesson.isEmpty)
  }

  @Test("the resolved YAML of a shipped scenario reads back equal", arguments: shipped)
  func shippedReadsBack(file: String) throws {
    let scenario = try ProjectFiles.scenario(packageRoot.appending(path: "scenarios/\(file)").path)
    let again = try SettingsDocument(yaml: scenario.resolvedYAML(), file: "resolved.yaml")
      .read(Scenario.self)
    #expect(again.node == scenario.node)
  }

  @Test("the resolved YAML reads back equal whatever setting is changed", arguments: EveryKey.all)
  func changedReadsBack(key: EveryKey) throws {
    let scenario = try makeScenario(key.given + [key.assignment])
    let again = try SettingsDocument(yaml: scenario.resolvedYAML(), file: "resolved.yaml")
      .read(Scenario.self)
    #expect(again.node == scenario.node)
    #expect(scenario.node != (try makeScenario(key.given)).node)
  }

  @Test(
    "a misspelt key at any level is refused with the one that was meant", arguments: EveryKey.all)
  func unknownKeys(key: EveryKey) throws {
    guard let name = key.path.split(separator: ".").last else { return }
    var document = try SettingsDocument(yaml: tinyScenario, file: "tiny.yaml")
    for given in key.given { try document.set(given) }
    try document.set("\(key.path)x=1")
    let wrong = document
    let error = try #require(throws: SettingsError.self) { try wrong.read(Scenario.self) }
    #expect(error.problem.contains("unknown key"))
    #expect("\(error)".contains("did you mean `\(name)`?"))
  }

  @Test("what does not fit the model's positions is refused where it can be changed")
  func positions() throws {
    #expect(throws: Never.self) { try makeScenario(["model.maximum_positions=13"]) }
    for assignment in [
      "model.maximum_positions=12", "ppo.maximum_tokens=10", "world.prompt.words=4",
      "world.prompt.maximum_response_words=10",
    ] {
      let error = try #require(throws: SettingsError.self) { try makeScenario([assignment]) }
      #expect(error.path == "model.maximum_positions" && error.problem.contains("positions"))
    }
  }

  @Test(
    "counts beyond any machine's memory are refused, not added up until they overflow",
    arguments: [
      "ppo.iterations", "ppo.episodes", "ppo.epochs", "ppo.minibatches", "ppo.maximum_tokens",
      "preferences.pairs", "preferences.held_out_pairs",
    ])
  func hugeCounts(path: String) throws {
    let error = try #require(throws: SettingsError.self) {
      try makeScenario(["\(path)=9223372036854775807"])
    }
    #expect(error.path == path && error.problem.contains("out of range"))
  }

  @Test("a length of the policy below that of the world's responses gives a note")
  func cutOff() throws {
    func notes(_ assignments: [String], _ command: ScenarioCommand = .demo) throws -> [String] {
      try makeScenario(assignments).notes(leftOut: [], overrides: [], for: command)
    }
    let short = ["ppo.maximum_tokens=6"]
    let note = try #require(notes(short).first)
    #expect(note.hasPrefix("`ppo.maximum_tokens` is 6, and "), "\(note)")
    #expect(note.hasSuffix("the policy's are cut off there; 10 are enough for all"), "\(note)")
    #expect(try notes(short, .ppo).isEmpty)
    #expect(try notes(["world.prompt.maximum_response_words=8"]).isEmpty)
  }

  @Test("a scenario that does not exist is refused, with those that do")
  func missing() throws {
    let error = try #require(throws: SettingsError.self) {
      try ProjectFiles.scenario("no-such-scenario")
    }
    #expect("\(error)".contains("no-such-scenario") && !error.advice.isEmpty)
  }

  @Test("a preset among overrides sets its keys, and later overrides change them again")
  func presetOverrides() throws {
    let scenario = try makeScenario(["ppo.preset=trl", "ppo.kl.coefficient=0.07"]).ppo
    #expect(scenario.preset == .trl && scenario.kl.coefficient == 0.07)
    #expect(scenario.temperature == 0.7 && scenario.missingEOS == .subtract)
    #expect(scenario.minibatches == 1, "over what the file says")
    #expect(scenario.episodes == 8, "sizes stay those of the scenario")
  }

  @Test("a preset in a file gives values to the keys that the file does not set")
  func presetInFile() throws {
    // The recipe's value model is a head on the policy's decoder, which no rate of its own moves.
    let yaml = tinyScenario.replacing("ppo:\n", with: "ppo:\n  preset: openai-2019\n")
      .replacing("  value: {learning_rate: 0.01}\n", with: "")
    let scenario = try Scenario.read(SettingsDocument(yaml: yaml, file: "tiny.yaml")).ppo
    #expect(scenario.kl.controller == .adaptive && scenario.kl.coefficient == 0.15)
    #expect(scenario.whitenRewards && scenario.temperature == 0.7)
    #expect(scenario.minibatches == 2 && scenario.epochs == 2, "as the file says")
  }

  @Test("prompts are held out as pairs are, and no more than half of them")
  func heldOutShare() throws {
    let preferences = PreferencesConfiguration()
    #expect(abs(preferences.heldOutShare - 2_000.0 / 18_000) < .float64Rounding)
    #expect(try makeScenario(["preferences.pairs=10"]).preferences.heldOutShare == 0.5)
    #expect(throws: SettingsError.self) { try makeScenario(["preferences.held_out_pairs=999"]) }
  }

  @Test("every preset is valid by itself", arguments: PPOPreset.allCases)
  func presets(_ preset: PPOPreset) throws {
    let scenario = try makeScenario(["ppo.episodes=16", "ppo.preset=\(preset.rawValue)"])
    for other in PPOPreset.allCases where other != preset {
      let another = try makeScenario(["ppo.episodes=16", "ppo.preset=\(other.rawValue)"])
      #expect(scenario.node.differences(from: another.node).count > 1, "more than the name")
    }
    #expect(throws: SettingsError.self) { try makeScenario(["ppo.preset=\(preset.rawValue)-2"]) }
    let again = try SettingsDocument(yaml: scenario.resolvedYAML(), file: "resolved.yaml")
    #expect(try Scenario.read(again).node == scenario.node)
  }
}
