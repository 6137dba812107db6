import Foundation
import RunRecords
import Statistics
import Testing

@testable import Reports

@Suite("A comparison of runs")
struct ComparisonTests {
  private func withRuns(_ count: Int, _ body: ([(String, RunDirectory)], URL) throws -> Void) throws
  {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("rlhf-sim-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    let runs = try (0..<count).map { index in
      let run = try ExampleRun.write(to: url.appendingPathComponent("run-\(index)"))
      try AtomicFile.write("name: x\nppo:\n  kl:\n    beta: 0.\(index)\n", to: run.scenario)
      return ("run-\(index)", run)
    }
    try body(runs, url)
  }

  @Test("has final figures with intervals, curves against KL, and the settings that differ")
  func whole() throws {
    try withRuns(3) { runs, url in
      let file = url.appendingPathComponent("compare.html")
      try ComparisonReport.write(runs, to: file)
      let page = ParsedPage(try String(contentsOf: file, encoding: .utf8))
      #expect(page.failure == nil)
      let sections = page.elements.filter { $0.name == "section" }
      #expect(
        sections.compactMap { $0.attributes["id"] }
          == [
            "verdicts", "proxy", "frontier", "samples", "reward", "ppo", "settings", "figures",
            "glossary",
          ])
      for words in [
        "3 runs", "run-2", "+1.40 ± 0.05", "87.3\u{A0}% [84.2, 89.9]", "Gold against √KL",
        "Score against √KL", "ppo.kl.beta", "beta 0.2", "probe: filler", "−0.62, −0.97",
        "very good & fresh", "better",
      ] {
        #expect(page.text.contains(words), "\(words)")
      }
      #expect(page.values(of: "src").isEmpty)
      // One series a run in each of the charts: gold over score, two over √KL, four over iterations.
      let charts = page.values(of: "data-chart")
      #expect(charts.count == 7)
      #expect(charts.allSatisfy { $0.contains("beta 0.0") && $0.contains("beta 0.2") })
    }
  }

  @Test("says of alerts what each run knew, what its figures show now, and where nobody looked")
  func alerts() {
    func cell(_ change: (inout EvaluationSummary.RewardModel) -> Void) -> String {
      var reward = EvaluationSummary.RewardModel()
      reward.goldAgreement = Proportion(successes: 900, of: 1000)
      change(&reward)
      var records = ReportRecords(information: ExampleRun.information)
      records.evaluation = EvaluationSummary(reward: reward)
      let text = ParsedPage(ComparisonReport.page(of: [ComparedRun(name: "a", records: records)]))
        .text
      return text.firstMatch(of: /of each run\s*(.*?)\s*Means over seeds/).map { String($0.1) }
        ?? ""
    }
    #expect(cell { $0.alerts = [] } == "none")
    #expect(cell { $0.alerts = nil } == "not examined")
    for alerts in [nil, []] as [[RewardAlert]?] {
      let text = cell {
        $0.goldAgreement = Proportion(successes: 500, of: 1000)
        $0.alerts = alerts
      }
      #expect(text == "Unrelated to gold")
    }
  }

  @Test("takes runs that have recorded little")
  func sparse() throws {
    let runs = [
      ComparedRun(name: "a", records: ReportRecords(information: ExampleRun.information)),
      ComparedRun(name: "<b>", records: ReportRecords(information: ExampleRun.information)),
    ]
    let page = ParsedPage(ComparisonReport.page(of: runs))
    #expect(page.failure == nil && page.text.contains("<b>"))
    #expect(page.count("section") == 0)
  }

  @Test("runs that differ in their seed alone are one column, of means and spread")
  func seeds() throws {
    func run(_ name: String, seed: UInt64, beta: Double, gold: Double) -> ComparedRun {
      var records = ReportRecords(information: ExampleRun.information)
      records.information.seed = seed
      records.scenario = "name: x\nppo:\n  kl:\n    beta: \(beta)\n"
      records.evaluation = EvaluationSummary(
        sft: .init(gold: Summary([-1, 0, 1])),
        ppo: .init(gold: Summary([gold - 1, gold, gold + 1])))
      return ComparedRun(name: name, records: records)
    }
    let runs = [
      run("a", seed: 1, beta: 0, gold: 1), run("c", seed: 1, beta: 1, gold: 7),
      run("b", seed: 2, beta: 0, gold: 3),
    ]
    #expect(RunGroup.bySeed(runs).map(\.name) == ["a, 2 seeds", "c"])
    let page = ParsedPage(ComparisonReport.page(of: runs))
    // Mean 2, sd √2 over the seeds; of the single run 1.96 · 1 / √3.
    #expect(page.failure == nil && page.text.contains("+2.00 ± 1.41"))
    #expect(page.text.contains("+7.00 ± 1.13") && page.text.contains("ppo.kl.beta"))
    // The same seed twice is no second seed.
    let twice = [runs[0], run("d", seed: 1, beta: 0, gold: 2)]
    #expect(RunGroup.bySeed(twice).map(\.name) == ["a", "d"])
  }

  @Test("lines of several seeds are means with a band, and many groups are several charts")
  func bands() {
    let runs = [1.0, 3].map {
      ComparedRun(
        name: "\($0)", records: ReportRecords(information: ExampleRun.information))
    }
    let group = RunGroup(name: "g", runs: runs, facet: "f")
    let line = group.line { run in
      let value = Double(run.name) ?? 0
      return [.init(x: 0, y: value), .init(x: value, y: value * value)]
    }
    #expect(line.series.points == [.init(x: 0, y: 2), .init(x: 2, y: 5)])
    #expect(line.band.map(\.low) == [1, 1] && line.band.map(\.high) == [3, 9])
    // Where x is measured as well, it goes back at times, and there is no band.
    let back = group.line(isScattered: true) { _ in [0.0, 2, 1, 3].map { .init(x: $0, y: $0) } }
    #expect(back.series.points.map(\.x) == [0, 2, 1, 3] && back.band.isEmpty)
    let groups = (0..<12).map { RunGroup(name: "\($0)", runs: runs, facet: "\($0 % 3)") }
    #expect(RunGroup.divided(groups).map(\.groups.count) == [4, 4, 4])
    #expect(RunGroup.divided(Array(groups.prefix(8))).map(\.title) == [""])
  }

  @Test("calls groups by the few settings that tell them apart, and worlds by their names")
  func names() {
    func group(_ name: String, _ scenario: String) -> RunGroup {
      var records = ReportRecords(information: ExampleRun.information)
      records.scenario = scenario
      return RunGroup(name: name, runs: [ComparedRun(name: name, records: records)])
    }
    let worlds = [
      group("a", "name: sentiment\nworld:\n  words: [good, bad]\nppo:\n  epochs: 2\n"),
      group("b", "name: goodhart\nworld:\n  words: [other]\n  more: 1\nppo:\n  epochs: 4\n"),
    ]
    #expect(
      SettingsDifference(worlds).rows == [
        .init(key: "world", values: ["sentiment", "goodhart"]),
        .init(key: "ppo.epochs", values: ["2", "4"]),
      ])
    #expect(
      worlds.namedBySettings().map(\.name) == [
        "world sentiment, epochs 2", "world goodhart, epochs 4",
      ])
    // In worlds of one name the keys themselves differ.
    let changed = [
      group("a", "name: x\nworld:\n  words: [good, bad]\n"),
      group("b", "name: x\nworld:\n  words: [bad]\n"),
    ]
    #expect(
      SettingsDifference(changed).rows == [
        .init(key: "world.words", values: ["[good, bad]", "[bad]"])
      ])
    // Too many to be a name.
    let many = [group("a", "a: 1\nb: 1\nc: 1\nd: 1\n"), group("b", "a: 2\nb: 2\nc: 2\nd: 2\n")]
    #expect(many.namedBySettings().map(\.name) == ["a", "b"])
  }

  @Test("tells eight lines apart, each by a style of its own")
  func styles() {
    #expect(Set((0..<RunGroup.mostInChart).map(LineChart.style)).count == 8)
    for style in 1...8 {
      #expect(
        ReportStyle.css.contains(".line.s\(style)") && ReportStyle.css.contains(".mark.s\(style)"))
    }
  }
}
