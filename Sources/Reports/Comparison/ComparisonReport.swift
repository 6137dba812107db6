package import Foundation
package import RunRecords
import Statistics

/// compare.html: any number of runs (seeds, β, presets, algorithms) on one self-contained page; runs
/// that differ in their seed alone are shown as one.
package enum ComparisonReport {
  /// Reads what the runs recorded and writes the page, atomically.
  ///
  /// - Parameter runs: at least one; each with the name it is shown by.
  /// - Throws: when run.json of one is absent, a record is malformed, or the file cannot be written.
  package static func write(
    _ runs: [(name: String, directory: RunDirectory)], to url: URL
  ) throws {
    var records: [ComparedRun] = []
    for run in runs {
      records.append(
        ComparedRun(
          name: run.name, records: try ReportRecords(readingFiguresOf: run.directory)))
    }
    try AtomicFile.write(page(of: records), to: url)
  }

  static func page(of runs: [ComparedRun]) -> String {
    let groups = RunGroup.bySeed(runs).namedBySettings()
    let sections = [
      verdicts(groups), proxyAndGold(groups), frontier(groups), samples(groups),
      rewardModels(groups), training(groups), settings(groups), figures(groups), reading(runs),
    ].compactMap(\.self)
    return Report.document(title: "rlhf-sim · \(runs.count) runs", sections: sections) {
      element("header") {
        element("p", ["class": "kicker"]) { "rlhf-sim · runs side by side" }
        element("h1") { title(groups) }
        element("details") {
          element("summary") { "\(runs.count) \(runs.count == 1 ? "run" : "runs")" }
          scrolled(identity(groups))
        }
      }
    }
  }

  /// Which group has the most gold, and which one its judge overstates most.
  private static func title(_ groups: [RunGroup]) -> String {
    let gains = groups.compactMap { group -> (name: String, gold: Double, gap: Double)? in
      let gains = group.runs.compactMap { $0.records.evaluation?.verdict?.gain }
      let golds = gains.compactMap(\.gold)
      guard !golds.isEmpty else { return nil }
      return (group.name, Summary(golds).mean, Summary(gains.compactMap(\.gap)).mean)
    }
    guard gains.count > 1, let best = gains.max(by: { $0.gold < $1.gold }),
      let worst = gains.min(by: { $0.gold < $1.gold })
    else { return groups.count == 1 ? "One setting" : "\(groups.count) settings" }
    func text(_ value: Double) -> String { NumberText.signed(value, 1) + " sd" }
    let (first, last) = (RunGroup.plain(best.name), RunGroup.plain(worst.name))
    let (high, low) = (text(best.gold), text(worst.gold))
    if best.gold < 0 {
      return "Gold fell with every setting: by the least with \(first) (\(high)), by the most with "
        + "\(last) (\(low))"
    }
    return "Gold gains most with \(first) (\(high)), and "
      + (worst.gold < 0 ? "fell most" : "least") + " with \(last) (\(low))"
  }

  private static func identity(_ groups: [RunGroup]) -> Markup {
    let titles =
      ["scenario", "seed", "status", "stages took"]
      + (groups.contains { $0.runs.count > 1 } ? ["shown as"] : [])
    return table((["run"] + titles).map(Column.plain), style: "compared samples") {
      for group in groups {
        for run in group.runs {
          let information = run.records.information
          let seconds = information.stageSeconds.reduce(0) { $0 + $1.seconds }
          let cells = [
            information.scenario, String(information.seed), information.status.rawValue,
            NumberText.duration(seconds), group.name,
          ]
          element("tr") {
            rowTitle(run.name)
            for (title, text) in zip(titles, cells) {
              element("td", ["data-label": title]) { text }
            }
          }
        }
      }
    }
  }
}

/// One of the runs and the name it is shown by.
struct ComparedRun {
  var name: String
  var records: ReportRecords
}

/// Runs that differ in their seed alone, shown as one.
struct RunGroup {
  var name: String
  var runs: [ComparedRun]
  /// What charts are divided by where there are too many groups for one.
  var facet = ""

