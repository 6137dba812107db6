import Foundation
import RunRecords
import Statistics
import Testing

@testable import Reports

@Suite("Of an ensemble, a report")
struct EnsembleFigureTests {
  private func table(_ stage: RunStage, _ rows: [[String: Double]]) throws -> MetricsTable {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("rlhf-sim-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    let run = try RunDirectory.create(at: url, force: false)
    let writer = try MetricsWriter(stage: stage, in: run)
    for (index, row) in rows.enumerated() { try writer.write(step: index + 1, seconds: 0, row) }
    return try MetricsTable(stage: stage, in: run)
  }

  @Test("draws every member from its own first step, their mean and the band of their spread")
  func members() throws {
    // Three members of four steps, evaluated at every second one.
    let rows = (0..<12).map { step -> [String: Double] in
      let member = Double(step / 4)
      var row = ["reward/member": member, "reward/loss": 0.5]
      if step % 2 == 1 { row["eval/accuracy"] = 0.6 + 0.05 * member + 0.01 * Double(step % 4) }
      return row
    }
    let chart = try #require(
      ReportSection.memberChart(.heldOutAccuracy, in: try table(.reward, rows)))
    #expect(chart.series.map(\.name) == ["mean", "member 1", "member 2", "member 3"])
    for series in chart.series { #expect(series.points.map(\.x) == [2, 4]) }
    #expect(abs((chart.series[0].points[1].y ?? 0) - 0.68) < 1e-12)
    #expect(abs(chart.bands[0].points[0].low - 0.61) < 1e-12)
    #expect(abs(chart.bands[0].points[0].high - 0.71) < 1e-12)
    #expect(chart.takeaway == "The 3 members end between 0.63 and 0.73")
    // A single model has no members.
    #expect(
      ReportSection.memberChart(.heldOutAccuracy, in: try table(.reward, [["eval/accuracy": 1]]))
        == nil)
  }

  @Test("draws their disagreement over the distance and over what the score overstates")
  func disagreement() throws {
    var records = ReportRecords(information: ExampleRun.information)
    let one = Summary([-1, 0, 1])
    records.evaluation = EvaluationSummary(
      sft: .init(gold: one, score: one), ppo: .init(gold: one, score: one))
    records.policyOptimization = try table(
      .ppo,
      (0..<9).map { step in
        let distance = Double(step)
        return [
          "objective/kl_exact": distance * distance, "objective/disagreement": 0.1 + distance / 10,
          "objective/score": distance, "objective/gold": -distance,
        ]
      })
    let text = ReportSection.ensembleFigures(records).map(\.rendered)
    try #require(text.count == 2)
    #expect(text[0].contains("disagree more farther from the SFT policy: correlation 1.00"))
    #expect(text[1].contains("disagree more where the score overstates gold: correlation 1.00"))
    #expect(!text[0].contains("prefer the same"))
    records.evaluation?.sft?.memberAgreement = 0.89
    records.evaluation?.ppo?.memberAgreement = 0.45
    let note = try #require(ReportSection.ensembleFigures(records).first).rendered
    #expect(note.contains("prefer the same in 89.0\u{A0}% of cases if both are the SFT policy’s"))
    #expect(note.contains("and in 45.0\u{A0}% if both are the optimized policy’s"))
    // The last gap is 8 + 8.
    #expect(text[1].contains("16") && text[1].contains("score − gold, sd of the SFT policy"))
    records.policyOptimization = try table(.ppo, [["objective/kl_exact": 1]])
    #expect(ReportSection.ensembleFigures(records).isEmpty)
  }
}
