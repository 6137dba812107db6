import Foundation

/// A table as CSV (RFC 4180), with line feeds: what spreadsheets and pandas read. A text that a
/// spreadsheet would compute has an apostrophe before it.
package struct CommaSeparatedValues: Sendable {
  private let columns: Int
  /// The table with a line end after each row.
  package private(set) var text: String

  package init(columns: [String]) {
    self.columns = columns.count
    text = Self.line(columns)
  }

  /// Adds a row with a cell for every column.
  package mutating func append(_ cells: [String]) {
    precondition(cells.count == columns, "a row of \(cells.count) cells in \(columns) columns")
    text += Self.line(cells)
  }

  /// A number with all its digits; an empty cell for what is absent or not finite.
  static func cell(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "" }
    return "\(value)"
  }

  private static func line(_ cells: [String]) -> String {
    cells.map(quoted).joined(separator: ",") + "\n"
  }

  private static func quoted(_ cell: String) -> String {
    var cell = cell
    if let first = cell.unicodeScalars.first, "=+-@\t\r".unicodeScalars.contains(first),
      Double(cell) == nil
    {
      cell = "'" + cell
    }
    // By scalars: a carriage return before a line feed is one character with it.
    guard cell.unicodeScalars.contains(where: { "\",\n\r".unicodeScalars.contains($0) }) else {
      return cell
    }
    return "\"" + cell.replacing("\"", with: "\"\"") + "\""
  }
}

extension RunDirectory {
  /// What the run recorded, as tables: the metrics of each stage, the final figures, the samples and
  /// the tokens of rollouts. What it did not record has no table.
  ///
  /// - Throws: `unreadable` or `malformed`.
  package func tables() throws(RunRecordsError) -> [(name: String, table: CommaSeparatedValues)] {
    var tables: [(name: String, table: CommaSeparatedValues)] = []
    for stage in RunStage.trained where AtomicFile.exists(metrics(stage)) {
      tables.append((stage.records ?? "", try MetricsTable(stage: stage, in: self).commaSeparated))
    }
    if AtomicFile.exists(evaluation) {
      tables.append(("evaluation", try commaSeparatedEvaluation()))
    }
    if AtomicFile.exists(sampleComparisons) {
      tables.append(("samples", try SampleComparison.read(from: self).commaSeparated))
    }
    if AtomicFile.exists(rollouts) {
      tables.append(("tokens", try RolloutRecord.read(from: self).commaSeparated))
    }
    return tables
  }

  /// A row for every number of evaluation.json, named by the keys that lead to it.
  private func commaSeparatedEvaluation() throws(RunRecordsError) -> CommaSeparatedValues {
    var table = CommaSeparatedValues(columns: ["figure", "value"])
    let figures = try RecordJSON.read(NumberTree.self, at: evaluation)
    for (name, value) in figures.leaves { table.append([name, value]) }
    return table
  }
}

extension MetricsTable {
  fileprivate var commaSeparated: CommaSeparatedValues {
    var table = CommaSeparatedValues(columns: ["step", "seconds"] + names)
    let columns = names.map { self[$0] ?? [] }
    for row in steps.indices {
      table.append(
        ["\(steps[row])", CommaSeparatedValues.cell(seconds[row])]
          + columns.map { CommaSeparatedValues.cell($0[row]) })
    }
    return table
  }
}

extension [SampleComparison] {
  fileprivate var commaSeparated: CommaSeparatedValues {
    var table = CommaSeparatedValues(columns: [
      "prompt", "before", "after", "gold_before", "gold_after", "score_before", "score_after",
      "kl_after",
    ])
    for row in self {
      let numbers = [
        row.goldBefore, row.goldAfter, row.scoreBefore, row.scoreAfter, row.klAfter,
      ]
      table.append([row.prompt, row.before, row.after] + numbers.map(CommaSeparatedValues.cell))
    }
    return table
  }
}

extension [RolloutRecord] {
  fileprivate var commaSeparated: CommaSeparatedValues {
    var table = CommaSeparatedValues(columns: [
      "iteration", "episode", "position", "prompt", "token", "token_id", "log_probability",
      "reference_log_probability", "kl", "kl_exact", "entropy", "reward", "value", "delta",
      "advantage", "return", "ratio", "clipped",
    ])
    for row in self {
      let columns = [
        row.logProbabilities, row.referenceLogProbabilities, row.kl, row.exactKL, row.entropies,
        row.rewards, row.values, row.deltas, row.advantages, row.returns, row.ratios,
      ]
      for (token, text) in row.tokens.enumerated() {
        table.append(
          [
            "\(row.iteration)", "\(row.episode)", "\(token)", row.prompt, text,
            "\(row.responseIDs[token])",
          ] + columns.map { CommaSeparatedValues.cell($0[token]) }
            + [row.isClipped(token) ? "1" : "0"])
      }
    }
    return table
  }
}

/// Any JSON, as far as a table of its leaves needs it.
private enum NumberTree: Decodable {
  case leaf(String)
  case branches([(key: String, value: NumberTree)])

  init(from decoder: any Decoder) throws {
    if let object = try? decoder.singleValueContainer().decode([String: NumberTree].self) {
      self = .branches(object.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    } else if let list = try? decoder.singleValueContainer().decode([NumberTree].self) {
      self = .branches(list.enumerated().map { ("\($0)", $1) })
    } else {
      let leaf = try decoder.singleValueContainer()
      if leaf.decodeNil() {
        self = .leaf("")
      } else if let whole = try? leaf.decode(Int.self) {
        self = .leaf("\(whole)")
      } else if let number = try? leaf.decode(Double.self) {
        self = .leaf("\(number)")
      } else if let flag = try? leaf.decode(Bool.self) {
        self = .leaf("\(flag)")
      } else {
        self = .leaf(try leaf.decode(String.self))
      }
    }
  }

  var leaves: [(name: String, value: String)] {
    switch self {
    case .leaf(let value): [("", value)]
    case .branches(let branches):
      branches.flatMap { key, tree in
        tree.leaves.map { ($0.name.isEmpty ? key : "\(key).\($0.name)", $0.value) }
      }
    }
  }
}