  /// The runs with equal settings together, in the order of their first; runs of the same seed stay
  /// apart.
  static func bySeed(_ runs: [ComparedRun]) -> [RunGroup] {
    var keys: [String] = []
    var members: [String: [ComparedRun]] = [:]
    for (index, run) in runs.enumerated() {
      let information = run.records.information
      let settings = run.records.scenario ?? "run \(index)"
      let key = [information.command.rawValue, run.records.method, settings].joined(separator: "\n")
      if members[key] == nil { keys.append(key) }
      members[key, default: []].append(run)
    }
    return keys.flatMap { key -> [RunGroup] in
      let runs = members[key] ?? []
      guard runs.count > 1, Set(runs.map(\.records.information.seed)).count == runs.count else {
        return runs.map { RunGroup(name: $0.name, runs: [$0]) }
      }
      return [RunGroup(name: "\(runs[0].name), \(runs.count) seeds", runs: runs)]
    }
  }

  /// A name without the number of seeds.
  static func plain(_ name: String) -> String {
    name.replacing(/, \d+ seeds$/, with: "")
  }

  /// Groups for one chart each: as many as there are styles of lines to tell them apart by.
  static func divided(_ groups: [RunGroup]) -> [(title: String, groups: [RunGroup])] {
    guard groups.count > mostInChart else { return [("", groups)] }
    var facets: [String] = []
    for group in groups where !facets.contains(group.facet) { facets.append(group.facet) }
    return facets.flatMap { facet -> [(title: String, groups: [RunGroup])] in
      let members = groups.filter { $0.facet == facet }
      return stride(from: 0, to: members.count, by: mostInChart).map { start in
        let some = Array(members[start..<min(start + mostInChart, members.count)])
        return (facet.isEmpty ? "\(start + 1) to \(start + some.count)" : facet, some)
      }
    }
  }

  static let mostInChart = 8

  /// Final figures, one a run that has it.
  func values(_ figure: (EvaluationSummary) -> Double?) -> [Double] {
    runs.compactMap { $0.records.evaluation.flatMap(figure) }
  }

  /// A line of means over the runs, and the band from the least to the greatest where there are
  /// several and x is not measured itself.
  ///
  /// - Parameter points: those of one run; the points of a number belong together.
  func line(
    isScattered: Bool = false, _ points: (ComparedRun) -> [LineChart.Point]
  ) -> (series: LineChart.Series, band: [(x: Double, low: Double, high: Double)]) {
    let all = runs.map(points).filter { !$0.isEmpty }
    guard all.count > 1 else {
      return (.init(name: name, points: all.first ?? [], isScattered: isScattered), [])
    }
    var (line, band): ([LineChart.Point], [(x: Double, low: Double, high: Double)]) = ([], [])
    for index in 0..<(all.map(\.count).min() ?? 0) {
      let xs = all.map { $0[index].x }
      let ys = all.compactMap { $0[index].y }.filter(\.isFinite)
      let x = Summary(xs).mean
      line.append(.init(x: x, y: ys.isEmpty ? nil : Summary(ys).mean))
      // Where x is measured too, it goes back at times, and a band would fold over itself.
      if !isScattered, let low = ys.min(), let high = ys.max() { band.append((x, low, high)) }
    }
    return (.init(name: name, points: line, isScattered: false), band)
  }
}

extension LineChart {
  /// The takeaway of a chart of groups: which of them ends highest, and which lowest.
  ///
  /// - Parameter name: what the chart shows.
  mutating func takeFromEnds(_ name: String) {
    let ends = series.compactMap { line -> (name: String, y: Double)? in
      line.points.last(where: { $0.y != nil })?.y.map { (RunGroup.plain(line.name), $0) }
    }
    guard ends.count > 1, let high = ends.max(by: { $0.y < $1.y }),
      let low = ends.min(by: { $0.y < $1.y })
    else { return }
    takeaway =
      "\(name) ends between \(NumberText.fixed(low.y, 1)) (\(low.name)) and "
      + "\(NumberText.fixed(high.y, 1)) (\(high.name))"
  }

  /// Adds the line of a group and its band.
  mutating func append(
    _ line: (series: Series, band: [(x: Double, low: Double, high: Double)])
  ) {
    series.append(line.series)
    if line.band.count > 1 { bands.append(.init(series: series.count - 1, points: line.band)) }
  }
}
