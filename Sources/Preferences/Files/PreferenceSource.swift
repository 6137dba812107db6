import Formats
package import Foundation

/// What reading preferences met; nothing is left out without being counted here.
package struct ReadingReport: Sendable, Equatable, CustomStringConvertible {
  package internal(set) var comparisons = 0
  package internal(set) var rankings = 0
  package internal(set) var ratings = 0
  /// Rows of one response that is good or not.
  package internal(set) var labels = 0
  /// Rows of one response judged step by step.
  package internal(set) var stepwise = 0
  /// Rows that say what an earlier one said: prompt, responses and judgement. They are kept, for
  /// two people may well have judged alike, and counted, for a file may hold its rows twice.
  package internal(set) var repeated = 0
  /// Rows left out because two responses are the same.
  package internal(set) var identicalResponses = 0
  /// Rows left out because a response is empty or only white space.
  package internal(set) var emptyResponses = 0
  /// Rows left out because both responses are equally good.
  package internal(set) var ties = 0
  /// Rows left out because nothing says which of two responses is better.
  package internal(set) var unjudged = 0
  /// Rows left out because they say two things that exclude each other.
  package internal(set) var contradictions = 0
  /// Rows that say the opposite of an earlier one. They are kept, for two people may well disagree.
  package internal(set) var reversed = 0
  /// Rows at fault that were passed over, and the first of the faults.
  package internal(set) var skipped = 0
  package internal(set) var firstFault: PreferenceError?
  /// What columns are read as.
  package internal(set) var columns = ColumnSummary()
  /// Whether messages were put into the plain format.
  package internal(set) var usesPlainFormat = false

  package var usable: Int { comparisons + rankings + ratings + labels + stepwise }
  package var unusable: Int {
    identicalResponses + emptyResponses + ties + unjudged + contradictions + skipped
  }

  package var description: String {
    var leftOut = [
      "\(identicalResponses) with identical responses", "\(emptyResponses) with an empty response",
    ]
    func add(_ count: Int, _ kind: String) {
      if count > 0 { leftOut.append("\(count) \(kind)") }
    }
    add(ties, "ties")
    add(unjudged, "without a judgement")
    add(contradictions, "that contradict themselves")
    add(skipped, "at fault, the first: \(firstFault.map { "\($0)" } ?? "")")
    var others = ""
    if labels > 0 { others += ", \(labels) responses with a label" }
    if stepwise > 0 { others += ", \(stepwise) with labelled steps" }
    return
      "\(comparisons) comparisons, \(rankings) rankings and \(ratings) ratings\(others); left out: "
      + leftOut.joined(separator: ", ")
      + (repeated > 0 ? "; \(repeated) repeat an earlier row, and are kept" : "")
      + (reversed > 0
        ? "; \(reversed) say the opposite of an earlier row, and are kept" : "")
  }

  mutating func add(_ reading: PreferenceReading) {
    switch reading {
    case .rows(let rows):
      for row in rows {
        switch row {
        case .comparison: comparisons += 1
        case .ranking: rankings += 1
        case .rating(let row):
          if row.isLabel { labels += 1 } else { ratings += 1 }
        case .steps: stepwise += 1
        }
      }
    case .unusable(.identicalResponses): identicalResponses += 1
    case .unusable(.emptyResponse): emptyResponses += 1
    case .unusable(.tie): ties += 1
    case .unusable(.unjudged): unjudged += 1
    case .unusable(.contradiction): contradictions += 1
    }
  }
}

/// The usable preference rows of files, one file after the other, as often as they are asked for.
package final class PreferenceSource: RowStream, Sendable {
  package let files: [RowFile]
  private let reading: RowReading

  /// - Throws: ``PreferenceError`` when a file cannot be read, or not be copied.
  package init(
    _ files: [URL], as reading: RowReading = RowReading(),
    standardInput: FileHandle = .standardInput
  ) throws(PreferenceError) {
    var opened: [RowFile] = []
    for file in files { opened.append(try RowFile(file, standardInput: standardInput)) }
    (self.files, self.reading) = (opened, reading)
  }

  /// One file.
  package convenience init(
    _ file: URL, standardInput: FileHandle = .standardInput
  ) throws(PreferenceError) {
    try self.init([file], standardInput: standardInput)
  }

  /// What messages call it.
  package var name: String { files.map(\.name).joined(separator: ", ") }

  package func forEachRow(_ body: (PreferenceRow) throws -> Void) throws {
    for file in files {
      let rows = try PreferenceReader(file, reading)
      while let reading = try rows.next() {
        if case .rows(let rows) = reading { try rows.forEach(body) }
      }
    }
  }

  /// Calls `body` with every usable row, one at a time: of a row only its digest stays, 8 bytes (a
  /// set of a million takes some 25 MB).
  ///
  /// - Returns: what each file holds.
  /// - Throws: ``PreferenceError`` naming file, line and key of the first malformed row, or saying
  ///   that there is no usable row at all.
  @discardableResult
  package func survey(_ body: (PreferenceRow) -> Void) throws(PreferenceError) -> [ReadingReport] {
    var digests: Set<UInt64> = []
    var reports: [ReadingReport] = []
    for file in files {
      let rows = try PreferenceReader(file, reading)
      while let reading = try rows.next() {
        guard case .rows(let usable) = reading else { continue }
        for row in usable {
          if !digests.insert(row.digest).inserted { rows.report.repeated += 1 }
          if let opposite = row.opposite, digests.contains(opposite.digest) {
            rows.report.reversed += 1
          }
          body(row)
        }
      }
      reports.append(try rows.end())
    }
    if !reports.contains(where: { $0.usable > 0 }) {
      let found = reports.map(\.description).joined(separator: "; ")
      throw .file(path: name, problem: "holds no usable row (\(found)); give it at least one")
    }
    return reports
  }
}

/// The preference rows of one file, and what reading them met.
final class PreferenceReader {
  private let rows: RowReader
  private let reading: RowReading
  private let name: String
  private var columns: ColumnReader
  var report = ReadingReport()

  init(_ file: RowFile, _ reading: RowReading) throws(PreferenceError) {
    rows = try RowReader(file)
    name = file.name
    self.reading = reading
    columns = ColumnReader(reading.columns, for: .judgements, readsIDs: false)
  }

  /// What the next row says; nil at the end.
  func next() throws(PreferenceError) -> PreferenceReading? {
    while true {
      do throws(PreferenceError) {
        guard let fields = try rows.next() else { return nil }
        let row = try columns.read(fields)
        try requireTexts(row)
        let example = try Example(row, format: reading.format)
        let reading = try PreferenceReading(example, row)
        columns.add(example)
        if example.usesPlainFormat { report.usesPlainFormat = true }
        report.add(reading)
        return reading
      } catch {
        guard reading.skips, error.isOfOneRow else { throw error }
        report.skipped += 1
        if report.firstFault == nil { report.firstFault = error }
      }
    }
  }

  /// Refuses token ids in the place of a text; beside texts, as `logprobs` writes them, they say nothing
  /// new.
  private func requireTexts(_ row: RowFields) throws(PreferenceError) {
    guard !["prompt", "history", "messages"].contains(where: row.has),
      let key = ["prompt_ids", "response_ids"].first(where: row.has)
    else { return }
    throw row.failure(key, "token ids are not read here; give prompt and responses as texts")
  }

  /// The report of the whole file.
  ///
  /// - Throws: ``PreferenceError`` for a column that the user named and no row has.
  func end() throws(PreferenceError) -> ReadingReport {
    try columns.requireFound(in: name)
    report.columns = columns.summary
    return report
  }
}
