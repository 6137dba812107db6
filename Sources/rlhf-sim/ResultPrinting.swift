import Foundation
import RunRecords

/// Prints the final figures of a run on standard output.
func print(
  result summary: EvaluationSummary, of directory: RunDirectory, seconds: Double,
  _ options: LoopOptions
) throws {
  if options.json {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    Swift.print(String(decoding: try encoder.encode(summary), as: UTF8.self))
    return
  }
  func number(_ value: Double?, _ digits: Int = 2) -> String {
    value.map { String(format: "%.\(digits)f", $0) } ?? "–"
  }
  var table = TextTable(columns: [
    ("", .leading), ("before (SFT)", .trailing), ("after (PPO)", .trailing),
  ])
  func row(_ name: String, _ value: (EvaluationSummary.Policy) -> String) {
    table.append([name, summary.sft.map(value) ?? "–", summary.ppo.map(value) ?? "–"])
  }
  row("gold reward (mean ± sd)") { "\(number($0.gold?.mean)) ± \(number($0.gold?.sd))" }
  row("score of the reward model") { number($0.score?.mean) }
  row("exact KL from SFT (nats)") { number($0.klExact?.mean) }
  row("grammatical") { number($0.grammaticalFraction.map { $0 * 100 }, 1) + " %" }
  row("tokens a response") { number($0.length?.mean, 1) }
  Swift.print(table.rendered())
  if let wins = summary.winRate {
    Swift.print(
      "PPO beats SFT in gold on \(number(wins.value * 100, 1)) % of prompts "
        + "(\(number(wins.low * 100, 1))–\(number(wins.high * 100, 1)), n = \(wins.n)).")
  }
  if let reward = summary.reward, let accuracy = reward.accuracy {
    Swift.print(
      "Reward model: \(number(accuracy.value, 3)) of held-out pairs ranked as judged "
        + "(\(number(accuracy.low, 3))–\(number(accuracy.high, 3)), n = \(accuracy.n)); "
        + "the annotators' noise allows \(number(reward.ceiling, 3)). "
        + "Calibration error \(number(reward.ece, 3)).")
  }
  Swift.print("The loop took \(number(seconds, 1)) s. Report: \(directory.report.path)")
}
