import Foundation
import RunRecords
import Statistics

extension EvaluationSummary {
  /// The figures for people: what is there, and no word of what is not.
  ///
  /// - Parameters:
  ///   - method: what the policy was tuned by; nil where nobody knows.
  ///   - isVerbose: whether a reward model alone is shown with all that is known of it.
  func text(after method: String?, isVerbose: Bool = false) -> String {
    let isRewardAlone = sft == nil && ppo == nil
    return [
      policies(after: method), winRate.map { Self.sentence($0, method) },
      exact.flatMap { Self.sentence($0, method) }, bestOfNText,
      isRewardAlone && isVerbose
        ? reward?.text : isRewardAlone ? reward?.mediumText : reward?.shortText,
    ]
    .compactMap(\.self).joined(separator: "\n")
  }

  /// The verdict in two lines, three where nobody can tell; empty where there is none.
  var verdictText: String {
    guard let verdict else { return "" }
    let judge = judgeName
    let outcome = verdict.outcome(judge)
    return "Verdict: \(verdict.word.rawValue). \(verdict.figures(judge)):\n"
      + TextTable.wrapped(outcome.prefix(1).uppercased() + outcome.dropFirst() + ".")
  }

  private func policies(after method: String?) -> String? {
    let after = method.map { "after (\($0))" } ?? "after"
    let columns = [("before (SFT)", sft), (after, ppo)].compactMap { title, policy in
      policy.map { (title: title, policy: $0) }
    }
    guard !columns.isEmpty else { return nil }
    var table = TextTable(
      columns: [("", .leading)] + columns.map { (title: $0.title, alignment: .trailing) })
    func row(_ name: String, _ value: (Policy) -> String?) {
      let cells = columns.map { value($0.policy) }
      if cells.contains(where: { $0 != nil }) { table.append([name] + cells.map { $0 ?? "–" }) }
    }
    row("gold (sd of SFT), 95 % interval") { Self.interval($0.gold, inSDOf: sft?.gold) }
    row(isScoredByModel ? "reward model's score (sd of SFT)" : "score by ppo.reward (sd of SFT)") {
      Self.interval($0.score, inSDOf: sft?.score)
    }
    row("exact KL from SFT (nats)") { $0.klExact.map { Self.number($0.mean) } }
    row("grammatical") { $0.grammaticalFraction.map(NumberText.plainPercent) }
    row("ended with EOS") { $0.eosFraction.map(NumberText.plainPercent) }
    row("members prefer the same") { $0.memberAgreement.map(NumberText.plainPercent) }
    row("tokens per response") { $0.length.map { Self.number($0.mean, 1) } }
    row("entropy per token (nats)") { $0.entropy.map { Self.number($0.mean) } }
    return table.rendered()
  }

  private static func sentence(_ wins: Proportion, _ method: String?) -> String {
    "\(method ?? "The policy") beats SFT in gold on \(NumberText.plainPercent(wins.value)) of "
      + "\(wins.count) prompts "
      + "(95 %: \(NumberText.plainPercent(wins.low)) to \(NumberText.plainPercent(wins.high))).\n"
  }

  private static func sentence(_ exact: Exact, _ method: String?) -> String? {
    guard let fraction = exact.fraction else { return nil }
    let possible = exact.optimum.objective - exact.reference.objective
    return
      "The best policy of all adds \(number(possible)) to score − β·KL. \(method ?? "This one")'s adds "
      + "\(NumberText.plainPercent(fraction)) of that,\n"
      + "and is \(number(exact.klFromOptimum)) nats from it (exact, over \(exact.responses) "
      + "responses to each of \(exact.prompts) prompts).\n"
  }

