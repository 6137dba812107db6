package import Foundation
package import RunRecords
import Statistics

/// compare.html: several runs (seeds, β, presets, algorithms) on one self-contained page.
package enum ComparisonReport {
  /// As many as there are styles of lines to tell them apart by.
  package static let mostRuns = 8

  /// Reads what the runs recorded and writes the page, atomically.
  ///
  /// - Parameter runs: at least one and at most ``mostRuns``; each with the name it is shown by.
  /// - Throws: when run.json of one is absent, a record is malformed, or the file cannot be written.
  package static func write(
    _ runs: [(name: String, directory: RunDirectory)], to url: URL
  ) throws {
    precondition((1...mostRuns).contains(runs.count), "\(runs.count) runs to compare")
    var records: [ComparedRun] = []
    for run in runs {
      records.append(
        ComparedRun(name: run.name, records: try ReportRecords(reading: run.directory)))
    }
    try AtomicFile.write(page(of: records), to: url)
  }

  static func page(of runs: [ComparedRun]) -> String {
    let sections = [
      figures(runs), frontier(runs), training(runs), settings(runs), reading(runs),
    ].compactMap(\.self)
    return Report.document(title: "rlhf-sim · \(runs.count) runs", sections: sections) {
      element("header") {
        element("p", ["class": "kicker"]) { "rlhf-sim · runs side by side" }
        element("h1") { runs.count == 1 ? "One run" : "\(runs.count) runs" }
        scrolled(identity(runs))
      }
    }
  }

  private static func identity(_ runs: [ComparedRun]) -> Markup {
    table(["run", "scenario", "seed", "status", "stages took"].map(Column.plain)) {
      for run in runs {
        let information = run.records.information
        let seconds = information.stageSeconds.reduce(0) { $0 + $1.seconds }
        element("tr") {
          rowTitle(run.name)
          for text in [
            information.scenario, String(information.seed), information.status.rawValue,
            NumberText.duration(seconds),
          ] { element("td") { text } }
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
