import RunRecords
import Settings
import Statistics

extension ComparisonReport {
  /// The final figures of every group: of one run with what is known of their error, of several as mean
  /// and sd over the seeds.
  static func figures(_ groups: [RunGroup]) -> ReportSection? {
    let figures = Figure.all.filter { figure in
      groups.contains { !$0.values(figure.value).isEmpty }
    }
    guard !figures.isEmpty else { return nil }
    return ReportSection(id: "figures", title: "Final figures") {
      scrolled(
        table([.plain("")] + groups.map { .number($0.name) }, style: "compared") {
          for figure in figures {
            element("tr") {
              rowTitle(figure.name, unit: figure.of)
              for group in groups { number(figure.text(of: group)) }
            }
          }
        })
      element("p", ["class": "note"]) {
        groups.contains { $0.runs.count > 1 }
          ? "Of several seeds: the mean ± standard deviation over them. Of one run, in brackets and after "
            + "±: the 95 % interval over the responses of its evaluation."
          : "In brackets and after ±: the 95 % interval over the responses of one evaluation. It does "
            + "not hold the luck of training: for that, compare runs that differ in nothing but their "
            + "seed."
      }
      goldChart(groups)
    }
  }

  /// Gold after optimization as intervals on one scale: of one run over responses, of several from the
  /// least seed to the greatest.
  private static func goldChart(_ groups: [RunGroup]) -> Markup? {
    let rows = groups.compactMap { group -> IntervalBar.Row? in
      let golds = group.runs.compactMap { $0.records.evaluation?.ppo?.gold }
      guard let first = golds.first, let low = golds.map(\.mean).min(),
        let high = golds.map(\.mean).max()
      else { return nil }
      return golds.count == 1
        ? IntervalBar.Row(
          name: "", value: first.mean, low: first.mean - first.halfInterval,
          high: first.mean + first.halfInterval)
        : IntervalBar.Row(name: "", value: Summary(golds.map(\.mean)).mean, low: low, high: high)
    }
    guard rows.count == groups.count, let low = rows.map(\.low).min(),
      let high = rows.map(\.high).max()
    else { return nil }
    let unit =
      groups.contains { $0.runs.count > 1 }
      ? "mean, from the least seed to the greatest" : "mean with 95 % interval"
    return figure("Gold after optimization", unit: unit, isWide: true) {
      element("table", ["class": "bars"]) {
        element("tbody") {
          for (group, row) in zip(groups, rows) {
            element("tr") {
              rowTitle(group.name)
              element("td", ["class": "track"]) {
                IntervalBar(
                  rows: [row], range: min(low, high - 1e-6)...high,
                  description: "\(group.name): \(NumberText.fixed(row.value, 2)), from "
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

  /// Gold and score of each group against √KL.
  static func frontier(_ groups: [RunGroup]) -> ReportSection? {
    func chart(
      _ title: String, _ groups: [RunGroup],
      _ value: @escaping (FrontierChart.Iteration) -> Double?, _ note: String
    ) -> LineChart {
      var chart = LineChart(
        title: title, unit: "reward per response", horizontalTitle: "√KL, √nats",
        isHorizontalWhole: false, horizontalIncludes: [0], series: [],
        note: note + bandNote(groups))
      for group in groups {
        chart.append(
          group.line(isScattered: true) { run in
            let frontier = FrontierChart(
              run.records.policyOptimization, evaluation: run.records.evaluation)
            return (frontier?.iterations ?? []).map {
              .init(x: FrontierChart.root($0.kl), y: value($0))
            }
          })
      }
      return chart
    }
    let figures = charts(
      RunGroup.divided(groups).flatMap { facet, groups in
        [
          chart(
            titled("Gold against √KL", facet), groups, \.gold,
            "What each step away from the reference was worth by gold."),
          chart(
            titled("Score against √KL", facet), groups, \.score,
            "What the reward model thought. Runs with reward models of their own have scores of their "
              + "own."),
        ]
      })
    return figures.map { figures in
      ReportSection(id: "frontier", title: "The frontier") { figures }
    }
  }

  /// The curves of optimization over its iterations.
  static func training(_ groups: [RunGroup]) -> ReportSection? {
    let metrics: [Metric] = [.gold, .score, .exactKL, .entropy]
    let figures = charts(
      RunGroup.divided(groups).flatMap { facet, groups in
        metrics.map { metric in
          var chart = LineChart(
            title: titled(metric.title.prefix(1).uppercased() + metric.title.dropFirst(), facet),
            unit: metric.unit, horizontalTitle: "iteration", series: [],
            includes: metric.chart?.includes ?? [], note: bandNote(groups))
          for group in groups {
            chart.append(
              group.line { run in
                run.records.policyOptimization?.series(metric.name, named: "")?.points ?? []
              })
          }
          return chart
        }
      })
    return figures.map { figures in
      ReportSection(id: "ppo", title: "Policy optimization") { figures }
    }
  }

  private static func titled(_ title: String, _ facet: String) -> String {
    facet.isEmpty ? title : "\(title): \(facet)"
  }

  private static func bandNote(_ groups: [RunGroup]) -> String {
    groups.contains { $0.runs.count > 1 }
      ? " Lines are means over seeds, bands go from the least seed to the greatest." : ""
  }

  /// The lines of the resolved scenarios that are not the same in all runs.
  static func settings(_ groups: [RunGroup]) -> ReportSection? {
    let runs = groups.compactMap { group in
      group.runs.first.map { ComparedRun(name: group.name, records: $0.records) }
    }
    let scenarios = runs.map { values(of: $0.records.settings) }
    var keys: [String] = []
    for key in scenarios.flatMap({ $0.map(\.key) }) where !keys.contains(key) { keys.append(key) }
    let tables = scenarios.map { Dictionary($0.map { ($0.key, $0.value) }) { first, _ in first } }
    // What a world is called and tells is no setting.
    let texts = ["title", "lesson"]
    let different = keys.filter { key in
      !texts.contains(key) && Set(tables.map { $0[key] ?? "–" }).count > 1
    }
    guard groups.flatMap(\.runs).count > 1, tables.contains(where: { !$0.isEmpty }) else {
      return nil
    }
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
}