  /// What best-of-n reaches, and what it would at the policy's own distance from the reference.
  private var bestOfNText: String? {
    guard let points = bestOfN else { return nil }
    // The best of one is a response of the SFT policy.
    let one = points.first { $0.n == 1 }
    let (score, gold) = (sft?.score ?? one?.score, sft?.gold ?? one?.gold)
    func unit(_ column: String, _ scale: Summary?) -> String {
      column + (scale == nil ? " (raw)" : " (sd of SFT)")
    }
    var table = TextTable(
      columns: [
        "best of", "KL (nats), at most", unit("score", score), unit("gold", gold),
      ].map { ($0, .trailing) })
    for point in points {
      table.append([
        "\(point.n)", Self.number(point.kl),
        Self.interval(point.score, inSDOf: score) ?? "–",
        Self.interval(point.gold, inSDOf: gold) ?? "–",
      ])
    }
    var text = table.rendered()
    guard let ppo, let kl = ppo.klExact?.mean, let own = ppo.score?.mean else { return text }
    guard let equal = bestOfN(atKL: kl) else {
      return text + "The policy is farther from SFT (\(Self.number(kl)) nats) than these.\n"
    }
    let scores = [equal.score, own].map { Self.number(score?.standardized($0) ?? $0) }
    text +=
      "At the policy's own \(Self.number(kl)) nats best-of-n scores \(scores[0]), the policy "
      + scores[1]
    if let equal = equal.gold, let own = ppo.gold?.mean {
      let golds = [equal, own].map { Self.number(gold?.standardized($0) ?? $0) }
      text += ";\ntheir gold is \(golds[0]) and \(golds[1])"
    }
    return text + ".\n"
  }

  private static func number(_ value: Double, _ digits: Int = 2) -> String {
    NumberText.plain(value, digits)
  }

  /// The mean with half of its 95 % interval, in sd of a policy; raw where that has none.
  private static func interval(_ value: Summary?, inSDOf policy: Summary?) -> String? {
    guard let value else { return nil }
    let mean = policy?.standardized(value.mean)
    let half = mean == nil ? 1 : policy?.standardDeviation ?? 1
    return "\(number(mean ?? value.mean)) ± \(number(value.halfInterval / half))"
  }
}

extension EvaluationSummary.RewardModel {
  /// The figures that a run of a whole loop ends with.
  var shortText: String? {
    guard let accuracy else { return labelText }
    var text =
      "Reward model: \(NumberText.plain(accuracy.value, 3)) of \(accuracy.count) held-out pairs "
      + "as judged "
      + "(95 %: \(NumberText.plain(accuracy.low, 3)) to \(NumberText.plain(accuracy.high, 3))).\n"
    if let ceiling { text += "The annotators' noise allows \(NumberText.plain(ceiling, 3)). " }
    if let ece { text += "Calibration error \(NumberText.plain(ece, 3))." }
    // Their texts were said when the reward model was examined.
    let titles = (alerts ?? []).map(\.rule.title).joined(separator: "; ")
    return text + "\n" + (titles.isEmpty ? alertText : TextTable.wrapped("Alerts: \(titles)."))
  }

  /// What a student reads before the model is trusted; fits 80 × 24.
  var mediumText: String? {
    guard let accuracy else { return labelText.map { $0 + alertText } }
    var table = Rows("reward model on \(accuracy.count) held-out pairs")
    table.add("accuracy", accuracy)
    table.add("  the annotators' noise allows", ceiling)
    table.add("calibration error", ece)
    table.add("pairs ordered as gold does", goldAgreement)
    table.add("correlation with gold", goldCorrelation)
    table.add(
      "correlation with length", length?.correlation,
      length?.goldCorrelation.map { "gold: \(NumberText.plain($0, 3))" })
    table.add("disagreement of the members (sd)", disagreement)
    if let probe = worstProbe {
      table.add(
        "worst probe, \(probe.title): change (sd)", probe.change.mean,
        probe.goldChange.map { "gold: \(NumberText.plain($0.mean, 3))" })
    }
    return table.rendered + (labelText ?? "") + alertText + "All figures: --verbose\n"
  }

  /// The probe that raises the reward most above what it does to gold.
  private var worstProbe: ProbeResult? {
    (probes ?? []).max { excess($0) < excess($1) }
  }

  private func excess(_ probe: ProbeResult) -> Double {
    probe.change.mean - (probe.goldChange?.mean ?? 0)
  }

  private var alertText: String {
    guard let alerts else { return "" }
    if alerts.isEmpty { return "Alerts: none.\n" }
    return alerts.map { TextTable.wrapped("Alert: \($0.rule.title): \($0.text).") }.joined()
  }

