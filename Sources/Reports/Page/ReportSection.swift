/// One part of the story: each stands in its own file and is `nil` when its records are absent.
struct ReportSection {
  /// The link target.
  var id: String
  var title: String
  var content: [Markup]

  init(id: String, title: String, @MarkupBuilder content: () -> [Markup]) {
    self.id = id
    self.title = title
    self.content = content()
  }

  /// All parts in the order in which they are told.
  static let story: [@Sendable (ReportRecords) -> ReportSection?] = [
    headline, world, models, supervisedTuning, preferences, rewardModel, policyOptimization,
    directPreference, frontier, exactOptimum, samples, rollouts, stageTimes, otherMetrics, scenario,
    glossary,
  ]

  var markup: Markup {
    element("section", ["id": id]) {
      element("h2") { title }
      content
    }
  }
}

/// Charts side by side where there is room; `nil` when all are empty.
func charts(_ charts: [LineChart]) -> Markup? {
  let figures = charts.compactMap { $0.figure() }
  guard !figures.isEmpty else { return nil }
  return element("div", ["class": "charts"]) { figures }
}
