import Foundation
import RunRecords

/// Everything a report is made of, read from a run directory once. What a run did not record is
/// absent; what it recorded wrongly is an error.
struct ReportRecords {
  var information: RunInformation
  var evaluation: EvaluationSummary?
  var samples: [SampleComparison] = []
  /// Held-out pairs as the annotators judged them.
  var judgements: [JudgedPair] = []
  /// Responses of the policy while it was optimized, token by token.
  var rollouts: [RolloutRecord] = []
  var supervisedTuning: MetricsTable?
  var rewardModel: MetricsTable?
  var policyOptimization: MetricsTable?
  var directPreference: MetricsTable?
  /// The resolved scenario as YAML.
  var scenario: String?

  init(information: RunInformation) {
    self.information = information
  }

  /// - Throws: what reading run.json or any record that exists throws.
  init(reading run: RunDirectory) throws(RunRecordsError) {
    information = try RunInformation.read(from: run)
    if Self.exists(run.evaluation) { evaluation = try EvaluationSummary.read(from: run) }
    if Self.exists(run.sampleComparisons) { samples = try SampleComparison.read(from: run) }
    if Self.exists(run.rollouts) { rollouts = try RolloutRecord.read(from: run) }
    judgements = try JudgedPair.read(.eval, from: run)
    supervisedTuning = try Self.table(.sft, in: run)
    rewardModel = try Self.table(.reward, in: run)
    policyOptimization = try Self.table(.ppo, in: run)
    directPreference = try Self.table(.dpo, in: run)
    if Self.exists(run.scenario) {
      scenario = String(decoding: try AtomicFile.read(run.scenario), as: UTF8.self)
    }
  }

  /// What the policy was tuned by, as people call it.
  var method: String {
    information.method
      ?? ScenarioText.value(of: ["ppo", "algorithm"], in: scenario ?? "") ?? "optimization"
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
    guard exists(run.metrics(stage)) else { return nil }
    let table = try MetricsTable(stage: stage, in: run)
    return table.steps.isEmpty ? nil : table
  }

  private static func exists(_ url: URL) -> Bool {
    FileManager.default.fileExists(atPath: url.path)
  }
}

extension MetricsTable {
  /// A column as a line over steps, or `nil` if it was never recorded.
  func series(_ column: String, named name: String) -> LineChart.Series? {
    guard let values = self[column] else { return nil }
    return LineChart.Series(
      name: name, points: zip(steps, values).map { LineChart.Point(x: Double($0), y: $1) })
  }

  /// Several columns, those that were recorded.
  func series(_ columns: KeyValuePairs<String, String>) -> [LineChart.Series] {
    columns.compactMap { series($0.key, named: $0.value) }
  }
}
