import AlignmentLoop
import ArgumentParser
import Foundation
import RunRecords
import Settings

/// What scenarios there are, what a file comes to, and what may stand in one.
struct Scenarios: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List scenarios, check a file, or print every key.",
    discussion: """
      Example: rlhf-sim scenarios check my-world.yaml
      Example: rlhf-sim scenarios keys
      """,
    subcommands: [List.self, CheckFile.self, Keys.self], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List the scenarios: name, title and lesson.")

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
      abstract: "Validate a scenario and print what it comes to, every default written out.")

    @Argument(help: "A YAML file, or the name of a scenario.")
    var file: String

    @Flag(help: "No notes.")
    var quiet = false

    func run() throws {
      // A bare name is a file here if there is one, as in `scenarios check my-world`.
      let isFile = FileManager.default.fileExists(atPath: file)
      let scenario = try ProjectFiles.scenario(isFile ? URL(filePath: file).path : file)
      try RunRecorder(directory: nil, terminal: .standardError(isQuiet: quiet))
        .note("\(file) is a valid scenario; with every default it reads as follows")
      try Output.write(scenario.resolvedYAML())
    }
  }

  struct Keys: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print every key of a scenario: path, type, default and what it is for.")

    @Flag(help: "Print a JSON list.")
    var json = false

    private struct Row: Encodable {
      let path: String
      let type: String
      let `default`: String
      let documentation: String
    }

    func run() throws {
      if json {
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
}
