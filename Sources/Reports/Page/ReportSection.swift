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

  /// The columns that some chart of the story shows; the others are shown by `otherMetrics`.
  static let chartedColumns: Set<String> = [
    "sft/loss", "dpo/loss", "dpo/accuracy", "dpo/margin", "reward/loss", "eval/loss",
    "reward/accuracy", "eval/accuracy", "eval/ece",
    "objective/score", "objective/gold", "objective/kl", "objective/kl_exact",
    "objective/entropy", "kl/coefficient", "policy/clip_fraction", "policy/approximate_kl",
    "policy/ratio_max", "value/loss", "value/explained_variance", "response/length",
    "response/eos_fraction", "time/rollout", "time/score", "time/update", "memory/policy",
    "memory/reference", "memory/reward", "memory/value", "memory/optimizer", "memory/activations",
  ]

  var markup: Markup {
    element("section", ["id": id]) {
      element("h2") { title }
      content
    }
  }
}

/// Charts side by side where there is room; `nil` when all are empty.
func charts(_ charts: LineChart...) -> Markup? {
  let figures = charts.compactMap { $0.figure() }
  guard !figures.isEmpty else { return nil }
  return element("div", ["class": "charts"]) { figures }
}
