package import Foundation

/// Records the metrics of one stage, a row a step, as JSON lines and as TensorBoard events.
///
/// Every row reaches the file before `write` returns, so that an interrupted run keeps its records.
package final class MetricsWriter {
  private let metrics: RecordFile
  private let events: RecordFile
  private let started: Date

  /// Begins both files of `stage`.
  ///
  /// - Parameter started: when the stage began; the events' wall time counts from it.
  /// - Throws: `alreadyExists` when the stage has metrics already, or `unwritable`.
  package init(
    stage: RunStage, in run: RunDirectory, started: Date = Date()
  ) throws(RunRecordsError) {
    self.started = started
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
  /// - Throws: `RunRecordsError.unwritable`.
  package func write(
    step: Int, seconds: Double, _ values: [String: Double]
  ) throws(RunRecordsError) {
    let scalars = values.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
    var row = "{\"step\":\(step),\"seconds\":\(Self.json(seconds))"
    for (name, value) in scalars {
      row += ",\(Self.json(name)):\(Self.json(value))"
    }
    row += "}\n"
    try metrics.append(Data(row.utf8))
    try events.append(
      EventRecord.scalars(
        scalars, step: step, wallTime: started.timeIntervalSince1970 + seconds))
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

/// A new file that is only ever appended to, without a buffer of its own.
private final class RecordFile {
  private let handle: FileHandle
  private let path: String

  init(creating url: URL) throws(RunRecordsError) {
    path = url.path
    guard !FileManager.default.fileExists(atPath: path) else { throw .alreadyExists(path: path) }
    try AtomicFile.write(Data(), to: url)
    do {
      handle = try FileHandle(forWritingTo: url)
    } catch {
      throw .unwritable(path: url.path, reason: AtomicFile.reason(of: error))
    }
  }

  deinit {
    try? handle.close()
  }

  func append(_ data: Data) throws(RunRecordsError) {
    do {
      try handle.write(contentsOf: data)
    } catch {
      throw .unwritable(path: path, reason: AtomicFile.reason(of: error))
    }
  }
}
