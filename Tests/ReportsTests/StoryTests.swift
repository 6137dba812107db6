import Foundation
import Preferences
import RunRecords
import Testing

@testable import Reports
@testable import Statistics

@Suite("Of the story, a report")
struct StoryTests {
  private func records(_ change: (inout ReportRecords) -> Void) -> ReportRecords {
    var information = ExampleRun.information
    information.stageSeconds = []
    var records = ReportRecords(information: information)
    change(&records)
    return records
  }

  private func withTable(
    _ columns: [String: (Int) -> Double], steps: Int = 20, _ body: (MetricsTable) throws -> Void
  ) throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("rlhf-sim-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    let run = try RunDirectory.create(at: url, force: false)
    let writer = try MetricsWriter(stage: .ppo, in: run)
    for step in 1...steps {
      try writer.write(step: step, seconds: 0, columns.mapValues { $0(step) })
    }
    try body(try MetricsTable(stage: .ppo, in: run))
  }

  @Test("draws gold and score of PPO against √KL, and best of n where it was measured")
  func frontier() throws {
    try withTable([
      "objective/kl_exact": { Double($0) / 5 }, "objective/score": { Double($0) / 10 },
      "objective/gold": { Double($0) / 20 },
    ]) { table in
      let plain = try #require(FrontierChart(table, evaluation: nil)).chart()
      #expect(plain.series.map(\.name) == ["policy: score", "policy: gold"])
      #expect(plain.series[1].points[19] == .init(x: 2, y: 1))
      let summary = EvaluationSummary(bestOfN: ExampleRun.bestOfN)
      let both = try #require(FrontierChart(table, evaluation: summary)).chart()
      #expect(both.series.map(\.name).suffix(2) == ["best of n: score", "best of n: gold"])
      #expect(both.series[3].points[0] == .init(x: 0, y: 0))
      let page = ParsedPage(
        Report.page(
          of: records {
            $0.policyOptimization = table
            $0.evaluation = summary
          }))
      #expect(page.failure == nil)
      #expect(page.text.contains("best of n: gold") && page.text.contains("Best of n in numbers"))
      // log 4 − 3/4
      #expect(page.text.contains("0.64"))
    }
    try withTable(["objective/score": { Double($0) }]) {
      #expect(FrontierChart($0, evaluation: nil) == nil)
    }
    // The evaluation has the last word on where the policy ended.
    try withTable([
      "objective/kl_exact": { Double($0) / 5 }, "objective/gold": { Double($0) / 20 },
    ]) {
      let chart = try #require(FrontierChart($0, evaluation: ExampleRun.evaluation)).chart()
      let gold = try #require(chart.series.first { $0.name == "policy: gold" }).points
      #expect(gold.count == 21 && gold.last?.y == 1.4)
    }
    // Without iterations, as after DPO, the final figures are the policy's one mark.
    let final = try #require(FrontierChart(nil, evaluation: ExampleRun.evaluation)).chart()
    // (1.91 + 0.12) / 1.45
    #expect(final.series.map { $0.points.compactMap(\.y) } == [[1.74], [1.4]])
  }

