import Foundation
import Preferences
import RunRecords
import Statistics

extension ReportSection {
  /// What annotators were shown, what they chose, and how often gold disagrees.
  @Sendable static func preferences(_ records: ReportRecords) -> ReportSection? {
    let pairs = records.judgements
    guard !pairs.isEmpty else { return nil }
    return ReportSection(id: "preferences", title: "What the annotators chose") {
      ReportWarning.markup(["annotation"], [], records)
      element("p") {
        """
        All that the \(learner(records)) learns from: two responses, and which of them an annotator \
        preferred. These \(pairs.count) were held out\(use(records)).
        """
      }
      exampleTable(pairs, records.units)
      certaintyChart(pairs).map { chart in element("div", ["class": "charts"]) { chart } }
    }
  }

  private static func learner(_ records: ReportRecords) -> String {
    records.method == "DPO" ? "policy" : "reward model"
  }

  private static func use(_ records: ReportRecords) -> String {
    records.evaluation?.reward == nil ? "" : " to judge the reward model by"
  }

  /// How expected the judgements were: what lies left of 0 is disagreement.
  private static func certaintyChart(_ pairs: [Comparison]) -> Markup? {
    let certainties = pairs.compactMap(\.probability).filter { (0...1).contains($0) }
    guard !certainties.isEmpty else { return nil }
    var counts = Array(repeating: 0, count: 20)
    for certainty in certainties { counts[min(19, Int(certainty * 20))] += 1 }
    let against = Double(certainties.count { $0 < 0.5 }) / Double(certainties.count)
    let even = Double(certainties.count { $0 == 0.5 }) / Double(certainties.count)
    return HistogramChart(
      title: "Disagreement",
      takeaway:
        "\(NumberText.percent(against)) of the judgements went against what was to be expected",
      unit: "held-out pairs",
      horizontalTitle: "probability of the judgement made, minus ½", lower: -0.5, width: 0.05,
      counts: counts, sides: ("against what was to be expected", "as expected"),
      note: "What someone who knows gold and the annotators’ habits would have expected. The left "
        + "side is noise that no model can foresee."
        + (even > 0
          ? " \(NumberText.percent(even)) of the pairs are as good as each other: nothing was to be "
            + "expected, and they count just right of 0." : "")
    ).figure()
  }

  private static func exampleTable(_ pairs: [Comparison], _ units: StandardUnits) -> Markup {
    let known = pairs.filter { $0.goldMargin != nil }
    let ordinary = Array(pairs.prefix(3))
    let contrary = known.filter { pair in
      (pair.goldMargin ?? 0) < 0 && !ordinary.contains(pair)
    }.prefix(3)
    return element("div", ["class": "probes"]) {
      element("h3") { "Examples, the last ones judged against gold" }
      table(
        [
          .words("Prompt and chosen response"), .number("gold"), .words("Rejected response"),
          .number("gold"), .number("expected"), .number("by"),
        ], style: "samples"
      ) {
        for pair in ordinary + contrary { row(pair, units) }
      }
    }
  }

  private static func row(_ pair: Comparison, _ units: StandardUnits) -> Markup {
    let isContrary = (pair.goldMargin ?? 0) < 0
    return element("tr") {
      words(pair.prompt, pair.chosen, "Chosen")
      reward(
        .gold, pair.chosenGold, units, prefix: isContrary ? "▼ " : "",
        style: isContrary ? "number worse" : "number")
      words(pair.prompt, pair.rejected, "Rejected")
      reward(.gold, pair.rejectedGold, units)
      number(pair.probability.map(NumberText.percent) ?? "–", "expected")
      number(pair.annotator ?? "–", "by")
    }
  }

  private static func words(_ prompt: String, _ response: String, _ label: String) -> Markup {
    element("td", ["class": "words", "data-label": label]) {
      element("span", ["class": "prompt"]) { prompt }
      " \(response)"
    }
  }
}
