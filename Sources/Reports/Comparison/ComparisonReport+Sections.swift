import RunRecords
import Settings
import Statistics

extension ComparisonReport {
  /// The final figures of every run with what is known of their error.
  static func figures(_ runs: [ComparedRun]) -> ReportSection? {
    typealias Figure = (name: String, of: String, text: (EvaluationSummary) -> String?)
    let all: [Figure] = [
      ("gold", "before", { $0.sft?.gold.map(interval) }),
      ("gold", "after", { $0.ppo?.gold.map(interval) }),
      ("score", "after", { $0.ppo?.score.map(interval) }),
      ("win rate against SFT", "", { $0.winRate.map(interval) }),
      ("exact KL from the reference", "nats", { $0.ppo?.klExact.map(interval) }),
      ("grammatical responses", "after", { $0.ppo?.grammaticalFraction.map(NumberText.percent) }),
      ("length", "tokens per response", { $0.ppo?.length.map(interval) }),
      ("entropy", "nats per token", { $0.ppo?.entropy.map(interval) }),
      ("reward-model accuracy", "", { $0.reward?.accuracy.map(interval) }),
      ("ceiling", "", { $0.reward?.ceiling.map(NumberText.percent) }),
      ("calibration error", "", { $0.reward?.ece.map { NumberText.fixed($0, 3) } }),
      ("of the possible improvement", "", { $0.exact?.fraction.map(NumberText.percent) }),
    ]
    let figures = all.filter { figure in
      runs.contains { $0.records.evaluation.flatMap(figure.text) != nil }
    }
    guard !figures.isEmpty else { return nil }
    return ReportSection(id: "figures", title: "Final figures") {
      scrolled(
        table([.plain("")] + runs.map { .number($0.name) }, style: "compared") {
          for figure in figures {
            element("tr") {
              rowTitle(figure.name, unit: figure.of)
              for run in runs { number(run.records.evaluation.flatMap(figure.text) ?? "–") }
            }
          }
        })
      element("p", ["class": "note"]) {
        "In brackets and after ±: the 95 % interval over the responses of one evaluation. It does "
          + "not hold the luck of training: for that, compare runs that differ in nothing but their "
          + "seed."
      }
      goldChart(runs)
    }
  }

  /// Gold before and after as intervals on one scale.
  private static func goldChart(_ runs: [ComparedRun]) -> Markup? {
    let rows = runs.compactMap { run in
      run.records.evaluation?.ppo?.gold.map { gold in
        IntervalBar.Row(
          name: "", value: gold.mean, low: gold.mean - gold.halfInterval,
          high: gold.mean + gold.halfInterval)
      }
    }
    guard rows.count == runs.count, let low = rows.map(\.low).min(),
      let high = rows.map(\.high).max()
    else { return nil }
    return figure("Gold after optimization", unit: "mean with 95 % interval", isWide: true) {
      element("table", ["class": "bars"]) {
        element("tbody") {
          for (run, row) in zip(runs, rows) {
            element("tr") {
              rowTitle(run.name)
              element("td", ["class": "track"]) {
                IntervalBar(
                  rows: [row], range: min(low, high - 1e-6)...high,
                  description: "\(run.name): \(NumberText.fixed(row.value, 2)), from "
                    + "\(NumberText.fixed(row.low, 2)) to \(NumberText.fixed(row.high, 2))"
                ).svg
              }
              number(row.value)
            }
          }
        }
      }
    }
  }

  /// Gold and score of each run against √KL.
  static func frontier(_ runs: [ComparedRun]) -> ReportSection? {
    let frontiers = runs.map { run in
      FrontierChart(run.records.policyOptimization, evaluation: run.records.evaluation)
    }
    func chart(
      _ title: String, _ value: @escaping (FrontierChart.Iteration) -> Double?, _ note: String
    ) -> LineChart {
      LineChart(
        title: title, unit: "reward per response", horizontalTitle: "√KL, √nats",
        isHorizontalWhole: false, horizontalIncludes: [0],
        series: zip(runs, frontiers).map { run, frontier in
          .init(
            name: run.name,
            points: (frontier?.iterations ?? []).map {
              .init(x: FrontierChart.root($0.kl), y: value($0))
            }, isScattered: true)
        }, note: note)
    }
    let figures = charts([
      chart(
        "Gold against √KL", \.gold, "What each step away from the reference was worth by gold."),
      chart(
        "Score against √KL", \.score,
        "What the reward model thought. Runs with reward models of their own have scores of their "
          + "own."),
    ])
    return figures.map { figures in
      ReportSection(id: "frontier", title: "The frontier") { figures }
    }
  }

