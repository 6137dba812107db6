import RunRecords
import Statistics

extension ReportSection {
  /// Everything recorded that the story did not show, so that nothing is hidden.
  @Sendable static func otherMetrics(_ records: ReportRecords) -> ReportSection? {
    let figures = records.tables.flatMap { name, table in
      table.names.filter { Metric.named($0)?.chart == nil }.compactMap { column in
        LineChart(
          title: column, unit: Metric.named(column)?.unit ?? name,
          series: [table.series(column, named: column)].compactMap(\.self)
        ).figure()
      }
    }
    guard !figures.isEmpty else { return nil }
    return ReportSection(id: "metrics", title: "Other recorded metrics") {
      element("details") {
        element("summary") { "\(figures.count) more \(figures.count == 1 ? "chart" : "charts")" }
        element("div", ["class": "charts"]) { figures }
      }
    }
  }

  /// Every setting.
  @Sendable static func scenario(_ records: ReportRecords) -> ReportSection? {
    guard let scenario = records.scenario else { return nil }
    return ReportSection(id: "scenario", title: "Settings") {
      element("details") {
        element("summary") { "The scenario as resolved, with every default written out" }
        element("pre") { element("code") { scenario } }
      }
    }
  }

  /// What each number means, and what is a bad sign.
  @Sendable static func glossary(_ records: ReportRecords) -> ReportSection? {
    let names = Set(records.tables.flatMap(\.table.names))
    let evaluation = records.evaluation
    let parts = [
      ("Final figures", evaluation == nil ? [] : MetricGlossary.figures),
      ("The reward model", evaluation?.reward == nil ? [] : MetricGlossary.rewardModel),
      ("The exact optimum", evaluation?.exact == nil ? [] : MetricGlossary.exactOptimum),
      ("Tokens", records.rollouts.isEmpty ? [] : MetricGlossary.tokens),
      ("Metrics", Metric.all.filter { names.contains($0.name) }.map(MetricGlossary.Entry.init)),
    ].filter { !$0.1.isEmpty }
    guard !parts.isEmpty else { return nil }
    return ReportSection(id: "glossary", title: "Glossary") {
      for (title, entries) in parts {
        element("h3", ["class": "part"]) { title }
        MetricGlossary.list(entries)
      }
    }
  }
}
