import Formats
package import Foundation

/// One prompt of a file, and where it stands.
package struct PromptRow: Sendable, Equatable {
  package enum Content: Sendable, Equatable {
    /// To be encoded; as it stands where a chat template wrote it.
    case text(String, isRendered: Bool)
    /// To be used exactly as given.
    case ids([Int32])
  }

  package let content: Content
  /// File and line, such as `prompts.jsonl:3`; empty for one that stands in no file.
  package let place: String

  init(content: Content, place: String) { (self.content, self.place) = (content, place) }

  /// A text, or a user's message with that text.
  package init(_ text: String, asMessageIn format: ChatFormat?) throws {
    place = ""
    content = .text(
      try format?.render([Message(role: "user", content: text).json], nil, true) ?? text,
      isRendered: format?.isTemplate ?? false)
  }
}

/// Prompts as rows, of which only the prompt is read, or as plain text, one a line.
package enum PromptFile {
  /// What reading prompts met.
  package struct Report: Sendable, Equatable {
    package internal(set) var columns = ColumnSummary()
    package internal(set) var usesPlainFormat = false
    package internal(set) var skipped = 0
    package internal(set) var firstFault: PreferenceError?

    /// What the person is told.
    package var notes: [String] {
      guard let firstFault else { return columns.notes }
      return columns.notes + ["\(skipped) rows are passed over, the first: \(firstFault)"]
    }
  }

  /// All prompts in order; blank lines are passed over.
  ///
  /// - Throws: ``PreferenceError`` naming file, line and key.
  package static func read(
    _ files: [URL], as reading: RowReading = RowReading(),
    standardInput: FileHandle = .standardInput
  ) throws(PreferenceError) -> (rows: [PromptRow], report: Report) {
    var prompts: [PromptRow] = []
    var report = Report()
    for file in files {
      let file = try RowFile(file, isReadOnce: true, standardInput: standardInput)
      let rows = try RowReader(file, takesTexts: true)
      var columns = ColumnReader(reading.columns, for: .prompts)
      while true {
        do throws(PreferenceError) {
          guard let fields = try rows.next() else { break }
          let row = try columns.read(fields)
          if row.has("prompt_ids") {
            prompts.append(
              PromptRow(content: .ids(try row.ids("prompt_ids")), place: row.place))
            continue
          }
          let example = try Example(row, format: reading.format, wanted: .prompts)
          columns.add(example)
          if example.usesPlainFormat { report.usesPlainFormat = true }
          prompts.append(
            PromptRow(
              content: .text(example.prompt, isRendered: example.isRendered), place: row.place))
        } catch {
          guard reading.skips, error.isOfOneRow else { throw error }
          report.skipped += 1
          if report.firstFault == nil { report.firstFault = error }
        }
      }
      try columns.requireFound(in: file.name)
      report.columns.add(columns.summary)
    }
    return (prompts, report)
  }

  /// Writes prompts as rows of token ids, atomically.
  package static func write(_ prompts: [[Int32]], to file: URL) throws {
    try writeLines(to: file) { write in
      for prompt in prompts { try write(["prompt_ids": .array(prompt.map { .int(Int($0)) })]) }
    }
  }
}
