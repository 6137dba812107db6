import Formats
package import Foundation
import Statistics

/// What lies behind the metrics of a step: TensorBoard shows it beside them, the rows leave it out.
package struct StepDetails: Sendable {
  /// All values of which a metric is the mean or the like, as a histogram.
  package var distributions: [(name: String, values: [Double])]
  /// Texts in Markdown.
  package var texts: [(name: String, text: String)]

  package init(
    distributions: [(name: String, values: [Double])] = [],
    texts: [(name: String, text: String)] = []
  ) {
    self.distributions = distributions
    self.texts = texts
  }
}

/// Records the metrics of one stage, a row a step, as JSON lines and as TensorBoard events.
///
/// Every row reaches the file before `write` returns, so that an interrupted run has them.
package final class MetricsWriter {
  private let metrics: RecordFile
  private let events: RecordFile
  private let started: Date
  private var undescribed: [String: String]  // by name; TensorBoard shows it beside the curve
  /// The seconds of the last row that was there; 0 without one.
  package let secondsBefore: Double
  /// The step of the last row that was there; 0 without one.
  package let stepsBefore: Int

  /// Begins both files of `stage`, or goes on with them.
  ///
  /// - Parameters:
  ///   - started: when the stage began; the events' wall time counts from it.
  ///   - upTo: steps of an interrupted stage up to which its rows stay, if there are any; later
  ///     ones will be written again. Nil begins files that must not be there.
  /// - Throws: `alreadyExists` when the stage has metrics already and `upTo` is nil;
  ///   `unreadable`, `malformed` or `unwritable`.
  package init(
    stage: RunStage, in run: RunDirectory, started: Date = Date(), upTo: Int? = nil
  ) throws(RunRecordsError) {
    undescribed = Dictionary(uniqueKeysWithValues: stage.metrics.map { ($0.name, $0.explanation) })
    let earlier = upTo == nil ? nil : try EarlierRecords(stage: stage, in: run)
    if let earlier, let upTo {
      self.started = earlier.started
      let rows = earlier.rows(upTo: upTo)
      (secondsBefore, stepsBefore) = (rows.seconds, rows.lastStep)
      metrics = try RecordFile(replacing: run.metrics(stage), with: rows.lines)
      events = try RecordFile(replacing: earlier.events, with: earlier.eventRecords(of: rows.count))
      undescribed = undescribed.filter {
        rows.lines.firstRange(of: Data("\"\($0.key)\":".utf8)) == nil
      }
      return
    }
    self.started = started
    (secondsBefore, stepsBefore) = (0, 0)
    metrics = try RecordFile(creating: run.metrics(stage))
    events = try RecordFile(creating: run.eventFile(stage, started: started))
    try events.append(EventRecord.header(wallTime: started.timeIntervalSince1970))
  }

  /// Adds one row. Keys are sorted, so that equal runs give equal bytes; a value that is not
  /// finite becomes `null` in JSON, which has no word for it.
  ///
  /// - Parameters:
  ///   - step: the optimizer step or iteration, counted as the trainer counts.
  ///   - seconds: since the stage began.
  ///   - values: `group/name` and its value.
  ///   - details: for the event of the step; their names must be none of the metrics'.
  /// - Throws: `RunRecordsError.unwritable`.
  package func write(
    step: Int, seconds: Double, _ values: [String: Double], details: StepDetails = StepDetails()
  ) throws(RunRecordsError) {
    let scalars = values.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    var row = "{\"step\":\(step),\"seconds\":\(Self.json(seconds))"
    for (name, value) in scalars {
      row += ",\(Self.json(name)):\(Self.json(value))"
    }
    row += "}\n"
    try metrics.append(Data(row.utf8))
    try events.append(
      EventRecord.summary(
        scalars.map { ($0.name, $0.value, undescribed.removeValue(forKey: $0.name)) }, details,
        step: step, wallTime: started.timeIntervalSince1970 + seconds))
  }

  private static func json(_ value: Double) -> String {
    value.isFinite ? "\(value)" : "null"
  }

  private static func json(_ text: String) -> String {
    var literal = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": literal += "\\\(scalar)"
      case "\u{0}"..."\u{1F}":
        let digits = String(scalar.value, radix: 16)
        literal += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: literal.unicodeScalars.append(scalar)
      }
    }
    return literal + "\""
  }
}

/// The metrics and events that an interrupted stage has left.
struct EarlierRecords {
  /// The event file.
  let events: URL
  /// When the stage began, as the event file's name says.
  let started: Date
  private let lines: [(step: Int, seconds: Double, bytes: Data)]
  private let eventBytes: Data

  /// Nil when the stage has left none.
  ///
  /// - Throws: `unreadable`, or `malformed` with the line.
  init?(stage: RunStage, in run: RunDirectory) throws(RunRecordsError) {
    let files = FileManager.default
    guard AtomicFile.exists(run.metrics(stage)) else { return nil }
    let names = (try? files.contentsOfDirectory(atPath: run.events(stage).path)) ?? []
    if let name = names.sorted().first(where: { $0.contains("tfevents") }) {
      events = run.events(stage).appendingPathComponent(name)
      let seconds = name.split(separator: ".").lazy.compactMap { Double($0) }.first
      started = seconds.map { Date(timeIntervalSince1970: $0) } ?? Date()
    } else {
      // The events are a copy of the metrics: a person may well have removed them.
      started = Date()
      events = run.eventFile(stage, started: started)
    }
    let left = AtomicFile.exists(events) ? try AtomicFile.read(events) : Data()
    // A run that is killed as the stage begins may leave a file without its header.
    eventBytes =
      EventRecord.prefix(of: left, records: 1).isEmpty
      ? EventRecord.header(wallTime: started.timeIntervalSince1970) : left
    let table = try MetricsTable(stage: stage, in: run)
    let bytes = try AtomicFile.read(run.metrics(stage))
      .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
    // A last line that was cut off is in the bytes and not in the table.
    lines = zip(zip(table.steps, table.seconds), bytes).map { row, bytes in
      (row.0, row.1 ?? 0, bytes + Data("\n".utf8))
    }
  }

  /// The rows of the first steps, as they stand in the file.
  func rows(upTo step: Int) -> (lines: Data, count: Int, lastStep: Int, seconds: Double) {
    let first = lines.prefix { $0.step <= step }
    return (
      first.reduce(into: Data()) { $0 += $1.bytes }, first.count, first.last?.step ?? 0,
      first.last?.seconds ?? 0
    )
  }

  /// The events' header and the records of that many rows, or as many as there are.
  func eventRecords(of rows: Int) -> Data {
    EventRecord.prefix(of: eventBytes, records: rows + 1)
  }
}

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
