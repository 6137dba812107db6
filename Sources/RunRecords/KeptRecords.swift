import Foundation

/// The metrics and events that an interrupted stage has left.
struct KeptRecords {
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
    guard files.fileExists(atPath: run.metrics(stage).path) else { return nil }
    let names = (try? files.contentsOfDirectory(atPath: run.events(stage).path)) ?? []
    if let name = names.sorted().first(where: { $0.contains("tfevents") }) {
      events = run.events(stage).appendingPathComponent(name)
      let seconds = name.split(separator: ".").lazy.compactMap { Double($0) }.first
      started = seconds.map { Date(timeIntervalSince1970: $0) } ?? Date()
      eventBytes = try AtomicFile.read(events)
    } else {
      // The events are a copy of the metrics: a person may well have removed them.
      started = Date()
      events = run.eventFile(stage, started: started)
      eventBytes = EventRecord.header(wallTime: started.timeIntervalSince1970)
    }
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
    let kept = lines.prefix { $0.step <= step }
    return (
      kept.reduce(into: Data()) { $0 += $1.bytes }, kept.count, kept.last?.step ?? 0,
      kept.last?.seconds ?? 0
    )
  }

  /// The events' header and the records of that many rows, or as many as there are.
  func eventRecords(of rows: Int) -> Data {
    EventRecord.prefix(of: eventBytes, records: rows + 1)
  }
}