  /// The curves of optimization over its iterations.
  static func training(_ runs: [ComparedRun]) -> ReportSection? {
    let metrics: [Metric] = [.gold, .score, .exactKL, .entropy]
    let figures = charts(
      metrics.map { metric in
        LineChart(
          title: metric.title.prefix(1).uppercased() + metric.title.dropFirst(),
          unit: metric.unit, horizontalTitle: "iteration",
          series: runs.map { run in
            run.records.policyOptimization?.series(metric.name, named: run.name)
              ?? .init(name: run.name, points: [])
          }, includes: metric.chart?.includes ?? [])
      })
    return figures.map { figures in
      ReportSection(id: "ppo", title: "Policy optimization") { figures }
    }
  }

  /// The lines of the resolved scenarios that are not the same in all runs.
  static func settings(_ runs: [ComparedRun]) -> ReportSection? {
    let scenarios = runs.map { values(of: $0.records.settings) }
    var keys: [String] = []
    for key in scenarios.flatMap({ $0.map(\.key) }) where !keys.contains(key) { keys.append(key) }
    let tables = scenarios.map { Dictionary($0.map { ($0.key, $0.value) }) { first, _ in first } }
    // What a world is called and tells is no setting.
    let texts = ["title", "lesson"]
    let different = keys.filter { key in
      !texts.contains(key) && Set(tables.map { $0[key] ?? "–" }).count > 1
    }
    guard runs.count > 1, tables.contains(where: { !$0.isEmpty }) else { return nil }
    return ReportSection(id: "settings", title: "Settings that differ") {
      if different.isEmpty {
        element("p") { "None: the runs differ in their seeds at most." }
      } else {
        settingsTable(different.prefix(30), runs, tables)
        if different.count > 30 {
          element("details") {
            element("summary") { "\(different.count - 30) more" }
            settingsTable(different.dropFirst(30), runs, tables)
          }
        }
      }
    }
  }

  /// Every value with its key; a list of plain values is one: `[good, nice]`.
  private static func values(of settings: SettingsDocument?) -> [(key: String, value: String)] {
    var lists: [(key: String, isList: Bool, items: [String])] = []
    for (path, value) in settings?.root.leaves() ?? [] {
      let parts = path.split(separator: ".")
      let isItem = parts.last.flatMap { Int($0) } != nil
      let key = isItem ? parts.dropLast().joined(separator: ".") : path
      if isItem, lists.last?.key == key {
        lists[lists.count - 1].items.append(value)
      } else {
        lists.append((key, isItem, [value]))
      }
    }
    return lists.map { list in
      (list.key, list.isList ? "[\(list.items.joined(separator: ", "))]" : list.items[0])
    }
  }

  private static func settingsTable(
    _ keys: some Sequence<String>, _ runs: [ComparedRun], _ tables: [[String: String]]
  ) -> Markup {
    scrolled(
      table([.plain("key")] + runs.map { .plain($0.name) }, style: "compared") {
        for key in keys {
          element("tr") {
            element("th", ["scope": "row"]) { element("code") { key } }
            for table in tables { element("td") { table[key] ?? "–" } }
          }
        }
      })
  }

  /// What the figures mean.
  static func reading(_ runs: [ComparedRun]) -> ReportSection? {
    guard runs.contains(where: { $0.records.evaluation != nil }) else { return nil }
    return ReportSection(id: "glossary", title: "Glossary") {
      MetricGlossary.list(MetricGlossary.figures)
      if runs.contains(where: { $0.records.evaluation?.reward != nil }) {
        element("h3", ["class": "part"]) { "The reward model" }
        MetricGlossary.list(MetricGlossary.rewardModel)
      }
      if runs.contains(where: { $0.records.evaluation?.exact != nil }) {
        element("h3", ["class": "part"]) { "The exact optimum" }
        MetricGlossary.list(MetricGlossary.exactOptimum)
      }
    }
  }

  private static func interval(_ value: Summary) -> String {
    "\(NumberText.fixed(value.mean, 2)) ± \(NumberText.fixed(value.halfInterval, 2))"
  }

  private static func interval(_ value: Proportion) -> String {
    "\(NumberText.percent(value.value)) [\(NumberText.fixed(value.low * 100, 1)), "
      + "\(NumberText.fixed(value.high * 100, 1))]"
  }
}
