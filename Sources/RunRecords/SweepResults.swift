import Formats
package import Foundation
package import Statistics

/// A cell of a sweep, for its tables and its page.
package struct SweepResult: Sendable {
  /// The run directory below the sweep's.
  package let run: String
  /// The value of every axis.
  package let labels: [String]
  package let seed: UInt64
  /// `done`, `failed`, `running` or `waiting`.
  package let status: String
  /// Why it failed.
  package let error: String?

  package init(run: String, labels: [String], seed: UInt64, status: String, error: String?) {
    (self.run, self.labels, self.seed) = (run, labels, seed)
    (self.status, self.error) = (status, error)
  }
}

/// What a sweep came to: `results.csv`, `results.json` and `curves.csv`. They hold no times, so that equal
/// results are equal bytes.
package struct SweepResults: Sendable {
  /// The columns of results.csv beside those of axes and figures; the axes stand after the first.
  package static let ownColumns = ["cell", "seed", "status", "error", "verdict"]
  /// Those of curves.csv after cell, axes and seed: gains as in results.csv, and the rewards as recorded.
  package static let curveColumns =
    ["step", Metric.exactKL.name, "gain_sd.gold", "gain_sd.score"]
    + [Metric.gold.name, Metric.score.name]

  package let plan: String
  package let axes: [String]
  package let cells: [SweepResult]
  let directory: URL

  package init(plan: String, axes: [String], cells: [SweepResult], in directory: URL) {
    (self.plan, self.axes, self.cells, self.directory) = (plan, axes, cells, directory)
  }

  package func directory(of cell: SweepResult) throws(RunRecordsError) -> RunDirectory {
    try RunDirectory.open(directory.appending(path: cell.run))
  }

  /// Writes the three files.
  ///
  /// - Throws: `unwritable`, or what reading the records of a cell that is done throws.
  package func write() throws(RunRecordsError) {
    var names: [String] = []
    var figures: [[String: Double]] = []
    for cell in cells {
      let rows = cell.status == "done" ? try Self.figures(of: directory(of: cell)) : []
      for row in rows where !names.contains(row.name) { names.append(row.name) }
      figures.append(Dictionary(rows.map { ($0.name, $0.value) }) { first, _ in first })
    }
    names.sort()
    var table = CommaSeparatedValues(
      columns: Self.ownColumns.prefix(1) + axes + Self.ownColumns.dropFirst() + names)
    var records: [JSONValue] = []
    for (cell, figures) in zip(cells, figures) {
      let verdict = try cell.status == "done" ? evaluation(of: cell)?.word?.rawValue : nil
      table.append(
        [cell.run] + cell.labels + ["\(cell.seed)", cell.status, cell.error ?? "", verdict ?? ""]
          + names.map { CommaSeparatedValues.cell(figures[$0]) })
      var record = JSONObject([("cell", .string(cell.run))])
      for (axis, label) in zip(axes, cell.labels) { record[axis] = Self.value(label) }
      record["seed"] = Int(exactly: cell.seed).map { .int($0) } ?? .string("\(cell.seed)")
      record["status"] = .string(cell.status)
      record["error"] = cell.error.map { .string($0) } ?? .null
      record["verdict"] = verdict.map { .string($0) } ?? .null
      for name in names { record[name] = figures[name].map { .double($0) } ?? .null }
      records.append(.object(record))
    }
    try AtomicFile.write(table.text, to: directory.appending(path: "results.csv"))
    let json = (try? JSONValue.array(records).text(.indented)) ?? "[]"
    try AtomicFile.write(json + "\n", to: directory.appending(path: "results.json"))
    try AtomicFile.write(curves().text, to: directory.appending(path: "curves.csv"))
  }

  /// evaluation.json of a cell that is done; nil where the cell has none.
  private func evaluation(
    of cell: SweepResult
  ) throws(RunRecordsError) -> EvaluationSummary? {
    let run = try directory(of: cell)
    return AtomicFile.exists(run.evaluation) ? try EvaluationSummary.read(from: run) : nil
  }

  /// KL, gold and score by iteration: a row for every cell and iteration.
  private func curves() throws(RunRecordsError) -> CommaSeparatedValues {
    var table = CommaSeparatedValues(columns: ["cell"] + axes + ["seed"] + Self.curveColumns)
    for cell in cells where cell.status == "done" {
      let run = try directory(of: cell)
      guard AtomicFile.exists(run.metrics(.ppo)) else { continue }
      let start = try evaluation(of: cell)?.sft
      let rows = try MetricsTable(stage: .ppo, in: run)
      for (row, step) in rows.steps.enumerated() {
        func value(_ metric: Metric) -> Double? { rows[metric.name]?[row] }
        let (gold, score) = (value(.gold), value(.score))
        table.append(
          [cell.run] + cell.labels + ["\(cell.seed)", "\(step)"]
            + [
              value(.exactKL), gold.flatMap { start?.gold?.standardized($0) },
              score.flatMap { start?.score?.standardized($0) }, gold, score,
            ].map(CommaSeparatedValues.cell))
      }
    }
    return table
  }

  /// A number where the label is one, as pandas reads it from the CSV.
  private static func value(_ label: String) -> JSONValue {
    if let whole = Int(label) { return .int(whole) }
    if let number = Double(label), number.isFinite { return .double(number) }
    return label == "true" || label == "false" ? .bool(label == "true") : .string(label)
  }

  /// The numbers of evaluation.json, named by the keys that lead to them, and what the course of
  /// optimization adds. Items of a list are called by their `name` or `n`, or numbered from 1 where all
  /// have the same `n`; lists of others, such as the bins of a histogram, are no figures.
  package static func figures(
    of run: RunDirectory
  ) throws(RunRecordsError) -> [(name: String, value: Double)] {
    guard AtomicFile.exists(run.evaluation) else { return [] }
    do {
      return figures(in: try JSONValue(parsing: AtomicFile.read(run.evaluation)), below: "")
        + (try course(of: run))
    } catch let error as RunRecordsError {
      throw error
    } catch let error as JSONError {
      throw .malformed(path: run.evaluation.path, line: nil, reason: "\(error)")
    } catch {
      throw .unreadable(path: run.evaluation.path, reason: FileWritingError.reason(of: error))
    }
  }

  /// Gold and score while the policy was optimized, in sd of the SFT policy from its mean: the highest
  /// mean of five iterations, that of the last five, and by how much it lies below. And how far the
  /// members of an ensemble disagreed in the first five iterations and in the last.
  private static func course(
    of run: RunDirectory
  ) throws(RunRecordsError) -> [(name: String, value: Double)] {
    guard let start = try EvaluationSummary.read(from: run).sft,
      AtomicFile.exists(run.metrics(.ppo))
    else { return [] }
    let table = try MetricsTable(stage: .ppo, in: run)
    return course(from: start) { metric in (table[metric.name] ?? []).compactMap(\.self) }
  }

  private static func course(
    from start: EvaluationSummary.Policy, _ values: (Metric) -> [Double]
  ) -> [(name: String, value: Double)] {
    func meansOfFive(_ metric: Metric) -> [Double] {
      Array(values(metric).movingMeans().dropFirst(2).dropLast(2))
    }
    func figures(
      _ name: String, _ metric: Metric, _ start: Summary?
    ) -> [(name: String, value: Double)] {
      let means = meansOfFive(metric).compactMap { start?.standardized($0) }
      guard let highest = means.max(), let last = means.last else { return [] }
      return [("highest", highest), ("last", last), ("drop", highest - last)].map {
        ("course.\(name).\($0)", $1)
      }
    }
    let disagreement = meansOfFive(.disagreement)
    return figures("gold", .gold, start.gold) + figures("score", .score, start.score)
      + [("first", disagreement.first), ("last", disagreement.last)].compactMap { name, value in
        value.map { ("course.disagreement.\(name)", $0) }
      }
  }

  /// The names of the figures of a run with such an evaluation, in their order.
  ///
  /// - Parameter steps: iterations of PPO that recorded a metric.
  package static func figureNames(
    of evaluation: EvaluationSummary, steps: (Metric) -> Int
  ) -> [String] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let encoded = try? JSONValue(parsing: encoder.encode(evaluation))
    return figures(in: encoded ?? .null, below: "").map(\.name)
      + (evaluation.sft.map { start in
        course(from: start) { Array(repeating: 0, count: steps($0)) }.map(\.name)
      } ?? [])
  }

  private static func figures(
    in value: JSONValue, below path: String
  ) -> [(name: String, value: Double)] {
    func inner(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
    switch value {
    case .object(let object):
      return object.members.flatMap { figures(in: $0.value, below: inner($0.key)) }
    case .array(let items):
      let objects = items.compactMap(\.object)
      // Members of an ensemble, which have no name, are judged on equally many pairs.
      let counts = Set(objects.compactMap { $0["n"]?.int })
      let isCounted = counts.count == 1 && objects.count > 1
      return objects.enumerated().flatMap { index, object in
        let name = object["name"]?.string
        let number = isCounted ? index + 1 : object["n"]?.int
        guard let key = name ?? number.map({ "\($0)" }) else { return [(String, Double)]() }
        var rest = object
        rest[name == nil ? "n" : "name"] = nil
        return figures(in: .object(rest), below: inner(key))
      }
    default: return value.double.map { [(path, $0)] } ?? []
    }
  }
}
