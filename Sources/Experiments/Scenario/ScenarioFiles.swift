package import Foundation
import RLHF
package import Settings

/// Where scenarios and shipped checkpoints are.
package enum ProjectFiles {
  /// `name` in the current directory, or else in the first directory above the program that has it.
  package static func find(_ name: String) -> URL? {
    let current = URL(filePath: FileManager.default.currentDirectoryPath)
    var candidates = [current]
    if var directory = Bundle.main.executableURL?.resolvingSymlinksInPath() {
      while directory.path != "/" {
        directory.deleteLastPathComponent()
        candidates.append(directory)
      }
    }
    return candidates.map { $0.appending(path: name) }.first {
      FileManager.default.fileExists(atPath: $0.path)
    }
  }

  /// The names of the scenarios that ship, sorted.
  package static func scenarioNames() -> [String] { names(in: "scenarios") }

  /// The names of the lessons that ship, sorted.
  package static func lessonNames() -> [String] { names(in: "scenarios/lessons") }

  private static func names(in directory: String) -> [String] {
    guard let directory = find(directory),
      let files = try? FileManager.default.contentsOfDirectory(atPath: directory.path)
    else { return [] }
    return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
  }

  /// Reads a scenario by name, or by the path of its file, with `--set` overrides laid over it.
  ///
  /// - Throws: `SettingsError` with file, line and key.
  package static func scenario(
    _ nameOrFile: String, overrides: [String] = []
  ) throws(SettingsError) -> Scenario {
    try Scenario.read(document(scenarioFile(nameOrFile)), overrides: overrides)
  }

  /// The same for a command, with notes on keys that have no part in what it does.
  package static func scenario(
    _ nameOrFile: String, overrides: [String], for command: ScenarioCommand
  ) throws(SettingsError) -> (scenario: Scenario, notes: [String]) {
    let (scenario, leftOut) = try Scenario.resolve(
      document(scenarioFile(nameOrFile)), overrides: overrides)
    return (scenario, scenario.notes(leftOut: leftOut, overrides: overrides, for: command))
  }

  /// The document of a file, laid over that of the scenario which it `extends`.
  ///
  /// - Parameter depth: how many files extend each other already: a circle must end.
  private static func document(
    _ file: URL, depth: Int = 0
  ) throws(SettingsError) -> SettingsDocument {
    var document = try SettingsDocument(contentsOf: file)
    guard let (name, source) = try document.take("extends") else { return document }
    guard depth < 8 else {
      throw SettingsError(
        source: source, path: "extends", problem: "these scenarios extend each other in a circle",
        advice: "let one of them stand by itself")
    }
    // A file beside this one comes before a scenario that ships.
    let beside = file.deletingLastPathComponent().appending(path: name)
    let isBeside = name.contains(".") && FileManager.default.fileExists(atPath: beside.path)
    let base = try self.document(
      isBeside ? beside : scenarioFile(name), depth: depth + 1)
    return document.laid(over: base)
  }

  private static func scenarioFile(_ nameOrFile: String) throws(SettingsError) -> URL {
    try file(nameOrFile, in: "scenarios", called: "scenario")
  }

  /// Reads a lesson by name, or by the path of its file.
  ///
  /// - Throws: `SettingsError` with file, line and key.
  package static func lesson(
    _ nameOrFile: String
  ) throws(SettingsError) -> (lesson: Lesson, file: URL) {
    let file = try file(nameOrFile, in: "scenarios/lessons", called: "lesson")
    return (try SettingsDocument(contentsOf: file).read(), file)
  }

  private static func file(
    _ nameOrFile: String, in directory: String, called kind: String
  ) throws(SettingsError) -> URL {
    if nameOrFile.hasSuffix(".yaml") || nameOrFile.hasSuffix(".yml") || nameOrFile.contains("/") {
      return URL(filePath: nameOrFile)
    }
    if let file = find("\(directory)/\(nameOrFile).yaml") { return file }
    let names = names(in: directory)
    throw SettingsError(
      source: .unwritten, path: nameOrFile, problem: "there is no such \(kind)",
      advice: names.isEmpty
        ? "run in a directory with a `scenarios` folder, or give the path of a .yaml file"
        : Suggestion.advice(for: nameOrFile, among: names, called: "\(kind)s"))
  }
}

extension Scenario {
  /// The scenario of a document with `--set` overrides laid over it.
  ///
  /// `ppo.preset` gives keys of `ppo` their values, right below the layer that names it: one in a file
  /// those that neither this file says nor one that extends it, whatever it extends itself; one among
  /// the overrides all of its keys, which later overrides may change again.
  ///
  /// - Throws: `SettingsError` with file, line and key, also for an unused setting;
  ///   see `SettingsDocument.resolve(_:)`.
  static func read(
    _ document: SettingsDocument, overrides: [String] = []
  ) throws(SettingsError) -> Scenario {
    try resolve(document, overrides: overrides).scenario
  }

  /// The same, with the unused settings that were left out.
  static func resolve(
    _ document: SettingsDocument, overrides: [String] = []
  ) throws(SettingsError) -> (scenario: Scenario, leftOut: [UnusedSetting]) {
    var document = document
    if let name = document.text(at: presetKey), let preset = PPOPreset(rawValue: name) {
      let place = document.source(at: presetKey) ?? .unwritten
      let source = recipe(name, at: place)
      for (key, value) in preset.assignments
      where !document.says("ppo.\(key)", inOrAboveLayerOf: place) {
        try document.set("ppo.\(key)=\(value)", source: source)
      }
    }
    for override in overrides {
      try document.set(override)
      guard override.hasPrefix(presetKey + "=") else { continue }
      let name = String(override.dropFirst(presetKey.count + 1))
      let source = recipe(name, at: .assignment(override))
      for (key, value) in PPOPreset(rawValue: name)?.assignments ?? [] {
        try document.set("ppo.\(key)=\(value)", source: source)
      }
    }
    let (scenario, leftOut) = try document.resolve(Scenario.self)
    return (scenario, leftOut)
  }

  private static func recipe(_ name: String, at place: SettingSource?) -> SettingSource {
    .recipe("\(presetKey) \(name)", at: place ?? .unwritten)
  }

  private static let presetKey = "ppo.preset"
}
