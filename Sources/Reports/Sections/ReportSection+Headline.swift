import RunRecords
import Statistics

extension ReportSection {
  /// The final figures, as cards.
  @Sendable static func headline(_ records: ReportRecords) -> ReportSection? {
    guard let evaluation = records.evaluation else { return nil }
    let cards = [
      goldCard(evaluation, after: records.method), winRateCard(evaluation, after: records.method),
      divergenceCard(evaluation),
      accuracyCard(evaluation), calibrationCard(evaluation), textCard(evaluation),
    ].compactMap(\.self)
    guard !cards.isEmpty else { return nil }
    return ReportSection(id: "headline", title: "In figures") {
      ReportWarning.markup(["evaluation", "best of n", "exact optimum"], [], records)
      element("div", ["class": "cards"]) { cards }
    }
  }

  private static func card(
    _ title: String, of part: String = "", _ figure: String, _ detail: String,
    bar: IntervalBar? = nil
  ) -> Markup {
    element("div", ["class": "card"]) {
      element("h3") {
        title
        if !part.isEmpty { element("span", ["class": "unit"]) { part } }
      }
      element("p", ["class": "figure"]) { figure }
      bar?.svg
      element("p", ["class": "detail"]) { detail }
    }
  }

  private static func goldCard(_ evaluation: EvaluationSummary, after method: String) -> Markup? {
    guard let after = evaluation.ppo?.gold ?? evaluation.sft?.gold else { return nil }
    guard let before = evaluation.sft?.gold, evaluation.ppo?.gold != nil else {
      return card(
        "Gold reward", NumberText.fixed(after.mean, 2),
        "± \(NumberText.fixed(after.standardDeviation, 2)) standard deviation, n = \(after.count)")
    }
    let words =
      "raw: SFT \(NumberText.fixed(before.mean, 2))\u{A0}±\u{A0}\(NumberText.fixed(before.standardDeviation, 2)) "
      + "(n = \(before.count)), then \(method) \(NumberText.fixed(after.mean, 2))\u{A0}±\u{A0}"
      + "\(NumberText.fixed(after.standardDeviation, 2)) (n = \(after.count)); ± is one standard deviation."
    guard let gain = before.standardized(after.mean) else {
      return card("Gold reward", of: "raw", NumberText.fixed(after.mean, 2), words)
    }
    let spread = after.standardDeviation / before.standardDeviation
    let rows: [IntervalBar.Row] = [
      .init(name: "SFT", value: 0, low: -1, high: 1, role: .gold),
      .init(name: method, value: gain, low: gain - spread, high: gain + spread, role: .gold),
    ]
    return card(
      "Gold reward", of: StandardUnits.name, "\(NumberText.signed(gain, 2)) sd", words,
      bar: IntervalBar(
        rows: rows, range: min(-1, gain - spread)...max(1, gain + spread), description: words))
  }

  private static func winRateCard(
    _ evaluation: EvaluationSummary, after method: String
  ) -> Markup? {
    guard let rate = evaluation.winRate else { return nil }
    let words = "95 % interval \(interval(rate)), n = \(rate.count). Even is 50 %."
    return card(
      "Win rate against SFT", NumberText.percent(rate.value),
      "How often gold prefers the response after \(method) to the one before. \(words)",
      bar: IntervalBar(
        rows: [.init(name: "win rate", value: rate.value, low: rate.low, high: rate.high)],
        references: [.init(name: "even", value: 0.5)], range: 0...1,
        description: "Win rate \(NumberText.percent(rate.value)), \(words)"))
  }

  private static func divergenceCard(_ evaluation: EvaluationSummary) -> Markup? {
    guard let divergence = evaluation.ppo?.klExact else { return nil }
    return card(
      "Exact KL from the reference", "\(NumberText.fixed(divergence.mean, 2)) nats",
      "± \(NumberText.fixed(divergence.standardDeviation, 2)) per response, n = \(divergence.count). How far the "
        + "policy went to get its reward.")
  }

  private static func accuracyCard(_ evaluation: EvaluationSummary) -> Markup? {
    guard let accuracy = evaluation.reward?.accuracy else { return nil }
    let ceiling = evaluation.reward?.ceiling
    let bound = ceiling.map { " The annotators’ noise allows \(NumberText.percent($0))." } ?? ""
    let words = "95 % interval \(interval(accuracy)), n = \(accuracy.count) held-out pairs.\(bound)"
    return card(
      "Reward-model accuracy", NumberText.percent(accuracy.value), words,
      bar: IntervalBar(
        rows: [
          .init(
            name: "accuracy", value: accuracy.value, low: accuracy.low, high: accuracy.high)
        ],
        references: [.init(name: "chance", value: 0.5)]
          + (ceiling.map { [.init(name: "ceiling", value: $0)] } ?? []),
        range: min(0.45, accuracy.low)...1,
        description: "Accuracy \(NumberText.percent(accuracy.value)), \(words)"))
  }

  private static func calibrationCard(_ evaluation: EvaluationSummary) -> Markup? {
    guard let error = evaluation.reward?.ece else { return nil }
    let correlation = evaluation.reward?.goldCorrelation.map {
      " Correlation with gold: \(NumberText.fixed($0, 2))."
    }
    return card(
      "Calibration error", NumberText.fixed(error, 3),
      "By how much the model’s stated preference probabilities miss the observed ones, on "
        + "average; 0 is perfect.\(correlation ?? "")")
  }

  private static func textCard(_ evaluation: EvaluationSummary) -> Markup? {
    guard let after = evaluation.ppo?.grammaticalFraction else { return nil }
    let before = evaluation.sft?.grammaticalFraction
    let length = evaluation.ppo?.length.map {
      " Mean length \(NumberText.fixed($0.mean, 1)) tokens"
        + (evaluation.sft?.length.map { ", before \(NumberText.fixed($0.mean, 1))" } ?? "") + "."
    }
    return card(
      "Grammatical responses",
      (before.map { NumberText.percent($0) + " → " } ?? "") + NumberText.percent(after),
      "A policy that games its reward often stops writing sentences.\(length ?? "")")
  }

  private static func interval(_ proportion: Proportion) -> String {
    "\(NumberText.fixed(proportion.low * 100, 1))–\(NumberText.percent(proportion.high))"
  }
}
