import Foundation
import Preferences
import RunRecords
import Settings
import Statistics

/// Everything a report is made of, read from a run directory once. What a run did not record is
/// absent; what it recorded wrongly is an error.
struct ReportRecords {
  var information: RunInformation
  var evaluation: EvaluationSummary?
  var samples: [SampleComparison] = []
  /// Held-out pairs as the annotators judged them.
  var judgements: [Comparison] = []
  /// Responses of the policy while it was optimized, token by token.
  var rollouts: [RolloutRecord] = []
  /// The same prompts, answered from iteration to iteration.
  var fixedPrompts: [FixedPromptRecord] = []
  var supervisedTuning: MetricsTable?
  var rewardModel: MetricsTable?
  var policyOptimization: MetricsTable?
  var directPreference: MetricsTable?
  /// The resolved scenario as YAML.
  var scenario: String? { didSet { readSettings() } }
  /// The scenario, read; nil where it is absent or no YAML.
  private(set) var settings: SettingsDocument?

  init(information: RunInformation) {
    self.information = information
  }

  /// - Throws: what reading run.json or any record that exists throws.
  init(reading run: RunDirectory) throws {
    information = try RunInformation.read(from: run)
    if AtomicFile.exists(run.evaluation) { evaluation = try EvaluationSummary.read(from: run) }
    if AtomicFile.exists(run.sampleComparisons) { samples = try SampleComparison.read(from: run) }
    if AtomicFile.exists(run.rollouts) { rollouts = try RolloutRecord.read(from: run) }
    if AtomicFile.exists(run.fixedPrompts) { fixedPrompts = try FixedPromptRecord.read(from: run) }
    if run.has(.eval) {
      try PreferenceSource(run.preferences(.eval)).forEachRow { row in
        if case .comparison(let pair) = row { judgements.append(pair) }
      }
    }
    supervisedTuning = try Self.table(.sft, in: run)
    rewardModel = try Self.table(.reward, in: run)
    policyOptimization = try Self.table(.ppo, in: run)
    directPreference = try Self.table(.dpo, in: run)
    if AtomicFile.exists(run.scenario) {
      scenario = String(decoding: try AtomicFile.read(run.scenario), as: UTF8.self)
      readSettings()
    }
  }

  /// As much as a comparison of many runs needs.
  ///
  /// - Throws: what reading run.json or any record that exists throws.
  init(readingFiguresOf run: RunDirectory) throws {
    information = try RunInformation.read(from: run)
    if AtomicFile.exists(run.evaluation) { evaluation = try EvaluationSummary.read(from: run) }
    if AtomicFile.exists(run.sampleComparisons) { samples = try SampleComparison.read(from: run) }
    policyOptimization = try Self.table(.ppo, in: run)
    if AtomicFile.exists(run.scenario) {
      scenario = String(decoding: try AtomicFile.read(run.scenario), as: UTF8.self)
      readSettings()
    }
  }

  /// What the policy was tuned by, as people call it.
  var method: String {
    information.method
      ?? settings?.text(at: "ppo.algorithm") ?? "optimization"
  }

  /// Who gave the score: `reward model`, or another name.
  var judge: String {
    let name = evaluation?.judgeName ?? "the reward model"
    return name.hasPrefix("the ") ? String(name.dropFirst(4)) : name
  }

  /// The sources of PPO’s reward, where those are gold alone and the judge only looks on: `gold`,
  /// `verifier`.
  var rewardWithoutJudge: String? {
    let several = (settings?.root.leaves() ?? []).filter {
      $0.path.hasPrefix("ppo.reward.sources.") && $0.path.hasSuffix(".source")
    }.map(\.value)
    let names = several.isEmpty ? [settings?.text(at: "ppo.reward.source") ?? "model"] : several
    let isGold = names.allSatisfy { ["gold", "verifier"].contains($0) }
    return isGold ? names.joined(separator: " and ") : nil
  }

  /// What the score of PPO’s iterations is.
  var scoreOfIterations: String { rewardWithoutJudge == nil ? judge : "PPO’s reward" }

  private mutating func readSettings() {
    settings = scenario.flatMap { try? SettingsDocument(yaml: $0, file: "scenario.yaml") }
  }

  /// The stages with metrics, in the order they run, with the names they are shown by.
  var tables: [(name: String, table: MetricsTable)] {
    let all = [
      ("SFT", supervisedTuning), ("Reward model", rewardModel), ("PPO", policyOptimization),
      ("DPO", directPreference),
    ]
    return all.compactMap { name, table in table.map { (name, $0) } }
  }

  private static func table(
    _ stage: RunStage, in run: RunDirectory
  ) throws(RunRecordsError) -> MetricsTable? {
    guard AtomicFile.exists(run.metrics(stage)) else { return nil }
    let table = try MetricsTable(stage: stage, in: run)
    return table.steps.isEmpty ? nil : table
  }

}

extension MetricsTable {
  /// A column as a line over steps, or `nil` if it was never recorded.
  func series(_ column: String, named name: String) -> LineChart.Series? {
    guard let values = self[column] else { return nil }
    return LineChart.Series(
      name: name, points: zip(steps, values).map { LineChart.Point(x: Double($0), y: $1) })
  }

  /// The charts of some metrics in the order of their declarations, as far as they were recorded.
  func charts(of metrics: [Metric], over axis: String = "step") -> [LineChart] {
    var charts: [LineChart] = []
    for metric in metrics {
      guard let chart = metric.chart, let line = series(metric.name, named: metric.title) else {
        continue
      }
      let index = charts.firstIndex { $0.title == chart.title } ?? charts.count
      if index == charts.count {
        charts.append(
          LineChart(
            title: chart.title, unit: metric.unit, horizontalTitle: axis, series: [],
            references: chart.levels.map { .init(name: $0.name, value: $0.value) },
            includes: chart.includes, note: chart.note))
      }
      charts[index].series.append(line)
      if !charts[index].unit.contains(metric.unit) { charts[index].unit += "; \(metric.unit)" }
      if let bound = metric.bound {
        charts[index].note += " Bad sign: \(metric.title) \(bound)."
      }
    }
    for index in charts.indices { charts[index].takeFromTrend() }
    return charts
  }
}

extension LineChart {
  /// The takeaway of a chart of metrics: what its held-out line did, or else its first one.
  mutating func takeFromTrend() {
    guard let line = series.first(where: { $0.name.hasPrefix("held-out") }) ?? series.first,
      let trend = Trend(line.points)
    else { return }
    takeaway = "\(line.name) \(trend.words())".sentenceCased
  }
}

extension [LineChart] {
  /// Changes the chart that shows a metric, if it is among them.
  mutating func change(chartOf metric: Metric, _ body: (inout LineChart) -> Void) {
    guard let index = firstIndex(where: { $0.title == metric.chart?.title }) else { return }
    body(&self[index])
  }
}
