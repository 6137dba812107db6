package import Foundation
package import RunRecords
import Statistics

/// index.html of a sweep: a row for every combination of settings, bands over seeds, any figure against
/// any other, and how reward grew with the distance from the reference.
package enum SweepReport {
  /// Reads the records of the cells that are done and writes the page, atomically.
  ///
  /// - Throws: when a record is malformed, or the file cannot be written.
  package static func write(_ results: SweepResults, to url: URL) throws {
    var groups: [RunGroup] = []
    var cells: [FigureExplorer.Cell] = []
    for cell in results.cells {
      let name = label(cell, results.axes)
      if groups.last?.name != name {
        groups.append(
          RunGroup(name: name, runs: [], facet: cell.labels.dropLast().joined(separator: ", ")))
      }
      guard cell.status == "done" else { continue }
      let run = try results.directory(of: cell)
      groups[groups.count - 1].runs.append(
        ComparedRun(
          name: "seed \(cell.seed)", records: try ReportRecords(readingFiguresOf: run)))
      let axes = zip(results.axes, cell.labels).compactMap { axis, label in
        Double(label).map { (name: axis, value: $0) }
      }
      cells.append(
        .init(group: groups.count - 1, figures: axes + (try SweepResults.figures(of: run))))
    }
    let explorer = FigureExplorer(groups: groups.map(\.name), cells: cells)
    let all = groups.filter { !$0.runs.isEmpty }
    let sections = [
      table(all), explorer.section, ComparisonReport.frontier(all),
      OveroptimizationTable.section(all),
      ComparisonReport.training(all), list(results),
    ].compactMap(\.self)
    let page = Report.document(title: "rlhf-sim · \(results.plan)", sections: sections) {
      header(results, groups.count)
    }
    try AtomicFile.write(page, to: url)
  }

  private static func label(_ cell: SweepResult, _ axes: [String]) -> String {
    guard !axes.isEmpty else { return "all" }
    // The last key of a path says enough.
    return zip(axes, cell.labels).map { axis, label in
      "\(axis.split(separator: ".").last ?? "") \(label)"
    }.joined(separator: ", ")
  }

  private static func header(_ results: SweepResults, _ groups: Int) -> Markup {
    let failed = results.cells.count { $0.status == "failed" }
    let done = results.cells.count { $0.status == "done" }
    return element("header") {
      element("p", ["class": "kicker"]) { "rlhf-sim · a sweep" }
      element("h1") { results.plan }
      facts([
        ("cells", "\(results.cells.count)"), ("done", "\(done)"),
        ("failed", failed > 0 ? "\(failed)" : ""), ("settings", "\(groups)"),
        ("axes", results.axes.joined(separator: ", ")),
        ("seeds", "\(Set(results.cells.map(\.seed)).count)"),
      ])
    }
  }

  /// The main figures of every group, mean ± sd over its seeds.
  private static func table(_ groups: [RunGroup]) -> ReportSection? {
    let figures = [
      Figure.goldAfter, .scoreAfter, .divergence, .winRate, .accuracy,
    ].filter { figure in groups.contains { !$0.values(figure.value).isEmpty } }
    guard !figures.isEmpty else { return nil }
    return ReportSection(id: "results", title: "Results") {
      scrolled(
        Reports.table(
          [.plain("settings"), .number("seeds")]
            + figures.map { .number($0.of.isEmpty ? $0.name : "\($0.name), \($0.of)") }
        ) {
          for group in groups {
            element("tr") {
              rowTitle(group.name)
              number("\(group.runs.count)")
              for figure in figures { number(figure.text(of: group)) }
            }
          }
        })
      element("p", ["class": "note"]) {
        "Mean ± standard deviation over seeds; of one seed ± is half the 95 % interval over responses."
      }
    }
  }

  /// Every cell with a link to its report, or with its error.
  private static func list(_ results: SweepResults) -> ReportSection {
    ReportSection(id: "cells", title: "Cells") {
      element("details") {
        element("summary") { "\(results.cells.count) cells" }
        scrolled(
          Reports.table((results.axes + ["seed", "status", ""]).map(Column.plain)) {
            for cell in results.cells {
              element("tr") {
                for text in cell.labels + ["\(cell.seed)", cell.status] { element("td") { text } }
                element("td") {
                  if cell.status == "done" {
                    element("a", ["href": "\(cell.run)/report.html"]) { "report" }
                  } else {
                    cell.error ?? ""
                  }
                }
              }
            }
          })
      }
      for cell in results.cells where cell.status == "failed" {
        element("p") { "Failed: \(cell.run): \(cell.error ?? "")" }
      }
    }
  }
}
