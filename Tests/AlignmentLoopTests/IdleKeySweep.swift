import Autodiff
import Foundation
import Settings
import Tensors
import Testing

@testable import AlignmentLoop

/// Settings under which every key of a stage is tried.
struct Setting: Sendable, CustomTestStringConvertible {
  let assignments: [String]

  init(_ assignments: String...) { self.assignments = assignments }

  var testDescription: String {
    assignments.isEmpty ? "as it is" : assignments.joined(separator: " ")
  }

  func sets(_ assignment: String) -> Bool {
    assignments.contains { $0.prefix { $0 != "=" } == assignment.prefix { $0 != "=" } }
  }
}

/// Tries every key of some sections under a setting: it changes the output, or it is refused; and if it
/// is refused for having no part, then it has none.
struct IdleKeySweep {
  let setting: Setting
  /// What a stage makes, besides its metrics.
  let stage: (AlignmentLoop) throws -> [String]
  private var outputs: [[String]: [String]] = [:]

  private init(setting: Setting, stage: @escaping (AlignmentLoop) throws -> [String]) {
    (self.setting, self.stage) = (setting, stage)
  }

  /// Keys that are refused under a setting though they would have a part there, and why.
  private static let contradictions: [String: String] = [
    "ppo.kl.placement": "a penalty in the loss of rejection sampling",
    "preferences.responses": "rankings for an objective that learns from pairs or ratings",
    "reward.objective": "an objective for pairs or ratings where there are rankings",
    "reward.slips": "calibration would be measured with slips that the objective did not know",
    "reward.soft_labels": "rankings have no probabilities",
  ]

  /// What makes the many runs shorter.
  private static let small = [
    "preferences.pairs=32", "preferences.held_out_pairs=16",
    "evaluation.normalization_responses=16",
  ]

  static func run(
    _ sections: [String], _ setting: Setting, stage: @escaping (AlignmentLoop) throws -> [String]
  ) throws {
    var sweep = IdleKeySweep(setting: setting, stage: stage)
    for key in EveryKey.all
    where sections.contains(where: key.path.hasPrefix) && !setting.sets(key.assignment) {
      try sweep.check(key)
    }
  }

  /// Every weight, so that equality means the same bytes.
  static func digest(_ parameters: ParameterSet) -> String {
    var hasher = Hasher()
    for tensor in parameters.tensors {
      for value in tensor.values { hasher.combine(value.bitPattern) }
    }
    return "\(hasher.finalize())"
  }

  private mutating func check(_ key: EveryKey) throws {
    let plain = Self.small.filter { !setting.sets($0) } + setting.assignments
    let given = plain + key.given.filter { !setting.sets($0) }
    if let error = refusal(given, key) {
      let path = error.path.replacing("[", with: ".").replacing("]", with: "")
      guard error.problem.contains("has no part") else {
        #expect(Self.contradictions[path] != nil, "\(key.assignment) with \(given): \(error)")
        return
      }
      if path == key.path {
        #expect(
          try output(given + [key.assignment]) == output(given),
          "\(key.assignment) with \(given): \(error)")
        return
      }
      // Either this key leaves the setting without a part, which is tried the other way round, or the
      // setting leaves without a part what gives the key one. Then it must have none by itself.
      if !setting.sets(path) {
        #expect(key.given.contains { $0.hasPrefix(path + "=") }, "\(key.assignment): \(error)")
        try checkAlone(key, plain)
      }
      return
    }
    try expectChange(key, given)
  }

  /// A key without what gives it a part elsewhere.
  private mutating func checkAlone(_ key: EveryKey, _ given: [String]) throws {
    guard let error = refusal(given, key) else { return try expectChange(key, given) }
    #expect(
      error.path == key.path && error.problem.contains("has no part"), "\(key.assignment): \(error)"
    )
    #expect(
      try output(given + [key.assignment]) == output(given), "\(key.assignment) with \(given)")
  }

  /// Most keys show in the first iteration.
  private mutating func expectChange(_ key: EveryKey, _ given: [String]) throws {
    let short = given + ["ppo.iterations=1"]
    if try output(of: makeScenario(short + [key.assignment])) != output(short) { return }
    #expect(
      try output(of: makeScenario(given + [key.assignment])) != output(given),
      "\(key.assignment) with \(given)")
  }

  private func refusal(_ given: [String], _ key: EveryKey) -> SettingsError? {
    do { _ = try makeScenario(given + [key.assignment]) } catch { return error as? SettingsError }
    return nil
  }

  /// What the stage makes of the scenario with settings that may have no part in it.
  private mutating func output(_ assignments: [String]) throws -> [String] {
    if let output = outputs[assignments] { return output }
    var document = try SettingsDocument(yaml: tinyScenario, file: "tiny.yaml")
    for assignment in assignments { try document.set(assignment) }
    let output = try output(of: document.read())
    outputs[assignments] = output
    return output
  }

  private func output(of scenario: Scenario) throws -> [String] {
    let recording = Recording()
    let loop = try AlignmentLoop(
      scenario, seed: 1, workers: Workers(count: 1), observer: recording)
    let output = try stage(loop)
    return output + LoopStage.allCases.flatMap { recording.metrics[$0] ?? [] }
  }
}
