import Foundation
import Numerics
import RLHF
import Settings
import Testing

@testable import Experiments

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
    "preferences.pairs=32", "evaluation.normalization_responses=16",
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
    let error: SettingsError
    do { return try expectChange(key, given, makeScenario(given + [key.assignment])) } catch let
      refusal as SettingsError
    { error = refusal }
    let path = error.path.replacing("[", with: ".").replacing("]", with: "")
    if !error.problem.contains("has no part") {
      #expect(Self.contradictions[path] != nil, "\(key.assignment) with \(given): \(error)")
    } else if path == key.path {
      try expectNothing(key, given)
    } else if !setting.sets(path) {
      // The setting leaves without a part what gives the key one. Then it must have none by itself.
      #expect(key.given.contains { $0.hasPrefix(path + "=") }, "\(key.assignment): \(error)")
      do { try expectChange(key, plain, makeScenario(plain + [key.assignment])) } catch let
        refusal as SettingsError
      {
        #expect(refusal.path == key.path && refusal.problem.contains("has no part"))
        try expectNothing(key, plain)
      }
    }
    // Else this key leaves the setting without a part, which is tried the other way round.
  }

  private mutating func expectNothing(_ key: EveryKey, _ given: [String]) throws {
    #expect(
      try output(given + [key.assignment]) == output(given),
      "\(key.assignment) with \(given) counts")
  }

  private mutating func expectChange(
    _ key: EveryKey, _ given: [String], _ scenario: Scenario
  ) throws {
    // Most keys show in the first iteration.
    var short = scenario
    if key.path != "ppo.iterations" { short.ppo.iterations = 1 }
    if try output(of: short) != output(given + ["ppo.iterations=1"]) { return }
    #expect(
      try output(of: scenario) != output(given), "\(key.assignment) with \(given) does nothing")
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
    var scenario = scenario
    // Fewer than a scenario may ask for, as in `makeLoop`.
    if scenario.preferences.heldOutPairs == AlignmentLoop.enoughHeldOutPairs {
      scenario.preferences.heldOutPairs = 16
    }
    let loop = try AlignmentLoop(
      scenario, seed: 1, workers: Workers(count: 1), observer: recording)
    let output = try stage(loop)
    return output + LoopStage.allCases.flatMap { recording.metrics[$0] ?? [] }
  }
}
