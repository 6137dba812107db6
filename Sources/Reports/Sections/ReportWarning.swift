import RunRecords

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
  private static func passages(_ text: String) -> [Markup] {
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

  /// What PPO's metrics warn of.
  ///
  /// - Parameter kinds: the kinds of warning that are shown already.
  static func policyOptimization(
    _ table: MetricsTable, besides kinds: Set<String> = []
  ) -> [String] {
    let found: [(kind: String?, text: String?)] = [
      (nil, overOptimization(table)),
      (
        "rising-kl",
        limit(table, "objective/kl_exact", above: 10).map {
          "the policy has gone more than 10 nats from the reference (\($0)); few of its answers "
            + "are ones that the reference would give."
        }
      ),
      (
        "frequent-clipping",
        limit(table, "policy/clip_fraction", above: 0.3).map {
          "more than 0.3 of the tokens left the clip range (\($0)); the steps are too long."
        }
      ),
      (
        nil,
        limit(table, "policy/approximate_kl", above: 0.05).map {
          "an update moved the policy by more than 0.05 nats a token (\($0)); the steps are too "
            + "long."
        }
      ),
      (
        "extreme-ratios",
        limit(table, "policy/ratio_max", above: 10).map {
          "a token became more than 10 times as likely in one update (\($0))."
        }
      ),
      (nil, mislead(table)), ("missing-ends", unended(table)),
    ]
    return found.compactMap { kind, text in kind.map(kinds.contains) == true ? nil : text }
  }

  /// What the reward model's metrics and its evaluation warn of.
  static func rewardModel(
    _ table: MetricsTable?, _ evaluation: EvaluationSummary.RewardModel?
  ) -> [String] {
    var warnings: [String] = []
    let losses = (table?["eval/loss"] ?? []).compactMap(\.self)
    if let last = losses.last, let least = losses.min(), last > least * 1.05 {
      warnings.append(
        "held-out loss rose again from \(NumberText.fixed(least, 3)) to "
          + "\(NumberText.fixed(last, 3)): the model began to learn pairs by heart.")
    }
    if let accuracy = evaluation?.accuracy, let ceiling = evaluation?.ceiling,
      accuracy.low > ceiling
    {
      warnings.append(
        "held-out accuracy is above what the annotators’ noise allows; are training pairs among "
          + "the held-out ones?")
    }
    if let accuracy = evaluation?.accuracy, accuracy.low <= 0.5 {
      warnings.append("held-out accuracy cannot be told from a coin’s.")
    }
    if let gap = evaluation?.trainingGap, gap > 0.1 {
      warnings.append(
        "training accuracy is \(NumberText.fixed(gap * 100, 1)) points above held-out accuracy: "
          + "much of what was learned is noise.")
    }
    if let error = evaluation?.ece, error > 0.05 {
      warnings.append(
        "stated preference probabilities miss the observed ones by \(NumberText.fixed(error, 3)) "
          + "on average.")
    }
    return warnings
  }

  /// Gold clearly lower at the end than at its best, while the score is not.
  private static func overOptimization(_ table: MetricsTable) -> String? {
    let gold = smoothed(table["objective/gold"])
    let score = smoothed(table["objective/score"])
    guard gold.count == score.count, let best = gold.indices.max(by: { gold[$0] < gold[$1] }),
      let first = gold.first, let last = gold.last, let lastScore = score.last
    else { return nil }
    let lost = gold[best] - last
    guard lost > 0.15 * (gold[best] - first), lost > 0.05, lastScore >= score[best] else {
      return nil
    }
    return "from iteration \(table.steps[best]) on gold fell by \(NumberText.fixed(lost, 2)) while "
      + "the score did not: the policy lives on the reward model’s mistakes."
  }

  private static func mislead(_ table: MetricsTable) -> String? {
    let values = smoothed(table["value/explained_variance"])
    guard values.count >= 8, let last = values.last, last < 0 else { return nil }
    return "the value model explains less than nothing of the returns at the end "
      + "(\(NumberText.fixed(last, 2))); advantages are noisier with it than without."
  }

  private static func unended(_ table: MetricsTable) -> String? {
    let values = smoothed(table["response/eos_fraction"])
    guard let first = values.first, let last = values.last, last < first - 0.1 else { return nil }
    return "only \(NumberText.percent(last)) of the responses end by themselves at the end, after "
      + "\(NumberText.percent(first)) at the beginning."
  }

  /// `first in iteration 7, 3 times, at most 12.1`; `nil` when never above.
  private static func limit(
    _ table: MetricsTable, _ column: String, above limit: Double
  ) -> String? {
    guard let values = table[column] else { return nil }
    let above = zip(table.steps, values).compactMap { step, value in
      value.flatMap { $0 > limit ? (step: step, value: $0) : nil }
    }
    guard let first = above.first, let most = above.map(\.value).max() else { return nil }
    let times = above.count == 1 ? "once" : "\(above.count) times"
    return "first in iteration \(first.step), \(times), at most \(NumberText.short(most))"
  }

  /// Means of five values, so that one iteration’s luck is no warning; empty where any is missing.
  private static func smoothed(_ values: [Double?]?) -> [Double] {
    let present = (values ?? []).compactMap(\.self)
    guard present.count == values?.count else { return [] }
    return present.indices.map { index in
      let near = present[max(0, index - 2)...min(present.count - 1, index + 2)]
      return near.reduce(0, +) / Double(near.count)
    }
  }
}
