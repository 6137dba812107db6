import Formats
import RunRecords
package import Settings

/// A plan of many runs: a scenario, axes over its settings, and seeds.
///
/// ```yaml
/// scenario: sentiment
/// set: { ppo.iterations: 40 }
/// axes:
///   ppo.kl.coefficient: [0, 0.1, 0.2]
///   model: { small: { model.width: 32 }, large: { model.width: 64, model.layers: 3 } }
/// seeds: 1-5
/// ```
package struct SweepPlan: Configurable {
  package var name = ""
  var scenario = "sentiment"
  var run = SweepRun.demo
  var settings = SweepAssignments()
  var axes = SweepAxes()
  var seeds = SweepSeeds()
  /// Where it is written.
  var location = SettingsLocation.unwritten

  package init() {}

  package init(_ location: SettingsLocation) throws(SettingsError) {
    self.init()
    try update(from: location)
    self.location = location
  }

  package static let fields = [
    Field("name", \Self.name, "what the page of results is called; by default as the file"),
    Field("scenario", \Self.scenario, "the scenario of all cells, by name or file"),
    Field("run", \Self.run, "the command that makes a cell"),
    Field("set", \Self.settings, "settings of all cells, as key paths or as sections"),
    Field("axes", \Self.axes, "what varies: every combination of values is run with every seed"),
    Field("seeds", \Self.seeds, "the seeds of every combination"),
  ]

  package func validate(at location: SettingsLocation) throws(SettingsError) {
    guard axes.all.isEmpty, location.key("scenario").node == nil else { return }
    throw location.error(
      "the plan has neither `scenario` nor `axes`",
      advice: "write `scenario: sentiment`, and below `axes:` what varies, such as "
        + "`ppo.kl.coefficient: [0, 0.1]`")
  }
}

/// What makes a cell; each trains the models that it starts from.
package enum SweepRun: String, CaseIterable, Sendable, SettingValue {
  case demo, sft, dpo
  case trainReward = "train-reward"
  case bestOfN = "best-of-n"

  /// The commands whose settings it reads.
  var readers: [ScenarioCommand] {
    switch self {
    case .demo: [.demo]
    case .sft: [.sft]
    case .trainReward: [.sft, .trainReward]
    case .dpo: [.sft, .trainReward, .dpo]
    case .bestOfN: [.sft, .trainReward, .bestOfN]
    }
  }
}

/// Settings with the lines on which they are written.
struct SweepAssignments: SettingValue {
  struct Assignment: Sendable {
    /// A key path of the scenario, or `scenario` or `run` of the plan.
    let path: String
    /// The value as YAML in one line.
    let value: String
    let location: SettingsLocation

    /// As after `--set`.
    var text: String { "\(path)=\(value)" }
  }

  var all: [Assignment] = []

  static let typeDescription = "a map from key paths to values"

  init() {}

  init(_ location: SettingsLocation) throws(SettingsError) {
    for entry in try location.entries(of: Self.typeDescription) {
      all += Self.assignments(entry.key, location.key(entry.key))
    }
    if let second = all.firstCovering {
      throw second.location.error("`\(second.path)` is set twice", advice: "remove one of them")
    }
  }

  /// Sections are taken apart, so that the keys beside them stay as they are.
  static func assignments(_ path: String, _ location: SettingsLocation) -> [Assignment] {
    guard case .map(let entries) = location.node?.content, !entries.isEmpty else {
      return [Assignment(path: path, value: location.node?.flow ?? "", location: location)]
    }
    return entries.flatMap { assignments("\(path).\($0.key)", location.key($0.key)) }
  }

  var node: SettingNode { .map(all.map { ($0.path, .text($0.value)) }) }

  /// Puts assignments in the place of those of the same keys.
  mutating func lay(_ others: [Assignment]) {
    all.removeAll { assignment in others.contains { $0.covers(assignment) } }
    all += others
  }
}

extension SweepAssignments.Assignment {
  /// An assignment as after `--set`.
  init(_ text: String) throws(SettingsError) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let place = SettingsLocation(path: text, node: nil, source: .assignment(text))
    guard parts.count == 2, !parts[0].isEmpty else {
      throw place.error("this is no assignment", advice: "write `key=value`")
    }
    self.init(path: String(parts[0]), value: String(parts[1]), location: place)
  }

  /// Whether it also says what another one set before: the same key, or the section or list around it.
  func covers(_ other: Self) -> Bool {
    SettingNode.keys(of: other.path).starts(with: SettingNode.keys(of: path))
  }
}

extension [SweepAssignments.Assignment] {
  /// The first that leaves one before it without effect.
  var firstCovering: Element? {
    indices.first { self[..<$0].contains(where: self[$0].covers) }.map { self[$0] }
  }
}

