import RunRecords
import Statistics

extension ReportSection {
  /// Reward bought against distance travelled.
  @Sendable static func frontier(_ records: ReportRecords) -> ReportSection? {
    guard
      let frontier = FrontierChart(records.policyOptimization, evaluation: records.evaluation),
      let figure = frontier.chart.figure()
    else { return nil }
    return ReportSection(id: "frontier", title: "The frontier") {
      element("p") {
        """
        How much reward did each step away from the reference buy, in the eyes of the reward \
        model, and in truth? Where the two part, the policy is optimizing the model’s mistakes.
        """
      }
      element("div", ["class": "wide"]) { figure }
      if !frontier.bestOfN.isEmpty { bestOfNTable(frontier.bestOfN) }
    }
  }

  private static func bestOfNTable(_ rows: [EvaluationSummary.BestOfN]) -> Markup {
    element("details") {
      element("summary") { "Best of n in numbers" }
      element("div", ["class": "scroll"]) {
        element("table") {
          element("thead") {
            element("tr") {
              for title in ["n", "KL, nats", "score", "gold"] {
                element("th", ["scope": "col", "class": "number"]) { title }
              }
            }
          }
          element("tbody") {
            for row in rows.sorted(by: { $0.n < $1.n }) {
              element("tr") {
                element("td", ["class": "number"]) { "\(row.n)" }
                for value in [row.kl, row.score.mean, row.gold?.mean] {
                  element("td", ["class": "number"]) {
                    value.map { NumberText.fixed($0, 2) } ?? "–"
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}