  /// All that is known of how good it is, for a run that makes nothing else.
  var text: String? {
    guard let accuracy else { return labelText }
    var table = Rows("reward model on \(accuracy.count) held-out pairs")
    table.add("accuracy", accuracy)
    table.add("  the annotators' noise allows", ceiling)
    table.add("  on as many training pairs", trainingAccuracy)
    table.add("  training minus held-out", trainingGap)
    table.add("  where length says nothing", length?.balancedAccuracy)
    for bin in difficulty ?? [] {
      let what = bin.measure == .goldDifference ? "gold difference" : "certainty"
      table.add(
        "  \(what) \(NumberText.plain(bin.low, 2)) to \(NumberText.plain(bin.high, 2))",
        bin.accuracy)
    }
    table.add("pairs ordered as gold does", goldAgreement)
    table.add("correlation with gold", goldCorrelation)
    table.add("  of ranks", goldRankCorrelation)
    table.add("loss", loss)
    table.add("calibration error", ece)
    for bin in reliability ?? [] where bin.observed.count > 0 {
      table.add("  predicted \(NumberText.plain(bin.predicted, 2)), observed", bin.observed)
    }
    table.add("mean reward, before normalization", mean)
    table.add("margin, chosen − rejected", marginMean, marginHistogram.map(Self.course))
    table.add("correlation with length", length?.correlation)
    table.add("  judges choose the longer", length?.longerChosen)
    table.add("  the model does", length?.longerPreferred)
    for probe in probes ?? [] {
      let interval = [probe.change.low, probe.change.high].map { NumberText.plain($0, 2) }
      let gold = probe.goldChange.map { ", gold \(NumberText.plain($0.mean, 2))" } ?? ""
      table.add(
        "\(probe.title): change of reward", probe.change.mean,
        interval.joined(separator: " to ") + gold)
    }
    let alerts = (alerts ?? []).map { alert in
      let (rule, text) = (alert.rule, alert.text)
      return TextTable.wrapped(
        "Alert: \(rule.title): \(text); \(rule.meaning). Try: \(rule.advice).")
    }
    return table.rendered + (labelText ?? "") + (alerts.isEmpty ? alertText : alerts.joined())
  }

  /// The figures on labels; nil where none are learned.
  private var labelText: String? {
    guard let labels else { return nil }
    let kind = steps == nil ? "labels" : "labels of steps"
    var table = Rows("reward model on \(labels.accuracy.count) held-out \(kind)")
    table.add("accuracy", labels.accuracy)
    table.add("area under the curve", labels.areaUnderCurve)
    table.add("loss", labels.loss)
    table.add("first wrong step found", steps?.firstErrors)
    table.add("none found where none is wrong", steps?.withoutErrors)
    table.add("  F1 of these", steps?.f1)
    return table.rendered
  }

  /// How margins are spread, and from where to where.
  private static func course(_ margins: Histogram) -> String {
    let end = margins.lower + margins.width * Double(margins.counts.count)
    let together = (margins.counts.count + 11) / 12  // bins in one of at most twelve blocks
    let blocks = stride(from: 0, to: margins.counts.count, by: max(1, together)).map {
      Double(margins.counts.dropFirst($0).prefix(together).reduce(0, +))
    }
    return Sparkline.text(blocks, from: 0)
      + " \(NumberText.plain(margins.lower, 1)) to \(NumberText.plain(end, 1))"
  }
}

/// A table of figures with their intervals; a figure that is not there has no row.
private struct Rows {
  private var table: TextTable

  init(_ title: String) {
    table = TextTable(
      columns: [(title, .leading), ("", .trailing), ("95 % interval", .leading)])
  }

  mutating func add(_ name: String, _ value: Double?, _ beside: String? = nil) {
    guard let value else { return }
    table.append([name, NumberText.plain(value, 3), beside ?? ""])
  }

  mutating func add(_ name: String, _ share: Proportion?) {
    guard let share, share.count > 0 else { return }
    add(
      name, share.value, "\(NumberText.plain(share.low, 3)) to \(NumberText.plain(share.high, 3))"
    )
  }

  var rendered: String { table.rendered() }
}
