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
      element("div", ["class": "charts"]) {
        certaintyChart(pairs)
        annotatorTable(pairs)
      }
      exampleTable(pairs)
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
    return HistogramChart(
      title: "Disagreement", unit: "held-out pairs",
      horizontalTitle: "probability of the judgement made, minus ½", lower: -0.5, width: 0.05,
      counts: counts, sides: ("against what was to be expected", "as expected"),
      note: "What someone who knows gold and the annotators’ habits would have expected. The left "
        + "side is noise that no model can foresee."
    ).figure()
  }

  private static func annotatorTable(_ pairs: [Comparison]) -> Markup? {
    let known = pairs.filter { ($0.goldMargin ?? 0) != 0 && $0.annotator != nil }
    let names = Set(known.compactMap(\.annotator)).sorted()
    guard !names.isEmpty else { return nil }
    return figure(
      "Annotators", unit: "agreement with gold",
      note: "How often each preferred the response with more gold, where the two differ in gold."
    ) {
      table(
        names.map { name in
          let own = known.filter { $0.annotator == name }
          let share = Double(own.count { ($0.goldMargin ?? 0) > 0 }) / Double(max(1, own.count))
          return Bar(
            name: name, share: share, text: "\(NumberText.percent(share)) of \(own.count)")
        })
    }
  }

  private static func exampleTable(_ pairs: [Comparison]) -> Markup {
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
        for pair in ordinary + contrary { row(pair) }
      }
    }
  }

  private static func row(_ pair: Comparison) -> Markup {
    let isContrary = (pair.goldMargin ?? 0) < 0
    return element("tr") {
      words(pair.prompt, pair.chosen, "Chosen")
      number(
        (isContrary ? "▼ " : "") + (pair.chosenGold.map { NumberText.fixed($0, 2) } ?? "–"), "gold",
        style: isContrary ? "number worse" : "number")
      words(pair.prompt, pair.rejected, "Rejected")
      number(pair.rejectedGold, "gold")
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
