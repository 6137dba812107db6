import RunRecords
import Statistics

extension ComparisonReport {
  /// The verdict of every group: two needles on one line, and what was said of each seed.
  static func verdicts(_ groups: [RunGroup]) -> ReportSection? {
    let gains = groups.map { group in
      group.runs.compactMap { $0.records.evaluation?.verdict }
    }
    guard gains.contains(where: { !$0.isEmpty }) else { return nil }
    let all = gains.joined().flatMap { [$0.gain.score, $0.gain.gold] }.compactMap(\.self)
    let limit = max(2, all.map(abs).max() ?? 0)
    return ReportSection(id: "verdicts", title: "Who got better, and who fooled the judge") {
      table(
        [
          .plain("settings"), .plain("verdict"), .plain("both, in sd"), .number("score"),
          .number("gold"), .number("KL, nats"),
        ], style: "samples verdicts"
      ) {
        for (group, verdicts) in zip(groups, gains) {
          let score = verdicts.compactMap(\.gain.score)
          let gold = verdicts.compactMap(\.gain.gold)
          element("tr") {
            rowTitle(group.name)
            element("td") {
              for (word, count) in counted(verdicts) {
                element("span", ["class": "status \(style(word))"]) {
                  verdicts.count > 1
                    ? "\(word.rawValue) \(count) of \(verdicts.count)" : word.rawValue
                }
                " "
              }
            }
            element("td", ["class": "place", "data-label": ""]) {
              strip(score: mean(score), gold: mean(gold), limit: limit)
            }
            number(spread(score), "score")
            number(spread(gold), "gold")
            number(spread(group.values { $0.ppo?.klExact?.mean }, isSigned: false), "KL")
          }
        }
      }
      element("p", ["class": "note"]) {
        "Square: the score; disc: gold; in standard deviations of the SFT policy, 0 at its mean. Of "
          + "several seeds the mean, in brackets the least and the greatest."
      }
    }
  }

  private static func counted(_ verdicts: [Verdict]) -> [(word: Verdict.Word, count: Int)] {
    Verdict.Word.allCases.compactMap { word in
      let count = verdicts.count { $0.word == word }
      return count > 0 ? (word, count) : nil
    }
  }

  private static func style(_ word: Verdict.Word) -> String {
    switch word {
    case .better: "better"
    case .fooled, .worse: "worse"
    case .unchanged, .unclear: "unclear"
    }
  }

