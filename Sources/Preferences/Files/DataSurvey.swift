import Formats
package import Foundation

/// What a file of rows is read as.
package struct DataSurvey: Sendable {
  /// A row as it is read.
  package struct Shown: Sendable {
    /// File and line.
    package let place: String
    package let kind: String
    package let prompt: String
    package let responses: [String]
    /// Whether a chat template wrote the texts.
    package let isRendered: Bool
  }

  package let file: String
  package private(set) var rows = 0
  /// What can be learned from, in the order in which it was met; each kind with its rows.
  package private(set) var kinds: [(kind: String, count: Int)] = []
  package private(set) var columns = ColumnSummary()
  package private(set) var usesPlainFormat = false
  /// The first rows.
  package private(set) var shown: [Shown] = []
  /// Rows that were passed over, and why the first of them was.
  package private(set) var skipped = 0
  package private(set) var firstFault: PreferenceError?

  /// Reads a whole file.
  ///
  /// - Parameter count: rows to show.
  /// - Throws: ``PreferenceError`` naming file, line and key of the first row at fault.
  package init(
    of file: URL, as reading: RowReading, showing count: Int = 3
  ) throws(PreferenceError) {
    let file = try RowFile(file, isReadOnce: true)
    self.file = file.name
    let rows = try RowReader(file, takesTexts: true)
    var columns = ColumnReader(reading.columns, for: .judgements)
    while true {
      do throws(PreferenceError) {
        guard let fields = try rows.next() else { break }
        let row = try columns.read(fields)
        if row.has("prompt_ids") || row.has("response_ids") {
          add("rows of token ids")
          continue
        }
        let example = try Example(row, format: reading.format, needsResponses: false)
        let kind = try Self.kind(of: example, row)
        add(kind)
        if example.usesPlainFormat { usesPlainFormat = true }
        if shown.count < count {
          shown.append(
            Shown(
              place: row.place, kind: kind, prompt: example.prompt, responses: example.responses,
              isRendered: example.isRendered))
        }
      } catch {
        guard reading.skips, error.isOfOneRow else { throw error }
        skipped += 1
        if firstFault == nil { firstFault = error }
      }
    }
    try columns.requireFound(in: file.name)
    self.columns = columns.summary
  }

  private mutating func add(_ kind: String) {
    rows += 1
    if let place = kinds.firstIndex(where: { $0.kind == kind }) {
      kinds[place].count += 1
    } else {
      kinds.append((kind, 1))
    }
  }

  private static func kind(
    of example: Example, _ fields: RowFields
  ) throws(PreferenceError) -> String {
    if example.responses.isEmpty { return "prompts" }
    if example.judgement == .none {
      return example.responses.count == 1 ? "responses" : "responses without a judgement"
    }
    switch try PreferenceReading(example, fields) {
    case .unusable(.identicalResponses): return "left out: identical responses"
    case .unusable(.emptyResponse): return "left out: an empty response"
    case .unusable(.tie): return "left out: ties"
    case .unusable(.unjudged): return "responses without a judgement"
    case .rows(let rows):
      switch rows.first {
      case .comparison:
        return rows.count == 1 ? "comparisons" : "lists of right and wrong responses"
      case .ranking: return "rankings"
      case .rating(let row): return row.isLabel ? "responses with a label" : "ratings"
      case .steps: return "responses with labelled steps"
      case nil: return "left out: empty lists"
      }
    }
  }
}
