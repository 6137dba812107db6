import RunRecords
import Statistics

extension ReportSection {
  /// The language model learns from examples.
  @Sendable static func supervisedTuning(_ records: ReportRecords) -> ReportSection? {
    guard let table = records.supervisedTuning else { return nil }
    var lines = table.charts(of: Metric.supervisedTuning)
    lines.change(chartOf: .tuningLoss) { $0.note += phases(records.information) }
    guard let content = charts(lines) else { return nil }
    return ReportSection(id: "sft", title: "Supervised tuning") {
      ReportWarning.markup(["pretraining", "fine-tuning"], [], records)
      folded(lines.first { !$0.takeaway.isEmpty }?.takeaway ?? "Curves") { content }
    }
  }

  /// Why there is a step in the curve.
  private static func phases(_ run: RunInformation) -> String {
    let stages = run.stageSeconds.map(\.stage)
    guard stages.contains("pretraining"), stages.contains("fine-tuning") else { return "" }
    return " The step in it is where pretraining ends and fine-tuning, on responses alone, begins."
  }

  /// The policy is tuned against the reward model.
  @Sendable static func policyOptimization(_ records: ReportRecords) -> ReportSection? {
    guard let table = records.policyOptimization else { return nil }
    // Score and gold are at the top of the page.
    var lines = table.charts(of: Metric.policyOptimization, over: "iteration")
    lines.removeAll { $0.title == Metric.scoreInSD.chart?.title }
    // An ensemble's disagreement is drawn with the reward model.
    lines.removeAll { $0.title == Metric.disagreement.chart?.title }
    // β as a chart when it moved, as a sentence when it did not.
    let coefficients = (table[Metric.klCoefficient.name] ?? []).compactMap(\.self)
    if let first = coefficients.first, coefficients.allSatisfy({ $0 == first }) {
      lines.removeAll { $0.title == Metric.klCoefficient.chart?.title }
      lines.change(chartOf: .exactKL) { $0.note += " β was \(NumberText.short(first)) throughout." }
    }
    let content = charts(Array(lines.prefix(2)))
    let more = Array(lines.dropFirst(2))
    let warnings = ReportWarning.markup(
      ["PPO"], ReportWarning.policyOptimization(table, records), records)
    guard content != nil || !warnings.isEmpty else { return nil }
    return ReportSection(id: "ppo", title: "Policy optimization") {
      warnings
      element("p") {
        "An iteration’s figures are of its responses, which were sampled before its update."
      }
      content
      charts(more).map { charts in folded("\(more.count) more curves") { charts } }
    }
  }

  /// The policy is tuned on comparisons, without a reward model.
  @Sendable static func directPreference(_ records: ReportRecords) -> ReportSection? {
    guard
      let content = records.directPreference.flatMap({
        charts($0.charts(of: Metric.directPreference))
      })
    else { return nil }
    return ReportSection(id: "dpo", title: "Direct preference optimization") {
      ReportWarning.markup(["DPO"], [], records)
      content
    }
  }
}
