import RunRecords
import Settings

extension ReportSection {
  /// The world: what is truly good in it, and who judges.
  @Sendable static func world(_ records: ReportRecords) -> ReportSection? {
    guard let scenario = records.scenario else { return nil }
    // What a scenario teaches is what tuning does in it.
    let lesson =
      [.demo, .ppo].contains(records.information.command)
      ? records.settings?.text(at: "lesson") : nil
    let gold = ScenarioText.block(["world", "gold"], in: scenario)
    let annotators = ScenarioText.block(["world", "annotators"], in: scenario)
    guard gold != nil || annotators != nil else { return nil }
    return ReportSection(id: "world", title: "The world and its hidden reward") {
      if let lesson, !lesson.isEmpty { element("p", ["class": "lead"]) { lesson } }
      element("div", ["class": "charts"]) {
        if let gold {
          excerpt(
            "The gold reward", gold,
            "The sum of these features. It is computed for every response and shown to no model.")
        }
        if let annotators {
          excerpt(
            "Annotators", annotators,
            "They judge by gold, with a temperature, label noise (flip) and biases of their own; "
              + "the reward model sees nothing but their choices.")
        }
      }
    }
  }

  private static func excerpt(_ title: String, _ text: String, _ note: String) -> Markup {
    figure(title, note: note) {
      element("pre", ["class": "excerpt", "tabindex": "0"]) { element("code") { text } }
    }
  }
}

/// Parts of scenario.yaml as this program writes it: two blanks a level, one key a line.
enum ScenarioText {
  /// What stands below a path of keys, moved to the margin.
  static func block(_ path: [String], in scenario: String) -> String? {
    var lines = scenario.split(separator: "\n", omittingEmptySubsequences: false)[...]
    for (depth, key) in path.enumerated() {
      let line = String(repeating: " ", count: 2 * depth) + key + ":"
      guard let start = lines.firstIndex(where: { $0 == line }) else { return nil }
      let below = lines[(start + 1)...]
      lines = below.prefix { text in
        let blanks = text.prefix { $0 == " " }.count
        // Items of a list may stand as far left as their key.
        return blanks > 2 * depth || blanks == 2 * depth && text.dropFirst(blanks).hasPrefix("-")
      }
    }
    let margin = lines.map { line in line.prefix { $0 == " " }.count }.min() ?? 0
    let block = lines.map { String($0.dropFirst(margin)) }.joined(separator: "\n")
    return block.isEmpty ? nil : block
  }
}
