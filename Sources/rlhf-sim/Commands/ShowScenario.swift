import ArgumentParser
import Experiments
import Foundation
import Settings
import Statistics
import Worlds

/// Texts of a scenario, with gold and how its annotators judge.
struct ShowScenario: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Print texts of a scenario with their gold, and how annotators judge two of them.",
    discussion: """
      The texts are those of the corpus. Behind the gold are its parts that are not 0. Where \
      `world.response.best_of` chooses the responses of the corpus, the two that are judged are any \
      that the grammar gives.

      Example: rlhf-sim scenarios show sentiment --count 5
      """)

  @Argument(help: "A YAML file, or the name of a scenario.")
  var scenario: String

  @Option(help: "Texts to print.")
  var count = 20

  @Option(help: "Which texts they are.")
  var seed: UInt64 = 1

  @Option(name: .customLong("set"), help: "A setting as KEY.PATH=VALUE; repeatable.")
  var overrides: [String] = []

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if !(1...10_000).contains(count) {
      throw ValidationError("--count is \(count); it must be from 1 to 10 000.")
    }
  }

  private struct Text: Encodable {
    let prompt: String
    let response: String
    let gold: Double
    let parts: [Part]

    struct Part: Encodable {
      let feature: String
      let value: Double
    }

    init(_ text: ScenarioTexts.Judged) {
      prompt = text.prompt.joined(separator: " ")
      response = text.response.joined(separator: " ")
      gold = text.gold
      parts = text.parts.map { Part(feature: $0.feature, value: $0.value) }
    }
  }

  private struct Opinion: Encodable {
    let annotator: String
    let probabilityOfFirst: Double
  }

  private struct Row: Encodable {
    let texts: [Text]
    let compared: [Text]
    let opinions: [Opinion]
  }

  func run() throws {
    let isFile = FileManager.default.fileExists(atPath: scenario)
    let scenario = try ProjectFiles.scenario(
      isFile ? URL(filePath: scenario).path : scenario, overrides: overrides)
    let shown = try ScenarioTexts(scenario, count: count, seed: seed)
    if json {
      return try Output.writeJSON(
        Row(
          texts: shown.texts.map(Text.init), compared: shown.pair?.responses.map(Text.init) ?? [],
          opinions: shown.pair?.opinions.map {
            Opinion(annotator: $0.annotator, probabilityOfFirst: $0.probability)
          } ?? []))
    }
    if shown.bestOf > 1 {
      try Output.write("Responses of the corpus, each the best by gold of \(shown.bestOf):\n")
    }
    for text in shown.texts { try Output.write(line(text) + "\n") }
    guard let pair = shown.pair else {
      return try Output.write("\nNo two responses to one prompt differ in gold.\n")
    }
    let kind = shown.bestOf > 1 ? " of the grammar" : ""
    try Output.write("\nTwo responses\(kind) to \"\(pair.prompt.joined(separator: " "))\":\n")
    for (name, text) in zip(["A", "B"], pair.responses) {
      try Output.write("\(name)  \(line(text))\n")
    }
    for opinion in pair.opinions {
      try Output.write(
        "\(opinion.annotator) prefers A with probability "
          + "\(NumberText.plain(opinion.probability, 2))\n")
    }
  }

  /// Gold, the text with a bar where the response begins, and the parts of gold.
  private func line(_ text: ScenarioTexts.Judged) -> String {
    let parts = text.parts.filter { $0.value != 0 }.map {
      "\($0.feature) \(NumberText.plain($0.value, 2))"
    }
    let number = NumberText.plain(text.gold, 2)
    return String(repeating: " ", count: max(0, 6 - number.count)) + number + "  "
      + text.prompt.joined(separator: " ") + " | " + text.response.joined(separator: " ")
      + (parts.isEmpty ? "" : "  (\(parts.joined(separator: ", ")))")
  }
}
