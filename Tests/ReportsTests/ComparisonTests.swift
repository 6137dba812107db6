import Foundation
import RunRecords
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
          == ["figures", "frontier", "ppo", "settings", "glossary"])
      for words in [
        "3 runs", "run-2", "1.91 ± 0.07", "87.3\u{A0}% [84.2, 89.9]", "Gold against √KL",
        "Score against √KL", "ppo.kl.beta",
      ] {
        #expect(page.text.contains(words), "\(words)")
      }
      #expect(page.values(of: "src").isEmpty)
      // One series a run in each of the six charts.
      let charts = page.values(of: "data-chart")
      #expect(charts.count == 6)
      #expect(charts.allSatisfy { $0.contains("run-0") && $0.contains("run-2") })
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

  @Test("tells eight lines apart, each by a style of its own")
  func styles() {
    #expect(Set((0..<ComparisonReport.mostRuns).map(LineChart.style)).count == 8)
    for style in 1...8 {
      #expect(
        ReportStyle.css.contains(".line.s\(style)") && ReportStyle.css.contains(".mark.s\(style)"))
    }
  }
}
