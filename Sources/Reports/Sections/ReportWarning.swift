import RunRecords
import Statistics

/// Something in the records that a careful reader would stop at, shown where it happened.
enum ReportWarning {
  /// Boxes above the charts of a stage: what was noted while it ran, then what its metrics show.
  static func markup(_ stages: [String], _ found: [String], _ records: ReportRecords) -> [Markup] {
    let noted = (records.information.notes ?? []).filter { note in
      note.stage.map(stages.contains) ?? stages.isEmpty
    }.map(\.text)
    return (noted + found).map { text in
      element("p", ["class": "warning", "role": "note"]) {
        element("b") { "Look here: " }
        passages(text)
      }
    }
  }

  /// Text in which keys stand between backticks.
  static func passages(_ text: String) -> [Markup] {
    let parts = text.split(separator: "`", omittingEmptySubsequences: false)
    guard parts.count % 2 == 1 else { return [.text(text)] }
    return parts.enumerated().map { index, part in
      index % 2 == 0 ? .text(String(part)) : element("code") { String(part) }
    }
  }

  /// What PPO was warned of while it ran, then what its metrics show besides.
  static func policyOptimization(_ table: MetricsTable, _ records: ReportRecords) -> [String] {
    let recorded = records.information.warnings ?? []
    return recorded.map(\.text) + policyOptimization(table, besides: Set(recorded.map(\.kind)))
  }

  /// What PPO's metrics warn of: a bound that was crossed, and what only the whole curve shows.
  ///
  /// - Parameter kinds: the kinds of warning that are shown already.
  static func policyOptimization(
    _ table: MetricsTable, besides kinds: Set<Metric.Warning> = []
  ) -> [String] {
    let new = Metric.policyOptimization.filter { metric in
      metric.warning.map { !kinds.contains($0) } ?? true
    }
    return [overOptimization(table)].compactMap(\.self)
      + new.compactMap { crossing(of: $0, in: table) ?? ending(of: $0, in: table) }
      + (kinds.contains(.missingEOS) ? [] : [fewerEnds(table)])
      .compactMap(\.self)
  }

  /// Gold clearly lower at the end than at its best, while the score is not.
  private static func overOptimization(_ table: MetricsTable) -> String? {
    let gold = smoothed(table[Metric.gold.name])
    let score = smoothed(table[Metric.score.name])
    guard gold.count == score.count, let best = gold.indices.max(by: { gold[$0] < gold[$1] }),
      let first = gold.first, let last = gold.last, let lastScore = score.last
    else { return nil }
    let lost = gold[best] - last
    let drawn = zip(table.steps, table[Metric.gold.name] ?? [])
    let peak = Trend(drawn.map { LineChart.Point(x: Double($0), y: $1) })?.peak
    guard lost > 0.15 * (gold[best] - first), lost > 0.05, lastScore >= score[best] else {
      return nil
    }
    return
      "from iteration \(NumberText.fixed(peak?.x ?? Double(table.steps[best]), 0)) on gold fell while the score did not: the policy lives on the reward model’s mistakes."
  }

  private static func fewerEnds(_ table: MetricsTable) -> String? {
    let values = smoothed(table[Metric.eosFraction.name])
    guard let first = values.first, let last = values.last, last < first - 0.1 else { return nil }
    return "only \(NumberText.percent(last)) of the responses end with EOS at the end, after "
      + "\(NumberText.percent(first)) at the beginning."
  }

  /// `clip fraction was above 0.3 (first in iteration 7, 3 times, at most 0.4): …`; nil when never.
  private static func crossing(of metric: Metric, in table: MetricsTable) -> String? {
    guard let bound = metric.bound, let values = table[metric.name] else { return nil }
    let first = values.compactMap(\.self).first
    let crossed = table.steps.indices.filter { row in
      metric.isCrossed(first: first) { table[$0.name]?[row] }
    }
    guard let begin = crossed.first else { return nil }
    let bad = crossed.compactMap { values[$0] }
    let times = bad.count == 1 ? "once" : "\(bad.count) times"
    let most =
      bound.isUpper ? "at most \(short(bad.max()))" : "at least \(short(bad.min()))"
    return "\(metric.title) was \(bound) (first in iteration \(table.steps[begin]), \(times), "
      + "\(most)): \(metric.concern)."
  }

  /// A bound that is crossed at the end.
  private static func ending(of metric: Metric, in table: MetricsTable) -> String? {
    let values = smoothed(table[metric.name])
    guard let bound = metric.bound, bound.scale == .atEnd, values.count >= 8,
      let last = values.last,
      bound.isCrossed(by: last)
    else { return nil }
    return "\(metric.title) is \(bound) (\(NumberText.fixed(last, 2))): \(metric.concern)."
  }

  private static func short(_ value: Double?) -> String { value.map(NumberText.short) ?? "–" }

  /// Means of five values, so that one iteration’s luck is no warning; empty where any is missing.
  private static func smoothed(_ values: [Double?]?) -> [Double] {
    let present = (values ?? []).compactMap(\.self)
    guard present.count == values?.count else { return [] }
    return present.movingMeans()
  }
}
