import RunRecords
import Statistics

extension ReportSection {
  /// Where the time went.
  @Sendable static func stageTimes(_ records: ReportRecords) -> ReportSection? {
    let stages = records.information.stageSeconds
    let longest = stages.map(\.seconds).max() ?? 0
    let iterations = records.policyOptimization?.charts(
      of: [.rolloutTime, .scoreTime, .updateTime], over: "iteration"
    ).first?.figure()
    guard longest > 0 || iterations != nil else { return nil }
    return ReportSection(id: "time", title: "Where the time went") {
      element("div", ["class": "charts"]) {
        if longest > 0 {
          element("figure", ["class": "chart"]) {
            element("figcaption") {
              element("b") { "Stages" }
              element("span", ["class": "unit"]) { "wall time" }
            }
            element("table", ["class": "bars"]) {
              element("tbody") {
                for stage in stages { row(stage, longest: longest) }
              }
            }
          }
        }
        iterations
      }
    }
  }

  private static func row(_ stage: RunInformation.StageTime, longest: Double) -> Markup {
    let share = min(max(stage.seconds / longest, 0), 1) * 100
    return element("tr") {
      element("th", ["scope": "row"]) { stage.stage }
      element("td", ["class": "track"]) {
        element("div", ["style": "width:\(NumberText.coordinate(share))%"])
      }
      element("td", ["class": "number"]) { NumberText.duration(stage.seconds) }
    }
  }
}
