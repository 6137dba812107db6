package import Foundation
import RLHF
import RunRecords
package import Settings
import Statistics

/// One run of a sweep: a value of every axis, and a seed.
package struct SweepCell: Sendable {
  /// The labels of its values, in the order of the axes.
  let labels: [String]
  let seed: UInt64
  let run: SweepRun
  let scenario: Scenario

  /// The directory below the sweep's: readable, and another for every other content.
  var name: String {
    let words = (labels + ["seed\(seed)"]).joined(separator: "-").map { character in
      character.isASCII && (character.isLetter || character.isNumber || ".-_".contains(character))
        ? character : "_"
    }
    return "cells/\(String(words.prefix(60)))-\(digest.prefix(8))"
  }

  var digest: String {
    SweepStage.digest(["cell \(run.rawValue) \(seed)"] + scenario.lines { _ in true })
  }
}

extension SweepPlan {
  package static let mostCells = 10_000

  /// Reads a plan and resolves the scenario of every cell, so that nothing impossible is begun: some 7 ms for
  /// each combination of values.
  ///
  /// - Parameter limit: cells that a plan may have.
  /// - Throws: `SettingsError` with the plan's line, also for what only the scenario of a cell
  ///   refuses.
  package static func read(
    _ file: URL, atMost limit: Int = mostCells
  ) throws(SettingsError) -> (plan: SweepPlan, cells: [SweepCell]) {
    var plan: SweepPlan = try SettingsDocument(contentsOf: file).read()
    if plan.name.isEmpty { plan.name = file.deletingPathExtension().lastPathComponent }
    return (plan, try plan.cells(besides: file, atMost: limit))
  }

  /// - Parameter file: scenarios of files may lie beside it.
  func cells(
    besides file: URL, atMost limit: Int = mostCells
  ) throws(SettingsError) -> [SweepCell] {
    let total = axes.all.reduce(seeds.all.count) { count, axis in
      count.multipliedReportingOverflow(by: axis.values.count).overflow
        ? Int.max : count * axis.values.count
    }
    guard total <= limit else {
      throw location.key(axes.all.isEmpty ? "seeds" : "axes").error(
        "these are more than \(limit) cells",
        advice: "take values or seeds away")
    }
    try requireEffect()
    var cells: [SweepCell] = []
    var places: [String: SweepCell] = [:]
    for combination in combinations() {
      let (scenario, run) = try resolve(combination, besides: file)
      for seed in seeds.all {
        let cell = SweepCell(
          labels: combination.map(\.label), seed: seed, run: run, scenario: scenario)
        if let other = places.updateValue(cell, forKey: cell.digest), let last = combination.last {
          throw last.location.error(
            "the cells [\(other.labels.joined(separator: ", "))] and "
              + "[\(cell.labels.joined(separator: ", "))] are the same run",
            advice: "remove one of the values")
        }
        cells.append(cell)
      }
    }
    return cells
  }

  /// Refuses what an axis sets in every cell, so that what stands beside the axes would do nothing.
  private func requireEffect() throws(SettingsError) {
    let ofPlan = ["scenario", "run"].filter { location.key($0).node != nil }.map {
      SweepAssignments.Assignment(path: $0, value: "", location: location.key($0))
    }
    for given in settings.all + ofPlan {
      let axis = axes.all.first {
        $0.values.allSatisfy { $0.assignments.contains { $0.covers(given) } }
      }
      guard let axis else { continue }
      throw given.location.error(
        "the axis `\(axis.name)` sets this in every cell, so that it has no effect here",
        advice: "remove it, or take the key out of the axis")
    }
  }

  /// One value of every axis, the last axis fastest.
  private func combinations() -> [[SweepAxes.Value]] {
    axes.all.reduce([[]]) { combinations, axis in
      combinations.flatMap { combination in axis.values.map { combination + [$0] } }
    }
  }

