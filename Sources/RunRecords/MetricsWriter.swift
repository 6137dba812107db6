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
/// Every row reaches the file before `write` returns, so that an interrupted run keeps its records.
package final class MetricsWriter {
  private let metrics: RecordFile
  private let events: RecordFile
  private let started: Date
  private var undescribed: [String: String]  // by name; TensorBoard shows it beside the curve
  /// The seconds of the last row that was kept; 0 without one.
  package let secondsBefore: Double
  /// The step of the last row that was kept; 0 without one.
  package let stepsBefore: Int

  /// Begins both files of `stage`, or goes on with them.
  ///
  /// - Parameters:
  ///   - started: when the stage began; the events' wall time counts from it.
  ///   - keeping: steps of an interrupted stage up to which its rows stay, if there are any; later
  ///     ones will be written again. Nil begins files that must not be there.
  /// - Throws: `alreadyExists` when the stage has metrics already and none are to be kept;
  ///   `unreadable`, `malformed` or `unwritable`.
  package init(
    stage: RunStage, in run: RunDirectory, started: Date = Date(), keeping: Int? = nil
  ) throws(RunRecordsError) {
    undescribed = Dictionary(uniqueKeysWithValues: stage.metrics.map { ($0.name, $0.explanation) })
    let kept = keeping == nil ? nil : try KeptRecords(stage: stage, in: run)
    if let kept, let keeping {
      self.started = kept.started
      let rows = kept.rows(upTo: keeping)
      (secondsBefore, stepsBefore) = (rows.seconds, rows.lastStep)
      metrics = try RecordFile(replacing: run.metrics(stage), with: rows.lines)
      events = try RecordFile(replacing: kept.events, with: kept.eventRecords(of: rows.count))
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

/// A file that is only ever appended to, without a buffer of its own.
final class RecordFile {
  private let handle: FileHandle
  private let path: String

  /// - Throws: `alreadyExists` or `unwritable`.
  convenience init(creating url: URL) throws(RunRecordsError) {
    guard !FileManager.default.fileExists(atPath: url.path) else {
      throw .alreadyExists(path: url.path)
    }
    try self.init(replacing: url, with: Data())
  }

  /// Puts `data` in place of whatever is there, and goes on behind it.
  ///
  /// - Throws: `unwritable`
  init(replacing url: URL, with data: Data) throws(RunRecordsError) {
    path = url.path
    try AtomicFile.write(data, to: url)
    do {
      handle = try FileHandle(forWritingTo: url)
      try handle.seekToEnd()
    } catch {
      throw .unwritable(path: url.path, reason: FileWritingError.reason(of: error))
    }
  }

  deinit {
    try? handle.close()
  }

  // A run writes thousands of short rows; the file handle's own way takes twice the time of the
  // system call that it comes to.
  func append(_ data: Data) throws(RunRecordsError) {
    var written = 0
    while written < data.count {
      let count = data.withUnsafeBytes { bytes in
        write(handle.fileDescriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw .unwritable(path: path, reason: String(cString: strerror(errno)))
      }
      written += count
    }
  }
}
