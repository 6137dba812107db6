package import Formats
import Foundation
import LanguageModels
import Preferences
import RLHF
package import RunRecords
import Statistics

/// `--strict` stopped a run before PPO.
package struct AlertedRewardModel: EndingError, CustomStringConvertible {
  package let alerts: [RewardAlert]
  package let directory: RunDirectory

  package var exitStatus: ExitStatus { .strict }

  package var description: String {
    // Their texts were said when the reward model was examined.
    let titles = alerts.map(\.rule.title).joined(separator: "; ")
    return "stopped before PPO by --strict. The reward model: \(titles). To go on all the same: "
      + "rlhf-sim resume \(directory.url.path)"
  }
}

extension AlignmentLoop {
  /// Adds the alerts of a reward model to its figures.
  ///
  /// - Parameter directory: of the run that trained it, for its rows and the losses on the way; they
  ///   need not be there.
  package func addAlerts(
    to report: inout EvaluationSummary.RewardModel, in directory: RunDirectory
  ) throws {
    var lowest: Double?
    // Rows of several rounds are different pairs, whose losses say nothing of each other.
    if scenario.preferences.rounds == 1, AtomicFile.exists(directory.metrics(.reward)) {
      let losses = try MetricsTable(stage: .reward, in: directory)[Metric.heldOutLoss.name] ?? []
      lowest = losses.compactMap(\.self).min()
    }
    var epochs = scenario.reward.epochs
    if let steps = scenario.reward.steps, directory.has(.train) {
      var rows = 0
      try PreferenceSource(directory.preferences(.train)).forEachRow { _ in rows += 1 }
      rows = max(1, min(rows, scenario.reward.pairsUsed ?? .max))
      epochs = (steps * scenario.reward.batchSize + rows - 1) / rows
    }
    report.alerts = RewardAlert.raised(by: report, epochs: epochs, lowestLoss: lowest)
  }

  /// The figures of a reward model that was trained elsewhere, on comparisons of this world's
  /// annotators, which are saved; nil where there is no world.
  func examine(
    _ reward: RewardModel, of policy: LanguageModel, in directory: RunDirectory
  ) throws -> EvaluationSummary.RewardModel? {
    guard promptSource == .world else { return nil }
    if !directory.has(.eval) {
      let comparisons: [Comparison]
      do { comparisons = try heldOutPreferences(of: policy) } catch let error as LoopError {
        observer.note("the reward model is not examined: \(error)")
        return nil
      }
      try PreferenceFile.write(
        comparisons: comparisons, labels: [PreferenceRow](), to: directory.preferences(.eval))
    }
    var report = try report(
      of: reward, onHeldOutRowsOf: directory.preferences(.eval), trainedOnRowsOf: nil)
    try addAlerts(to: &report, in: directory)
    return report
  }
}

extension LoopRun {
  /// Saves the figures so far and stops a strict run whose reward model has alerts.
  func stop(ifAlerted report: EvaluationSummary.RewardModel?) throws {
    guard isStrict, let report, let alerts = report.alerts, !alerts.isEmpty else { return }
    try EvaluationSummary(reward: report).write(to: directory)
    throw AlertedRewardModel(alerts: alerts, directory: directory)
  }
}