  @Test("has the numbers of every token, and a class for each that colours it")
  func tokens() throws {
    let page = ParsedPage(Report.page(of: records { $0.rollouts = ExampleRun.rollouts }))
    #expect(page.failure == nil)
    let tokens = page.elements.filter {
      $0.attributes["class"]?.split(separator: " ").contains("token") ?? false
    }
    // Four of the five iterations, six responses of five tokens each.
    #expect(tokens.count == 4 * 6 * 5)
    let last = try #require(tokens.last { $0.attributes["title"]?.hasPrefix("&") ?? false })
    let title = try #require(last.attributes["title"])
    for number in [
      "log π −1.300", "log π_ref −2.000", "log-ratio +0.700", "KL 0.750", "reward −0.125",
      "value 0.875", "advantage +1.125", "return 1.000", "new/old 1.375, clipped",
    ] {
      #expect(title.contains(number), "\(number)")
    }
    let styles = Set((last.attributes["class"] ?? "").split(separator: " "))
    #expect(styles == ["token", "k3", "a3", "v4", "l3"])
    let first = try #require(tokens.last { $0.attributes["title"]?.hasPrefix("was") ?? false })
    #expect(first.attributes["class"] == "token a-4 v2 l-1")
    // A radio button for each, and one chosen from the beginning.
    let choices = page.elements.filter { $0.name == "input" }
    #expect(
      choices.compactMap { $0.attributes["id"] } == TokenTint.allCases.map { "tint-\($0.rawValue)" }
    )
    #expect(choices.count { $0.attributes["checked"] != nil } == 1)
    for tint in TokenTint.allCases {
      #expect(
        ReportStyle.css.contains(".tint-\(tint.rawValue):checked ~ .tokens .\(tint.rawValue)-4"))
    }
    // The same numbers for those who do not point.
    #expect(page.count("caption") == 24 && page.text.contains("1.375, clipped"))
  }

  @Test("colours the later samples by KL and log-ratio, where they were saved token by token")
  func samples() throws {
    let page = ParsedPage(Report.page(of: records { $0.samples = ExampleRun.samples }))
    #expect(page.failure == nil)
    let tokens = page.elements.filter {
      $0.attributes["class"]?.split(separator: " ").contains("token") ?? false
    }
    // Eleven responses of five tokens, one of EOS alone; three are not saved so.
    #expect(tokens.count == 11 * 5 + 1)
    #expect(
      tokens.prefix(5).map { $0.attributes["title"] } == [
        "very KL 0.500 log-ratio +0.250", "good KL 0.250 log-ratio −1.125",
        "& KL 0.375 log-ratio +0.000", "fresh KL 1.475 log-ratio +1.875",
        "<eos> KL 0.500 log-ratio +0.500",
      ])
    // The strongest are KL 1.475 and a log-ratio of 1.875.
    #expect(
      tokens.prefix(5).map { $0.attributes["class"] } == [
        "token k1 l1", "token k1 l-2", "token k1", "token k4 l4", "token k1 l1",
      ])
    let choices = page.elements.filter { $0.name == "input" }
    #expect(choices.map { $0.attributes["id"] } == ["sample-tint-k", "sample-tint-l"])
    #expect(choices.map { $0.attributes["class"] } == ["tint-k", "tint-l"])
    // The same numbers for those who do not point, and no way to a section that is not there.
    #expect(page.count("caption") == 12)
    #expect(!page.values(of: "href").contains("#tokens"))
    let whole = ParsedPage(
      Report.page(
        of: records {
          $0.samples = ExampleRun.samples
          $0.rollouts = ExampleRun.rollouts
        }))
    #expect(whole.values(of: "id").count == Set(whole.values(of: "id")).count)
    #expect(whole.values(of: "href").count { $0 == "#tokens" } == 2)
  }

  @Test("shows samples of earlier runs as plain text")
  func plainSamples() throws {
    let page = ParsedPage(
      Report.page(
        of: records {
          $0.samples = ExampleRun.samples.map {
            SampleComparison(prompt: $0.prompt, before: $0.before, after: $0.after)
          }
        }))
    #expect(page.failure == nil)
    #expect(page.text.contains("very good & fresh") && page.text.contains("3 more"))
    #expect(page.count("input") == 0 && page.count("caption") == 0)
  }

  @Test("colours by size: nothing for nearly nothing, the strongest for the rare")
  func tint() {
    #expect(TokenTint.advantage.style(0.1, scale: 1) == nil)
    #expect(TokenTint.advantage.style(0.2, scale: 1) == "a1")
    #expect(TokenTint.advantage.style(-50, scale: 1) == "a-4")
    #expect(TokenTint.advantage.style(.nan, scale: 1) == nil)
    #expect(TokenTint.value.scale(over: []) == 1)
    let tokens = ExampleRun.rollouts.flatMap(\.advantages).map {
      TintedToken(text: "", values: [.advantage: $0], figures: [])
    }
    #expect(TokenTint.advantage.scale(over: tokens) == 1.5)
  }

  @Test("shows what annotators chose, how often against gold, and how expected it was")
  func preferences() {
    let page = ParsedPage(
      Report.page(
        of: records {
          $0.judgements = ExampleRun.judgements
          $0.scenario = ExampleRun.scenario
        }))
    #expect(page.failure == nil)
    // Every fourth pair, all of them careful's, went against gold.
    for words in [
      "careful75.0\u{A0}% of the judgements", "50.0\u{A0}%", "100.0\u{A0}%",
      "over 20 held-out pairs", "was rather stingy 1", "▼ −1.50",
      "40.0\u{A0}% of the judgements went against what was to be expected",
      "97.5\u{A0}%", "against what was to be expected: 40.0\u{A0}%",
    ] {
      #expect(page.text.contains(words), "\(words)")
    }
  }

  @Test("shows the memory of the four models as it was measured")
  func memory() throws {
    try withTable([
      "memory/policy": { _ in 501_504 }, "memory/optimizer": { _ in 1_932_288 },
      "memory/activations": { Double($0) * 1e5 },
    ]) { table in
      let page = ParsedPage(
        Report.page(
          of: records {
            $0.policyOptimization = table
            $0.information.models = [.init(model: "policy", parameters: 125_376)]
          }))
      for words in [
        "501.5\u{A0}kB", "125k parameters", "1.9\u{A0}MB", "2.0\u{A0}MB",
        "an arena for each role",
      ] {
        #expect(page.text.contains(words), "\(words)")
      }
      let other = ParsedPage(
        Report.page(
          of: records {
            $0.policyOptimization = table
            $0.information.allocator = "system"
          }))
      #expect(other.text.contains("counted by their elements"))
      #expect(!other.text.contains("an arena for each"))
    }
  }

  @Test("sets the keys of a warning as code")
  func keysInWarnings() throws {
    try withTable(["objective/score": { Double($0) }]) { table in
      let page = Report.page(
        of: records {
          $0.policyOptimization = table
          $0.information.warnings = [
            .init(.risingKL, iteration: 3, text: "raise `ppo.kl.coefficient`, or end")
          ]
        })
      #expect(page.contains("raise <code>ppo.kl.coefficient</code>, or end"))
      #expect(!page.contains("`"))
    }
  }

  @Test("shows the world's gold and annotators as the scenario has them")
  func world() throws {
    let scenario = """
      name: x
      lesson: "Less is more."
      world:
        grammar:
          start: a
        gold:
        - feature: valence
          weight: 1.5
        annotators:
          - name: careful
            share: 0.4
        prompt:
          words: [1, 2]
      """
    let page = ParsedPage(Report.page(of: records { $0.scenario = scenario }))
    #expect(page.text.contains("Less is more."))
    // It is about what tuning does, which other runs do not.
    let part = records {
      $0.scenario = scenario
      $0.information.command = .trainReward
    }
    #expect(
      !ParsedPage(try #require(ReportSection.world(part)).markup.rendered).text
        .contains("Less is more."))
    #expect(
      ScenarioText.block(["world", "gold"], in: scenario) == "- feature: valence\n  weight: 1.5")
    #expect(
      ScenarioText.block(["world", "annotators"], in: scenario)
        == "- name: careful\n  share: 0.4")
    #expect(ScenarioText.block(["world", "judges"], in: scenario) == nil)
    #expect(page.elements.contains { $0.attributes["id"] == "world" })
  }

  @Test("warns where it happened: of what was noted, and of what the metrics show")
  func warnings() throws {
    try withTable([
      "objective/gold": { Double(min($0, 20 - $0)) }, "objective/score": { Double($0) },
      "objective/kl_exact": { Double($0) }, "policy/clip_fraction": { $0 == 7 ? 0.4 : 0.1 },
      "response/length": { _ in 10 },
    ]) { table in
      let found = ReportWarning.policyOptimization(table)
      try #require(found.count == 3)
      #expect(found[0].contains("from iteration 10 on gold fell"))
      #expect(found[1].contains("first in iteration 11, 10 times, at most 20"))
      #expect(found[2].contains("first in iteration 7, once, at most 0.4"))
      let page = ParsedPage(
        Report.page(
          of: records {
            $0.policyOptimization = table
            $0.information.notes = [
              .init(stage: nil, text: "3 rows are held out"),
              .init(stage: "PPO", text: "a note of PPO"), .init(stage: "reward model", text: "x"),
            ]
          }))
      #expect(page.values(of: "role").count { $0 == "note" } == 5)
      let text = page.text
      let header = try #require(text.firstRange(of: "3 rows are held out")).lowerBound
      let section = try #require(text.firstRange(of: "Look here: a note of PPO")).lowerBound
      // What belongs to no stage stands at the end, with what ran.
      #expect(section < header)
    }
    // What was said while it ran is not said again, and hides nothing else.
    try withTable([
      "objective/kl_exact": { Double($0) }, "response/length": { _ in 10 },
      "policy/ratio_max": { $0 == 3 ? 4_500 : 70 },
    ]) { table in
      let found = ReportWarning.policyOptimization(
        table,
        records {
          $0.information.warnings = [.init(.risingKL, iteration: 18, text: "KL rose")]
        })
      try #require(found.count == 2)
      #expect(
        found[0] == "KL rose"
          && found[1].contains("largest ratio was above 1000 (first in iteration 3, once"))
    }
    // Relative to the beginning, and only where the values do not follow the returns.
    for explained in [-0.5, 0.5] {
      try withTable([
        "objective/entropy": { 2 - Double($0) / 10 }, "value/loss": { Double($0) },
        "value/explained_variance": { _ in explained },
      ]) { table in
        let found = ReportWarning.policyOptimization(table)
        try #require(found.count == (explained < 0 ? 3 : 1))
        #expect(
          found[0].contains("entropy was below 0.2 times its first value (first in iteration 17"))
        guard explained < 0 else { return }
        #expect(
          found[1].contains("value loss was above 10 times its first value (first in iteration 11"))
        #expect(found[2].contains("explained variance is below 0 at the end (−0.50)"))
      }
    }
    // Fewer ends than at first, while there are still enough.
    try withTable(["response/eos_fraction": { 1 - Double($0) / 40 }]) {
      #expect(ReportWarning.policyOptimization($0).count == 1)
      #expect(ReportWarning.policyOptimization($0, besides: [.missingEOS]).isEmpty)
    }
    try withTable([
      "objective/gold": { Double($0) }, "objective/score": { Double($0) },
      "objective/kl_exact": { Double($0) / 20 },
    ]) { #expect(ReportWarning.policyOptimization($0).isEmpty) }
  }

  @Test(
    "names the method that the policy was tuned by, and draws its models",
    arguments: [
      ("ppo", "PPO", "Four models"), ("reinforce", "REINFORCE", "Four models"),
      ("grpo", "GRPO", "Three models"), ("rloo", "RLOO", "Three models"),
      ("rejection-sampling", "rejection sampling", "Three models"), ("dpo", "DPO", "Two models"),
    ])
  func method(algorithm: String, name: String, title: String) {
    let page = ParsedPage(
      Report.page(
        of: records {
          $0.scenario = "name: x\nppo:\n  algorithm: \(algorithm)\n  kl:\n    coefficient: 0.1\n"
          $0.information.method = name
          $0.information.hasValueModel = title == "Four models"
          $0.evaluation = ExampleRun.evaluation
          $0.samples = ExampleRun.samples
        }))
    #expect(page.failure == nil)
    for words in [
      title, "Response after (\(name))", "prefers the response after \(name) to",
      "then \(name) 1.91", "the policy got better".sentenceCased,
      "The models of \(name)",
    ] {
      #expect(page.text.contains(words), "\(words)")
    }
    #expect(page.text.contains("Value model") == (title == "Four models"))
    #expect(page.text.contains("Reward model") == (algorithm != "dpo"))
    #expect(page.text.contains("PPO") == (name == "PPO"))
  }

  @Test("explains every final figure and every number of a token, and says what is a bad sign")
  func glossary() {
    let page = ParsedPage(
      Report.page(
        of: records {
          $0.evaluation = ExampleRun.evaluation
          $0.evaluation?.exact = ExampleRun.exact
          $0.rollouts = ExampleRun.rollouts
        }))
    // Keys between backticks become elements of their own.
    func letters(_ text: String) -> String { text.filter { !$0.isWhitespace && $0 != "`" } }
    let text = letters(page.text)
    for entry in MetricGlossary.figures + MetricGlossary.rewardModel
      + MetricGlossary.exactOptimum + MetricGlossary.tokens
    {
      #expect(
        text.contains(letters("\(entry.meaning); bad sign: \(entry.badSign).")),
        "\(entry.names)")
    }
  }

  @Test("has an entry for every heading of a final figure, also beside other runs")
  func headings() throws {
    let records = records {
      $0.evaluation = ExampleRun.evaluation
      $0.evaluation?.exact = ExampleRun.exact
    }
    let pages = [
      Report.page(of: records),
      ComparisonReport.page(of: [ComparedRun(name: "a", records: records)]),
    ]
    let part = #"(?:<span class="unit">[^<]*</span>)?"#
    let patterns = [
      #"<dt>([^<]+)</dt>\s*<dd>"#, #"<h3>([^<]+)\#(part)</h3>\s*<p class="figure">"#,
      #"<th scope="row">([^<]+)\#(part)</th>\s*<td class="number"[^>]*>"#,
    ]
    var headings: [String] = []
    for page in pages {
      let main = try #require(page.firstRange(of: "<main>"))
      for pattern in patterns {
        let regex = try Regex(pattern, as: (Substring, Substring).self)
        let end = page.firstRange(of: "</main>")?.lowerBound ?? page.endIndex
        headings += page[main.upperBound..<end].matches(of: regex).map { String($0.1).lowercased() }
      }
    }
    for heading in ["gap", "gold reward", "win rate against sft", "kl", "rewards for the longer"] {
      #expect(headings.contains(heading), "\(heading)")
    }
    #expect(headings.count >= 6 + 9 + 7)
    let entries =
      MetricGlossary.figures + MetricGlossary.rewardModel + MetricGlossary.exactOptimum
    let names = entries.flatMap(\.names).map { $0.lowercased() }
    #expect(Set(headings).subtracting(names) == [])
    #expect(Set(names).count == names.count)
  }
}