  private func resolve(
    _ combination: [SweepAxes.Value], besides file: URL
  ) throws(SettingsError) -> (Scenario, SweepRun) {
    let varied = combination.flatMap(\.assignments)
    if let second = varied.firstCovering {
      throw second.location.error(
        "two axes set `\(second.path)`", advice: "take it out of one of them")
    }
    let all = settings.all.filter { given in !varied.contains { $0.covers(given) } } + varied
    var (scenario, run) = (self.scenario, self.run)
    var scenarioPlace = location.key("scenario")
    for assignment in all {
      switch assignment.path {
      case "scenario":
        scenario = try String(assignment.location)
        scenarioPlace = assignment.location
      case "run": run = try SweepRun(assignment.location)
      default: break
      }
    }
    let keys = all.filter { !["scenario", "run"].contains($0.path) }
    let resolved = try locating(keys, scenarioPlace) { () throws(SettingsError) in
      // A preset sets many keys, which those of the plan change again.
      try ProjectFiles.scenario(
        Self.place(of: scenario, besides: file),
        overrides: keys.filter { $0.path == "ppo.preset" }.map(\.text)
          + keys.filter { $0.path != "ppo.preset" }.map(\.text))
    }
    for assignment in varied where keys.contains(where: { $0.path == assignment.path }) {
      guard run.readers.contains(where: { resolved.isRead(assignment.path, by: $0) }) else {
        throw assignment.location.error(
          "a run of `\(run.rawValue)` does not read `\(assignment.path)`, so that its cells would be "
            + "the same", advice: "take the axis away, or change `run`")
      }
    }
    return (resolved, run)
  }

  /// An error of an override, or of a scenario that is not there, with the line of the plan that
  /// says it.
  private func locating<Output>(
    _ keys: [SweepAssignments.Assignment], _ scenario: SettingsLocation,
    _ body: () throws(SettingsError) -> Output
  ) throws(SettingsError) -> Output {
    do { return try body() } catch {
      if error.source == .unwritten {
        throw SettingsError(
          source: scenario.source, path: scenario.path,
          problem: "\(error.problem): `\(error.path)`", advice: error.advice,
          exitStatus: error.exitStatus)
      }
      var source = error.source
      if case .recipe(_, let place) = source { source = place }
      guard case .assignment(let text) = source,
        let place = keys.last(where: { $0.text == text })?.location
      else { throw error }
      throw SettingsError(
        source: place.source, path: error.path, problem: error.problem, advice: error.advice)
    }
  }

  /// A file beside the plan comes before one in the current directory and scenarios that ship.
  private static func place(of scenario: String, besides file: URL) -> String {
    let beside = file.deletingLastPathComponent().appending(path: scenario)
    return scenario.contains(".") && FileManager.default.fileExists(atPath: beside.path)
      ? beside.path : scenario
  }
}

/// What cells may share: the stages before a policy is optimized.
enum SweepStage: String, CaseIterable, Codable, Sendable {
  case sft, preferences
  /// What a reward model of its own size starts from.
  case trunk
  case reward

  /// A name for the stage's output, which depends on all that it reads: settings, seed, and what
  /// earlier stages read.
  func name(_ cell: SweepCell) -> String {
    // Where texts of the corpus are chosen by gold, the SFT policy depends on it.
    let isGoldRead = !cell.scenario.lines { $0 == "world.response.best_of" }.allSatisfy {
      $0.hasSuffix("=1")
    }
    let lines = cell.scenario.lines {
      reads($0) || (isGoldRead && $0.hasPrefix("world.gold."))
    }
    return "shared/\(rawValue)-\(Self.digest(["\(rawValue) \(cell.seed)"] + lines))"
  }

  /// Whether the stage, or one before it, may look at a key. A key that nobody thought of counts as
  /// read: that costs a run and never gives a wrong one.
  func reads(_ path: String) -> Bool {
    func isIn(_ sections: [String]) -> Bool {
      sections.contains { path == $0 || path.hasPrefix($0 + ".") }
    }
    if isIn(["name", "title", "lesson", "dpo"]) { return false }
    switch self {
    case .sft:
      return !isIn([
        "world.gold", "world.annotators", "preferences", "reward", "ppo", "evaluation",
      ])
    case .preferences:
      return !isIn(["reward", "ppo", "evaluation"])
        || ["ppo.maximum_tokens", "reward.read", "reward.step_separator"].contains(path)
    case .trunk: return Self.preferences.reads(path) || isIn(["reward.model"])
    case .reward:
      return !isIn(["ppo", "evaluation"])
        || ["ppo.maximum_tokens", "ppo.temperature", "evaluation.normalization_responses"]
          .contains(path)
    }
  }

  /// 16 hexadecimal digits, the same in every process.
  static func digest(_ lines: [String]) -> String {
    var stream = SeededGenerator(seed: 0).stream(lines.joined(separator: "\n"))
    let digits = String(stream.next(), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension Scenario {
  /// `path=value` of the keys that `isWanted`.
  package func lines(_ isWanted: (String) -> Bool = { _ in true }) -> [String] {
    node.leaves().filter { isWanted($0.path) }.map { "\($0.path)=\($0.value)" }
  }
}
