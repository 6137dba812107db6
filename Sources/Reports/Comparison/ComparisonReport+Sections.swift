import RunRecords
import Statistics

extension ComparisonReport {
  /// The final figures of every group: of one run with what is known of their error, of several as mean
  /// and sd over the seeds.
  static func figures(_ groups: [RunGroup]) -> ReportSection? {
    let figures = Figure.all.filter { figure in
      groups.contains { !$0.values(figure.value).isEmpty }
    }
    guard !figures.isEmpty else { return nil }
    return ReportSection(id: "figures", title: "All final figures") {
      scrolled(
        table([.plain("")] + groups.map { .number($0.name) }, style: "compared samples") {
          for figure in figures {
            element("tr") {
              rowTitle(figure.name, unit: figure.of)
              for group in groups { number(figure.text(of: group), group.name) }
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
    }
  }

  /// Gold and score of each group against √KL.
  static func frontier(_ groups: [RunGroup]) -> ReportSection? {
    func chart(
      _ title: String, _ groups: [RunGroup],
      _ value: @escaping (FrontierChart, FrontierChart.Iteration) -> Double?, _ note: String
    ) -> LineChart {
      var chart = LineChart(
        title: title, unit: StandardUnits.name, horizontalTitle: "√KL, √nats",
        isHorizontalWhole: false, horizontalIncludes: [0], series: [],
        note: note
          + (groups.contains { $0.runs.count > 1 }
            ? " Lines are means over seeds, iteration by iteration." : ""))
      for group in groups {
        chart.append(
          group.line(isScattered: true) { run in
            let frontier = FrontierChart(run.records)
            return (frontier?.marks ?? []).map { iteration in
              .init(
                x: FrontierChart.root(iteration.kl), y: frontier.flatMap { value($0, iteration) })
            }
          })
      }
      chart.takeFromEnds(title.hasPrefix("Gold") ? "Gold" : "Score")
      return chart
    }
    let figures = charts(
      RunGroup.divided(groups).flatMap { facet, groups in
        [
          chart(
            titled("Gold against √KL", facet), groups, { $0.units.gold($1.gold) },
            "What each step away from the reference was worth by gold."),
          chart(
            titled("Score against √KL", facet), groups, { $0.units.score($1.score) },
            "What the reward model thought. Runs with reward models of their own have scores of their "
              + "own."),
        ]
      })
    return figures.map { figures in
      ReportSection(id: "frontier", title: "Gold and score at each distance from SFT") { figures }
    }
  }

  /// The curves of optimization over its iterations.
  static func training(_ groups: [RunGroup]) -> ReportSection? {
    let curves: [(title: String, unit: String, values: (OutcomeFrames) -> [Double?])] = [
      ("Gold", StandardUnits.name, \.gold), ("Score", StandardUnits.name, \.score),
      ("KL from SFT", "nats per response", \.kl), ("Length", "tokens per response", \.length),
    ]
    let figures = charts(
      RunGroup.divided(groups).flatMap { facet, groups in
        curves.map { curve in
          var chart = LineChart(
            title: titled(curve.title, facet), unit: curve.unit, horizontalTitle: "iterations done",
            series: [], includes: [0], note: bandNote(groups))
          for group in groups {
            chart.append(
              group.line { run in
                let frames = OutcomeFrames(run.records)
                guard frames.iterations.count > 1 else { return [] }
                return zip(frames.iterations, curve.values(frames)).map {
                  .init(x: Double($0), y: $1)
                }
              })
          }
          chart.takeFromEnds(curve.title)
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

  /// The settings that are not the same in all groups.
  static func settings(_ groups: [RunGroup]) -> ReportSection? {
    let difference = SettingsDifference(groups)
    guard groups.flatMap(\.runs).count > 1,
      groups.contains(where: { $0.runs.first?.records.settings != nil })
    else { return nil }
    return ReportSection(id: "settings", title: "Settings that differ") {
      if difference.rows.isEmpty {
        element("p") { "None: the runs differ in their seeds at most." }
      } else {
        settingsTable(difference.rows.prefix(12), groups)
        if difference.rows.count > 12 {
          element("details") {
            element("summary") { "\(difference.rows.count - 12) more" }
            settingsTable(difference.rows.dropFirst(12), groups)
          }
        }
      }
    }
  }

  private static func settingsTable(
    _ rows: some Sequence<SettingsDifference.Row>, _ groups: [RunGroup]
  ) -> Markup {
    scrolled(
      table([.plain("key")] + groups.map { .plain($0.name) }, style: "compared samples") {
        for row in rows {
          element("tr") {
            element("th", ["scope": "row"]) { element("code") { row.key } }
            for (group, value) in zip(groups, row.values) {
              element("td", ["data-label": group.name]) { value }
            }
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
