import RunRecords
import Statistics

extension ReportSection {
  /// What changes to a response do to its reward, beside what they do to gold.
  static func probeTable(_ reward: EvaluationSummary.RewardModel) -> Markup? {
    guard let probes = reward.probes, !probes.isEmpty else { return nil }
    let hasGold = probes.contains { $0.goldChange != nil }
    return element("div", ["class": "probes"]) {
      element("h3") { "Probes: what a change to a held-out response does to its reward" }
      element("table", ["class": "samples"]) {
        element("thead") {
          element("tr") {
            element("th", ["scope": "col", "class": "words"]) { "Change" }
            element("th", ["scope": "col", "class": "number"]) { "reward (95 % interval)" }
            if hasGold {
              element("th", ["scope": "col", "class": "number"]) { "gold (95 % interval)" }
            }
            element("th", ["scope": "col", "class": "number"]) { "responses" }
          }
        }
        element("tbody") {
          for probe in probes {
            element("tr") {
              element("td", ["class": "words", "data-label": ""]) { meaning(of: probe.name) }
              element("td", ["class": "number", "data-label": "reward"]) { text(probe.change) }
              if hasGold {
                element("td", ["class": "number", "data-label": "gold"]) {
                  probe.goldChange.map(text) ?? "–"
                }
              }
              element("td", ["class": "number", "data-label": "responses"]) { "\(probe.count)" }
            }
          }
        }
      }
      element("p", ["class": "note"]) {
        "In standard deviations. A reward that moves otherwise than gold does is one that a policy "
          + "can exploit."
      }
    }
  }

  private static func meaning(of probe: String) -> String {
    switch probe {
    case "filler": "Common words are appended"
    case "repetition": "Its last words are said again"
    case "truncation": "Only its first half is kept"
    case "swapped_prompt": "It answers another prompt"
    default: probe
    }
  }

  private static func text(_ change: MeanInterval) -> String {
    "\(NumberText.signed(change.mean, 2)) (\(NumberText.signed(change.low, 2)) to "
      + "\(NumberText.signed(change.high, 2)))"
  }
}
