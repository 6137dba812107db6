import Foundation

/// The metrics of one stage read back: a column for every name, a row for every step.
package struct MetricsTable: Sendable, Equatable {
  /// Step numbers, in the order written.
  package let steps: [Int]
  /// Seconds since the stage began, one a row.
  package let seconds: [Double?]
  /// The names of all columns, sorted.
  package let names: [String]
  private let columns: [String: [Double?]]

  /// - Throws: `unreadable`, or `malformed` with the line.
  package init(stage: RunStage, in run: RunDirectory) throws(RunRecordsError) {
    let url = run.metrics(stage)
    let rows = try RecordJSON.decodeLines([String: Double?].self, at: url)
    var steps: [Int] = []
    for (index, row) in rows.enumerated() {
      guard let value = row["step"] ?? nil, let step = Int(exactly: value) else {
        throw .malformed(
          path: url.path, line: index + 1, reason: "`step` must be a whole number")
      }
      steps.append(step)
    }
    self.steps = steps
    seconds = rows.map { $0["seconds"] ?? nil }
    names = Set(rows.flatMap(\.keys)).subtracting(["step", "seconds"]).sorted()
    var columns: [String: [Double?]] = [:]
    for name in names {
      columns[name] = rows.map { $0[name] ?? nil }
    }
    self.columns = columns
  }

  /// The values of a column, one a row: `nil` where the step did not record it or it was not
  /// finite. `nil` for a name that was never recorded.
  package subscript(name: String) -> [Double?]? {
    columns[name]
  }
}
