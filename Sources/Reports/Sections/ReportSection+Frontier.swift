import RunRecords

extension ReportSection {
  /// Reward bought against distance travelled.
  @Sendable static func frontier(_ records: ReportRecords) -> ReportSection? {
    guard let table = records.policyOptimization else { return nil }
    let exact = table["objective/kl_exact"]
    guard let divergences = exact ?? table["objective/kl"] else { return nil }
    let series = [
      ("objective/score", "score (reward model)"), ("objective/gold", "gold (never seen)"),
    ].compactMap { column, name in
      table[column].map { values in
        LineChart.Series(
          name: name,
          points: zip(divergences, values).compactMap { divergence, value in
            guard let divergence, divergence.isFinite else { return nil }
            // An estimate may dip below zero, which no divergence can.
            return LineChart.Point(x: max(divergence, 0).squareRoot(), y: value)
          }, isScattered: true)
      }
    }
    let chart = LineChart(
      title: "Reward against √KL", unit: "reward per response",
      horizontalTitle: exact == nil ? "√(estimated KL), √nats" : "√(exact KL), √nats",
      isHorizontalWhole: false, horizontalIncludes: [0], series: series,
      note: "Each mark is one iteration. Early on both rise about linearly in √KL; past the "
        + "reward model’s knowledge the score keeps rising while gold peaks and falls.")
    guard let figure = chart.figure() else { return nil }
    return ReportSection(id: "frontier", title: "The frontier") {
      element("p") {
        """
        How much reward did each step away from the reference buy, in the eyes of the reward \
        model, and in truth? Where the two part, the policy is optimizing the model’s mistakes.
        """
      }
      element("div", ["class": "wide"]) { figure }
    }
  }
}
