import ArgumentParser
import Experiments
import Foundation
import RLHF
import RunRecords
import Settings
import Statistics

/// What scenarios there are, what a file comes to, and what may stand in one.
struct Scenarios: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List scenarios, check or show one, or print every key or metric.",
    discussion: """
      Example: rlhf-sim scenarios check sentiment
      Example: rlhf-sim scenarios show sentiment
      Example: rlhf-sim scenarios keys
      Example: rlhf-sim scenarios metrics
      """,
    subcommands: [
      List.self, CheckFile.self, ShowScenario.self, Difference.self, Keys.self, Metrics.self,
    ],
    defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the scenarios: name, title and lesson.",
      discussion: "Example: rlhf-sim scenarios list")

    @Flag(help: "Print a JSON list.")
    var json = false

    private struct Row: Encodable {
      let name: String
      let title: String
      let lesson: String
    }

    func run() throws {
      let rows = try ProjectFiles.scenarioNames().map { name in
        let scenario = try ProjectFiles.scenario(name)
        return Row(name: name, title: scenario.title, lesson: scenario.lesson)
      }
      if json { return try Output.writeJSON(rows) }
      for row in rows {
        try Output.write("\(row.name)  \(row.title)\n    \(row.lesson)\n")
      }
    }
  }

  struct CheckFile: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check",
      abstract: "Validate a scenario and print it with every default written out.",
      discussion: "Example: rlhf-sim scenarios check sentiment")

    @Argument(help: "A YAML file, or the name of a scenario.")
    var file: String

    @Flag(help: "Print no notes.")
    var quiet = false

    func run() throws {
      // A bare name is a file here if there is one, as in `scenarios check my-world`.
      let isFile = FileManager.default.fileExists(atPath: file)
      let (scenario, notes) = try ProjectFiles.scenario(
        isFile ? URL(filePath: file).path : file, overrides: [], for: .demo)
      if !quiet {
        Output.note("\(file) is a valid scenario; with every default it reads as follows")
        notes.forEach(Output.note)
      }
      try Output.write(scenario.resolvedYAML())
    }
  }

  struct Difference: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "diff",
      abstract: "Print the keys in which two scenarios, or two presets of PPO, differ.",
      discussion: """
        Either side is a scenario by name or file, or a preset of `ppo.preset`, applied to the \
        scenario of --scenario.

        Example: rlhf-sim scenarios diff openai-2019 trl
        Example: rlhf-sim scenarios diff sentiment exact
        """)

    @Argument(help: "A scenario or a preset.")
    var first: String

    @Argument(help: "Another one.")
    var second: String

    @Option(help: "The scenario that presets are applied to.")
    var scenario = "sentiment"

    @Flag(help: "Print a JSON list.")
    var json = false

    @Flag(help: "Print no notes.")
    var quiet = false

    private struct Row: Encodable {
      let key: String
      let first: String?
      let second: String?
    }

    func run() throws {
      let differences = try read(first).node.differences(from: read(second).node)
      if json {
        return try Output.writeJSON(
          differences.map { Row(key: $0.path, first: $0.this, second: $0.other) })
      }
      guard !differences.isEmpty else {
        return try Output.write("\(first) and \(second) do not differ\n")
      }
      let keys = differences.map(\.path.count).max() ?? 0
      let room = max(12, ((Terminal.standardOutputWidth ?? 100) - keys - 4) / 2)
      var table = TextTable(
        columns: [("key", .leading), (first, .leading), (second, .leading)])
      for difference in differences {
        let values = [difference.this, difference.other].map { value in
          let text = value ?? "–"
          return text.count > room ? text.prefix(room - 1) + "…" : text
        }
        table.append([difference.path] + values)
      }
      try Output.write(table.rendered())
      if differences.contains(where: { max($0.this?.count ?? 0, $0.other?.count ?? 0) > room }) {
        try RunRecorder(directory: nil, terminal: .standardError(isQuiet: quiet))
          .note("what ends in … is cut short; --json prints all of it")
      }
    }

    private func read(_ name: String) throws -> Scenario {
      guard PPOPreset(rawValue: name) != nil else { return try ProjectFiles.scenario(name) }
      return try ProjectFiles.scenario(scenario, overrides: ["ppo.preset=\(name)"])
    }
  }

  struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print every key of a scenario: path, type, default and meaning.",
      discussion: "Example: rlhf-sim scenarios keys")

    @OptionGroup var form: ListForm

    private struct Row: Encodable {
      let path: String
      let type: String
      let `default`: String
      let documentation: String
    }

    func run() throws {
      if form.markdown { return try Output.write(Scenario.referenceArticle) }
      if form.json {
        return try Output.writeJSON(
          Scenario.reference.map {
            Row(
              path: $0.path, type: $0.type, default: $0.defaultValue,
              documentation: $0.documentation)
          })
      }
      try Output.writeLines(to: nil) { line in
        for key in Scenario.reference {
          let value = key.defaultValue.isEmpty ? "" : " = \(key.defaultValue)"
          try line("\(key.path)\(value)\n    \(key.type)\n    \(key.documentation)\n")
        }
      }
    }
  }

  struct Metrics: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print every metric that runs record: name, unit, meaning and bad sign.",
      discussion: "Example: rlhf-sim scenarios metrics")

    @OptionGroup var form: ListForm

    private struct Row: Encodable {
      let name: String
      let unit: String
      let meaning: String
      let badSign: String
    }

    func run() throws {
      if form.markdown { return try Output.write(Metric.referenceArticle) }
      if form.json {
        return try Output.writeJSON(
          Metric.all.map {
            Row(name: $0.name, unit: $0.unit, meaning: $0.meaning, badSign: $0.badSign)
          })
      }
      for metric in Metric.all {
        try Output.write(
          "\(metric.name)  \(metric.unit)\n    \(metric.meaning)\n    bad sign: \(metric.badSign)\n"
        )
      }
    }
  }
}

/// How a list is printed: for people, as JSON, or as a page of the documentation.
struct ListForm: ParsableArguments {
  @Flag(help: "Print a JSON list.")
  var json = false

  @Flag(help: "Print the page of the documentation.")
  var markdown = false

  func validate() throws {
    if json, markdown {
      throw ValidationError("--json and --markdown exclude each other; give one of them")
    }
  }
}
