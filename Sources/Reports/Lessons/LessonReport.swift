package import Foundation
package import RunRecords
import Statistics

/// lesson.html: the question, what was expected, what was varied, the figure that answers it, and the
/// verdict of each claim.
package enum LessonReport {
  /// Writes the page, atomically.
  ///
  /// - Parameter figures: final figures by arm, or metrics of PPO by iteration.
  /// - Throws: when a record is malformed, or the file cannot be written.
  package static func write(
    _ lesson: LessonRecord, _ results: SweepResults, figures: [String], to url: URL
  ) throws {
    var groups: [RunGroup] = []
    var finals: [String: [String: [Double]]] = [:]
    for cell in results.cells {
      let arm = cell.labels.joined(separator: ", ")
      if groups.last?.name != arm { groups.append(RunGroup(name: arm, runs: [])) }
      guard cell.status == "done" else { continue }
      let run = try results.directory(of: cell)
      groups[groups.count - 1].runs.append(
        ComparedRun(
          name: "seed \(cell.seed)", records: try ReportRecords(readingFiguresOf: run)))
      for figure in try SweepResults.figures(of: run) {
        finals[figure.name, default: [:]][arm, default: []].append(figure.value)
      }
    }
    let drawn = figures.compactMap { name in
      name.contains("/") ? course(of: name, groups) : bars(of: name, groups, finals[name] ?? [:])
    }
    let sections = [
      expectation(lesson), arms(lesson), answer(drawn), verdicts(lesson), samples(results),
      further(lesson),
    ].compactMap(\.self)
    let page = Report.document(title: "rlhf-sim · \(lesson.title)", sections: sections) {
      element("header") {
        element("p", ["class": "kicker"]) { "rlhf-sim · a lesson" }
        element("h1") { lesson.title }
        element("p") { lesson.question }
        facts([
          ("arms", "\(lesson.arms.count)"),
          ("seeds", lesson.seeds.map(String.init).joined(separator: ", ")),
          ("size", lesson.isQuick ? "quick, for a class" : ""),
          (
            "claims that hold",
            "\(lesson.claims.count(where: \.holds)) of \(lesson.claims.count)"
          ),
        ])
      }
    }
    try AtomicFile.write(page, to: url)
  }

  private static func expectation(_ lesson: LessonRecord) -> ReportSection? {
    guard !lesson.choices.isEmpty else { return nil }
    return ReportSection(id: "expectation", title: "What do you expect?") {
      element("ol") {
        for (index, choice) in lesson.choices.enumerated() {
          element("li") {
            choice
            if lesson.expected == index + 1 { element("b") { " (expected before the run)" } }
          }
        }
      }
      element("details") {
        element("summary") { "What was found" }
        element("p") { "Choice \(lesson.answer). \(lesson.explanation)" }
      }
    }
  }

  private static func arms(_ lesson: LessonRecord) -> ReportSection {
    ReportSection(id: "arms", title: "What was varied") {
      scrolled(
        table([.plain("arm"), .words("settings")]) {
          for arm in lesson.arms {
            element("tr") {
              rowTitle(arm.name)
              element("td", ["class": "words"]) {
                if arm.settings.isEmpty { "as in the scenario" }
                for setting in arm.settings {
                  element("code") { setting }
                  " "
                }
              }
            }
          }
        })
    }
  }

  private static func answer(_ figures: [Markup]) -> ReportSection? {
    guard !figures.isEmpty else { return nil }
    return ReportSection(id: "answer", title: "The answer") {
      element("div", ["class": "charts"]) { figures }
    }
  }

  /// A metric of PPO by iteration: a line for each arm, with a band over its seeds.
  private static func course(of name: String, _ groups: [RunGroup]) -> Markup? {
    let metric = Metric.all.first { $0.name == name }
    var chart = LineChart(
      title: metric.map { $0.title.prefix(1).uppercased() + $0.title.dropFirst() } ?? name,
      unit: metric?.unit ?? "", horizontalTitle: "iteration", series: [],
      note: "Lines are means over seeds, bands go from the least seed to the greatest.")
    for group in groups {
      chart.append(
        group.line { run in
          run.records.policyOptimization?.series(name, named: "")?.points ?? []
        })
    }
    return chart.figure()
  }

  /// A final figure of each arm: the mean over its seeds, and from the least to the greatest.
  private static func bars(
    of name: String, _ groups: [RunGroup], _ values: [String: [Double]]
  ) -> Markup? {
    let all = values.values.joined()
    guard let least = all.min(), let greatest = all.max() else { return nil }
    let range = min(least, greatest - 1e-6)...greatest
    return figure(
      name, note: "The mean over seeds, and from the least seed to the greatest.", isWide: true
    ) {
      element("table", ["class": "bars"]) {
        element("tbody") {
          for group in groups {
            let own = values[group.name] ?? []
            if let low = own.min(), let high = own.max() {
              let mean = Summary(own).mean
              element("tr") {
                rowTitle(group.name)
                element("td", ["class": "track"]) {
                  IntervalBar(
                    rows: [.init(name: "", value: mean, low: low, high: high)], range: range,
                    description: "\(group.name): \(NumberText.fixed(mean, 2)), from "
                      + "\(NumberText.fixed(low, 2)) to \(NumberText.fixed(high, 2))"
                  ).svg
                }
                number(mean)
              }
            }
          }
        }
      }
    }
  }

  private static func verdicts(_ lesson: LessonRecord) -> ReportSection {
    ReportSection(id: "verdicts", title: "The claims") {
      scrolled(
        table([.plain("claim"), .plain("verdict"), .words("found"), .words("stated as")]) {
          for claim in lesson.claims {
            element("tr") {
              rowTitle(claim.claim)
              element("td") { claim.holds ? "✓ holds" : "✗ fails" }
              element("td", ["class": "words"]) { claim.finding }
              element("td", ["class": "words"]) { claim.statement }
            }
          }
        })
      element("p", ["class": "note"]) {
        "Found: the mean over seeds, in brackets its 95 % interval by Student's t, and the seeds on which the "
          + "figure is beyond the threshold. Claims were stated before the runs."
        if lesson.isQuick {
          " The thresholds are those of the full size; at this one they may fail by chance."
        }
      }
    }
  }

  /// The responses of every arm to the same prompts, of the first seed.
  private static func samples(_ results: SweepResults) -> ReportSection? {
    let seed = results.cells.first?.seed
    var arms: [(name: String, rows: [SampleComparison])] = []
    for cell in results.cells where cell.seed == seed && cell.status == "done" {
      guard let run = try? results.directory(of: cell),
        let rows = try? SampleComparison.read(from: run)
      else { continue }
      arms.append((cell.labels.joined(separator: ", "), rows))
    }
    // Runs of one seed are judged on the same prompts.
    let prompts = arms.first?.rows.prefix(6).map(\.prompt) ?? []
    guard !prompts.isEmpty else { return nil }
    return ReportSection(id: "samples", title: "Side by side") {
      scrolled(
        table([.plain("prompt"), .words("SFT")] + arms.map { .words($0.name) }) {
          for (index, prompt) in prompts.enumerated() {
            element("tr") {
              rowTitle(prompt)
              element("td", ["class": "words"]) { arms.first?.rows[index].before ?? "" }
              for arm in arms {
                element("td", ["class": "words"]) {
                  let row = arm.rows.indices.contains(index) ? arm.rows[index] : nil
                  if let row, row.prompt == prompt {
                    row.after
                    if let gold = row.goldAfter {
                      element("span", ["class": "unit"]) { "gold \(NumberText.fixed(gold, 1))" }
                    }
                  }
                }
              }
            }
          }
        })
      element("p", ["class": "note"]) { "Seed \(seed.map(String.init) ?? "")." }
    }
  }

  private static func further(_ lesson: LessonRecord) -> ReportSection? {
    guard !lesson.next.isEmpty || !lesson.reading.isEmpty else { return nil }
    return ReportSection(id: "next", title: "What to try next") {
      element("ul") { for text in lesson.next { element("li") { text } } }
      if !lesson.reading.isEmpty {
        element("h3", ["class": "part"]) { "To read" }
        element("ul") { for text in lesson.reading { element("li") { text } } }
      }
    }
  }
}
