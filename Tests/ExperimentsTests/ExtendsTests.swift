import Foundation
import Settings
import Testing

@testable import Experiments
@testable import Worlds

@Suite struct ExtendsTests {
  /// Reads `main.yaml` of a directory with these files.
  func read(_ files: [String: String]) throws -> Scenario {
    let directory = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    for (name, text) in files {
      try Data(text.utf8).write(to: directory.appending(path: name))
    }
    return try ProjectFiles.scenario(directory.appending(path: "main.yaml").path)
  }

  @Test("a scenario is that which it extends, but for what it says itself")
  func extends() throws {
    let scenario = try read([
      "base.yaml": tinyScenario,
      "main.yaml": """
      extends: base.yaml
      name: other
      ppo: {kl: {coefficient: 0}}
      world: {annotators: [{name: one, temperature: 1}]}
      """,
    ])
    let base = try makeScenario()
    #expect(
      scenario.node.differences(from: base.node).map(\.path).filter { !$0.hasPrefix("world.ann") }
        == ["name", "ppo.kl.coefficient"])
    #expect(scenario.world.annotators.count == 1, "a list takes the place of another")
  }

  @Test("what is wrong is said with the place where it stands")
  func refusals() throws {
    let circle = try #require(throws: SettingsError.self) {
      try read(["main.yaml": "extends: main.yaml"])
    }
    #expect("\(circle)".contains("main.yaml:1") && "\(circle)".contains("circle"))
    let missing = try #require(throws: SettingsError.self) {
      try read(["main.yaml": "extends: sentimant"])
    }
    #expect("\(missing)".contains("sentiment"), "\(missing)")
    #expect(throws: SettingsError.self) { try read(["main.yaml": "extends: [a]"]) }
    let key = try #require(throws: SettingsError.self) {
      try read(["base.yaml": tinyScenario, "main.yaml": "extends: base.yaml\nppo: {lamda: 1}"])
    }
    #expect("\(key)".contains("main.yaml:2") && "\(key)".contains("lambda"), "\(key)")
  }
}