/// What varies between cells.
package struct SweepAxes: SettingValue {
  struct Value: Sendable {
    /// What tables call it.
    let label: String
    let assignments: [SweepAssignments.Assignment]
    let location: SettingsLocation
  }

  struct Axis: Sendable {
    let name: String
    let values: [Value]
  }

  var all: [Axis] = []

  package static let typeDescription =
    "a map from key paths to lists of values, or from names to maps of named settings"

  init() {}

  package init(_ location: SettingsLocation) throws(SettingsError) {
    for entry in try location.entries(of: Self.typeDescription) {
      let axis = try Self.axis(entry.key, location.key(entry.key))
      if let label = axis.values.map(\.label).firstRepeated {
        throw location.key(entry.key).error(
          "the value `\(label)` is there twice", advice: "remove one of them")
      }
      if ["seed", "seeds"].contains(axis.name) {
        throw location.key(entry.key).error(
          "seeds are no axis", advice: "write `seeds: 1-5` beside `axes`")
      }
      if (SweepResults.ownColumns + SweepResults.curveColumns).contains(axis.name) {
        throw location.key(entry.key).error(
          "a table of results has a column of its own of this name",
          advice: "call the axis otherwise")
      }
      all.append(axis)
    }
  }

  static func axis(
    _ name: String, _ location: SettingsLocation
  ) throws(SettingsError) -> Axis {
    var values: [Value] = []
    switch location.node?.content {
    case .list(let items):
      for index in items.indices {
        let item = location.item(index)
        values.append(
          Value(
            label: item.node?.label ?? "",
            assignments: SweepAssignments.assignments(name, item), location: item))
      }
    case .map(let entries):
      for entry in entries {
        let place = location.key(entry.key)
        values.append(
          Value(
            label: entry.key, assignments: try SweepAssignments(place).all, location: place))
      }
    default: break
    }
    guard !values.isEmpty else {
      throw location.error(
        "an axis needs values",
        advice: "write a list such as `\(name): [1, 2]`, or named settings such as "
          + "`\(name): { small: { model.width: 32 }, large: { model.width: 64 } }`")
    }
    return Axis(name: name, values: values)
  }

  package var node: SettingNode {
    .map(all.map { ($0.name, .list($0.values.map { .text($0.label) })) })
  }
}

/// `1-5`, or a list.
struct SweepSeeds: SettingValue {
  var all: [UInt64] = [1]

  init(_ range: ClosedRange<UInt64>) { all = Array(range) }

  static let typeDescription = "a range such as `1-5`, or a list of whole numbers"

  init() {}

  init(_ location: SettingsLocation) throws(SettingsError) {
    if case .scalar(let text, _) = location.node?.content {
      let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2,
        first <= last
      else {
        throw location.error(
          "`\(text)` is no range of seeds", advice: "write `1-5`, or a list such as `[1, 2, 7]`")
      }
      guard last - first < UInt64(SweepPlan.mostCells) else {
        throw location.error(
          "`\(text)` are more seeds than the \(SweepPlan.mostCells) cells that a sweep may have",
          advice: "write a shorter range, such as `1-5`")
      }
      all = Array(first...last)
      return
    }
    all = []
    for seed in try [Int](location) {
      guard let seed = UInt64(exactly: seed) else {
        throw location.error("\(seed) is no seed", advice: "seeds are 0 or more")
      }
      all.append(seed)
    }
    guard !all.isEmpty, all.firstRepeated == nil else {
      throw location.error(
        all.isEmpty ? "there are no seeds" : "a seed is there twice",
        advice: "write `1-5`, or a list such as `[1, 2, 7]`")
    }
  }

  var node: SettingNode { .list(all.map { .literal("\($0)") }) }
}

extension SettingNode {
  /// The value on one line of YAML.
  fileprivate var flow: String {
    switch content {
    case .scalar(let text, let isText):
      let isPlain = !isText && !text.contains { ",[]{}:#&*!|>'\"%@`".contains($0) }
      return isPlain ? text : (try? JSONValue.string(text).text()) ?? text
    case .list(let items): return "[" + items.map(\.flow).joined(separator: ", ") + "]"
    case .map(let entries):
      return "{"
        + entries.map { "\(SettingNode.text($0.key).flow): \($0.value.flow)" }
        .joined(separator: ", ") + "}"
    }
  }

  /// The value for a table.
  fileprivate var label: String {
    if case .scalar(let text, _) = content { text } else { flow.replacing("\"", with: "") }
  }
}

extension Array where Element: Hashable {
  /// The first element that equals one before it.
  var firstRepeated: Element? {
    var seen: Set<Element> = []
    return first { !seen.insert($0).inserted }
  }
}
