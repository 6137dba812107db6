import Preferences
import RunRecords
import Settings
import Statistics

extension ReportSection {
  /// The world as a person would explain it: texts, what gold likes and dislikes, who judges.
  @Sendable static func world(_ records: ReportRecords) -> ReportSection? {
    guard let world = WorldDescription(records) else { return nil }
    // What a scenario teaches is what tuning does in it.
    let lesson =
      [.demo, .ppo].contains(records.information.command)
      ? records.settings?.text(at: "lesson") : nil
    return ReportSection(id: "world", title: "The world and its hidden reward") {
      if let lesson, !lesson.isEmpty {
        element("p", ["class": "lead"]) { ReportWarning.passages(lesson) }
      }
      element("div", ["class": "charts"]) {
        if !world.tastes.isEmpty { gold(world, records) }
        examples(records)
      }
      if !world.annotators.isEmpty {
        element("h3", ["class": "part takeaway"]) { judges(world) }
        element("div", ["class": "cards"]) {
          for annotator in world.annotators { card(annotator, records) }
        }
      }
      source(records)
    }
  }

  // MARK: Gold

  private static func gold(_ world: WorldDescription, _ records: ReportRecords) -> Markup {
    let tastes = world.tastes
    let values = tastes.filter { !$0.isFactor }
    let largest = values.map { abs($0.value) }.max() ?? 1
    let likes = values.filter { $0.value > 0 }.count
    let title =
      likes == 0
      ? "Gold only takes away"
      : likes == values.count ? "Gold only gives" : "What gold likes and dislikes"
    return figure(
      title, unit: "gold for each, raw",
      note:
        "Gold is the sum"
        + (world.scale.map { scale in
          let most = NumberText.short(scale)
          return ", in which words that please or displease count together as "
            + "\(most)·tanh(their sum / \(most)), at most ±\(most)"
        } ?? "") + ". It is computed for every response and shown to no model"
        + (records.units.gold.map {
          "; one sd of the SFT policy is \(NumberText.short($0.standardDeviation))."
        } ?? ".")
    ) {
      element("table", ["class": "tastes"]) {
        element("tbody") {
          for taste in values {
            element("tr") {
              element("th", ["scope": "row"]) { taste.words }
              element("td", ["class": "balance"]) { diverging(taste.value / max(largest, 1e-9)) }
              number(NumberText.signed(taste.value, 1))
            }
          }
          for taste in tastes where taste.isFactor {
            element("tr") {
              element("th", ["scope": "row"]) { taste.words }
              element("td")
              number("× \(NumberText.short(taste.value))")
            }
          }
        }
      }
    }
  }

  /// A bar to the right of the middle for what is above 0, to the left for what is below.
  static func diverging(_ share: Double) -> Markup {
    let width = NumberText.coordinate(min(abs(share), 1) * 50)
    return element("div", ["class": "diverging"]) {
      element(
        "div",
        [
          "class": share < 0 ? "minus" : "plus",
          "style": "width:\(width)%;\(share < 0 ? "right" : "left"):50%",
        ])
    }
  }

  // MARK: Examples

  /// Responses that gold finds best, worst and in between, among those that annotators were shown.
  private static func examples(_ records: ReportRecords) -> Markup? {
    var found: [(text: String, gold: Double)] = []
    for pair in records.judgements {
      for (response, gold) in [(pair.chosen, pair.chosenGold), (pair.rejected, pair.rejectedGold)] {
        if let gold { found.append((pair.prompt + " " + response, gold)) }
      }
    }
    let sorted = found.sorted { ($0.gold, $0.text) < ($1.gold, $1.text) }
    guard sorted.count >= 4, let best = sorted.last, let worst = sorted.first else { return nil }
    let shown = [
      best, sorted[sorted.count * 3 / 4], sorted[sorted.count / 2], sorted[sorted.count / 4], worst,
    ]
    return figure(
      "What people say in it", unit: "gold, \(records.units.unit)",
      note: "Responses of the SFT policy, from the best to the worst of those that were judged."
    ) {
      element("table", ["class": "examples"]) {
        element("tbody") {
          for example in shown {
            element("tr") {
              element("td", ["class": "words"]) { example.text }
              reward(.gold, example.gold, records.units)
            }
          }
        }
      }
    }
  }

  /// A cell of score or gold: in standard deviations, raw when pointed at.
  static func reward(
    _ role: LineChart.Series.Role, _ raw: Double?, _ units: StandardUnits, prefix: String = "",
    style: String = "number"
  ) -> Markup {
    var attributes = [("class", style), ("data-label", role.rawValue)]
    if let raw { attributes.append(("title", "raw \(NumberText.fixed(raw, 3))")) }
    let value = units.converted(raw, role).map { NumberText.signed($0, 2) } ?? "–"
    return .element(
      name: "td", attributes: attributes.map { .init(name: $0.0, value: $0.1) },
      children: [.text(prefix + value)])
  }

  // MARK: Annotators

  private static func judges(_ world: WorldDescription) -> String {
    let unseen = Set(world.blindSpots.map { $0.feature.replacing("_", with: " ") }).sorted()
    return unseen.isEmpty
      ? "Who judges: the reward model sees nothing but their choices"
      : "Who judges: none of them sees \(unseen.joined(separator: " or ")), so no judgement tells of it"
  }

  private static func card(
    _ annotator: WorldDescription.Annotator, _ records: ReportRecords
  ) -> Markup {
    let known = records.judgements.filter {
      $0.annotator == annotator.name && ($0.goldMargin ?? 0) != 0
    }
    let right = Double(known.count { ($0.goldMargin ?? 0) > 0 }) / Double(max(1, known.count))
    return element("div", ["class": "card"]) {
      element("h3") {
        annotator.name
        element("span", ["class": "unit"]) {
          "\(NumberText.percent(annotator.share)) of the judgements"
        }
      }
      if !known.isEmpty {
        element("p", ["class": "figure"]) { NumberText.percent(right) }
        element("p", ["class": "detail"]) {
          "agrees with gold, over \(known.count) held-out pairs that differ in gold"
        }
      }
      element("ul", ["class": "traits"]) {
        for sentence in annotator.sentences {
          element("li", sentence.hasPrefix("Overlooks") ? ["class": "worse"] : [:]) { sentence }
        }
      }
    }
  }

  /// The same as it was written.
  private static func source(_ records: ReportRecords) -> Markup? {
    let parts = ["gold", "annotators"].compactMap { key in
      records.scenario.flatMap { ScenarioText.block(["world", key], in: $0) }.map { (key, $0) }
    }
    guard !parts.isEmpty else { return nil }
    return element("details") {
      element("summary") { "The same as YAML" }
      for (key, text) in parts {
        element("h3", ["class": "part"]) { "world.\(key)" }
        element("pre", ["class": "excerpt", "tabindex": "0"]) { element("code") { text } }
      }
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