  private static func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : Summary(values).mean
  }

  private static func spread(_ values: [Double], isSigned: Bool = true) -> String {
    guard let low = values.min(), let high = values.max() else { return "–" }
    func text(_ value: Double) -> String {
      isSigned ? NumberText.signed(value, 1) : NumberText.fixed(value, 1)
    }
    let middle = text(Summary(values).mean)
    return values.count == 1 ? middle : "\(middle) (\(text(low)) to \(text(high)))"
  }

  /// Gold over score: where a curve leaves the diagonal, the judge is being fooled.
  static func proxyAndGold(_ groups: [RunGroup]) -> ReportSection? {
    let figures = charts(
      RunGroup.divided(groups).map { facet, groups in
        var chart = LineChart(
          title: facet.isEmpty ? "Gold over score" : "Gold over score: \(facet)",
          unit: "gold, \(StandardUnits.name)", horizontalTitle: "score, \(StandardUnits.name)",
          isHorizontalWhole: false, horizontalIncludes: [0], series: [], includes: [0],
          note:
            "A curve begins at 0 and ends to the right. On the diagonal gold keeps what the "
            + "score promises; below it the score overstates.")
        for group in groups {
          chart.append(
            group.line(isScattered: true) { run in
              let frames = OutcomeFrames(run.records)
              return zip(frames.score, frames.gold).compactMap { score, gold in
                score.map { .init(x: $0, y: gold) }
              }
            })
        }
        chart.takeFromEnds("Gold")
        let most = chart.series.flatMap { $0.points.map(\.x) }.max() ?? 0
        if most > 0, chart.series.contains(where: \.isDrawn) {
          chart.series.append(
            .init(name: "gold = score", points: [.init(x: 0, y: 0), .init(x: most, y: most)]))
        }
        return chart
      })
    return figures.map { figures in
      ReportSection(id: "proxy", title: "Does gold keep what the score promises?") { figures }
    }
  }

  /// The first prompts with the response of each group's first run.
  static func samples(_ groups: [RunGroup]) -> ReportSection? {
    let shown = groups.compactMap { group -> (name: String, records: ReportRecords)? in
      guard let run = group.runs.first, !run.records.samples.isEmpty else { return nil }
      let seed = group.runs.count > 1 ? ", seed \(run.records.information.seed)" : ""
      return (RunGroup.plain(group.name) + seed, run.records)
    }
    guard shown.count > 1, let first = shown.first?.records else { return nil }
    let prompts = first.samples.prefix(5)
    return ReportSection(id: "samples", title: "Samples side by side") {
      for (index, sample) in prompts.enumerated() {
        let rows = responses(sample, shown)
        if index < 3 {
          rows
        } else {
          element("details") {
            element("summary") { sample.prompt + " …" }
            rows
          }
        }
      }
    }
  }

  private static func responses(
    _ sample: SampleComparison, _ shown: [(name: String, records: ReportRecords)]
  ) -> Markup {
    table(
      [.plain("settings"), .words("response"), .number("gold"), .number("score")],
      style: "samples", caption: "\(sample.prompt) …"
    ) {
      let own = shown.compactMap { name, records in
        records.samples.first { $0.prompt == sample.prompt }.map { (name, $0, records.units) }
      }
      let isOne = own.allSatisfy { $0.1.before == sample.before }
      row(
        isOne ? "SFT" : "SFT of \(shown[0].name)", sample.before, sample.goldBefore,
        sample.scoreBefore, shown[0].records.units)
      for (name, sample, units) in own {
        row(name, sample.after, sample.goldAfter, sample.scoreAfter, units)
      }
    }
  }

  private static func row(
    _ name: String, _ response: String, _ gold: Double?, _ score: Double?, _ units: StandardUnits
  ) -> Markup {
    element("tr") {
      rowTitle(name)
      element("td", ["class": "words", "data-label": ""]) {
        response.isEmpty ? "(empty)" : response
      }
      ReportSection.reward(.gold, gold, units)
      ReportSection.reward(.score, score, units)
    }
  }

  /// What is known of each group's reward model: agreement, and what the probes found.
  static func rewardModels(_ groups: [RunGroup]) -> ReportSection? {
    let rewards = groups.map { group in group.runs.compactMap { $0.records.evaluation?.reward } }
    guard rewards.contains(where: { !$0.isEmpty }) else { return nil }
    typealias Reward = EvaluationSummary.RewardModel
    func row(
      _ name: String, _ unit: String = "", style: String = "number", _ text: ([Reward]) -> String
    ) -> Markup {
      element("tr") {
        rowTitle(name, unit: unit)
        for (group, some) in zip(groups, rewards) { number(text(some), group.name, style: style) }
      }
    }
    func percent(_ value: @escaping (Reward) -> Double?) -> ([Reward]) -> String {
      { mean($0.compactMap(value)).map(NumberText.percent) ?? "–" }
    }
    var probes: [String] = []
    for name in rewards.joined().flatMap({ $0.probes ?? [] }).map(\.name)
    where !probes.contains(name) { probes.append(name) }
    return ReportSection(id: "reward", title: "The reward models") {
      scrolled(
        table([.plain("")] + groups.map { .number($0.name) }, style: "compared samples") {
          row("agreement with gold", "", percent { $0.goldAgreement?.value })
          row("held-out accuracy", "", percent { $0.accuracy?.value })
          row("ceiling", "", percent(\.ceiling))
          for name in probes {
            row("probe: \(name.replacing("_", with: " "))", "reward, gold, sd") { some in
              let found = some.compactMap { $0.probes?.first { $0.name == name } }
              let changes = [
                mean(found.map(\.change.mean)), mean(found.compactMap(\.goldChange?.mean)),
              ]
              return changes.map { $0.map { NumberText.signed($0, 2) } ?? "–" }
                .joined(separator: ", ")
            }
          }
          row("alerts", "of each run", style: "names") { some in
            let titles = some.map { (($0.alerts ?? []) + $0.laterAlerts).map(\.rule.title) }
            guard !titles.joined().isEmpty else {
              return some.contains { $0.alerts == nil } ? "not examined" : "none"
            }
            var kinds: [String] = []
            for title in titles.joined() where !kinds.contains(title) { kinds.append(title) }
            return kinds.map { kind in
              let count = titles.count { $0.contains(kind) }
              return count == some.count ? kind : "\(kind) (\(count) of \(some.count))"
            }.joined(separator: "; ")
          }
        })
      element("p", ["class": "note"]) {
        "Means over seeds. A probe changes held-out responses: where the reward moves otherwise than "
          + "gold does, a policy can exploit it."
      }
    }
  }
}
