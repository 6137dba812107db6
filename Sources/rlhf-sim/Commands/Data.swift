import ArgumentParser
import Experiments
import Foundation
import LanguageModels
import Preferences
import RunRecords

/// `data`: what files of rows are read as, before anything is trained on them.
struct DescribeData: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data",
    abstract: "Say what files of rows are read as.",
    discussion: """
      Counts rows by kind, names columns that are read under another name and those that are not read, \
      and shows three rows as prompt, response and judgement. Reads JSON lines, JSON lists, CSV, plain text with a \
      prompt a line, .gz of them, and - for standard input.

      First: rlhf-sim annotate --count 100 --output pairs.jsonl
      Example: rlhf-sim data pairs.jsonl
      Where a column has a name of its own: --column prompt=question
      """)

  @Argument(help: "Files of rows.")
  var files: [String]

  @OptionGroup var reading: ReadingOptions

  @Option(
    help: "A checkpoint whose chat template renders messages, and whose tokens are counted.",
    completion: .directory)
  var model: String?

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    try ReadingOptions.requireOneStandardInput(("FILE", files))
  }

  func run() throws {
    let directory = model.map { URL(filePath: $0) }
    let tokenizer = try directory.map { try Tokenizer(directory: $0) }
    let format = directory.map { ChatFormat.of($0, tokenizer: tokenizer) } ?? .plain
    let reports = try files.map { file in
      let survey = try DataSurvey(of: URL(filePath: file), as: reading.reading(format))
      return Report(survey, format: format, tokenizer: tokenizer)
    }
    if json { return try Output.writeJSON(Reports(files: reports)) }
    try Output.write(reports.map(\.text).joined(separator: "\n"))
  }

  private struct Reports: Encodable {
    let files: [Report]
  }
}

/// What one file is read as, as people and programs read it.
private struct Report: Encodable {
  struct Column: Encodable {
    let name: String
    let role: String
  }

  struct Remark: Encodable {
    let text: String
    let rows: Int
  }

  struct Example: Encodable {
    let place: String
    let kind: String
    let prompt: String
    let responses: [String]
    let judgement: DataSurvey.Judgement
    let promptIDs: [Int32]?
    let responseIDs: [[Int32]]?

    enum CodingKeys: String, CodingKey {
      case place, kind, prompt, responses, judgement
      case promptIDs = "prompt_ids"
      case responseIDs = "response_ids"
    }
  }

  let file: String
  let rows: Int
  let kinds: [String: Int]
  let mapped: [Column]
  let unread: [String]
  /// What else is to be known of rows.
  let remarks: [Remark]
  /// How messages became text; absent where there are none.
  let format: String?
  let skipped: Int
  let examples: [Example]
  private let lines: [String]

  enum CodingKeys: String, CodingKey {
    case file, rows, kinds, mapped, unread, remarks, format, skipped, examples
  }

  init(_ survey: DataSurvey, format: ChatFormat, tokenizer: Tokenizer?) {
    file = survey.file
    rows = survey.rows
    kinds = Dictionary(uniqueKeysWithValues: survey.kinds.map { ($0.kind, $0.count) })
    mapped = survey.columns.mapped.map { Column(name: $0.name, role: $0.role) }
    unread = survey.columns.unread
    remarks = survey.columns.remarks.map { Remark(text: $0.text, rows: $0.rows) }
    skipped = survey.skipped
    let hasMessages = survey.usesPlainFormat || survey.shown.contains(where: \.isRendered)
    self.format = hasMessages ? format.name : nil
    examples = survey.shown.map { row in
      Example(
        place: row.place, kind: row.kind, prompt: row.prompt, responses: row.responses,
        judgement: row.judgement,
        promptIDs: tokenizer?.encode(prompt: row.prompt, isRendered: row.isRendered),
        responseIDs: tokenizer.map { tokenizer in row.responses.map { tokenizer.encode($0) } })
    }
    var lines = survey.kinds.map { "\($0.count) \($0.kind)" }
    if let fault = survey.firstFault {
      lines.append("\(survey.skipped) passed over, the first: \(fault)")
    }
    lines += survey.columns.notes
    if let format = self.format { lines.append("messages are rendered by \(format)") }
    self.lines = lines
  }

  var text: String {
    var text = "\(file): \(rows) rows\n" + lines.map { "  \($0)\n" }.joined()
    for example in examples {
      text += "\n  \(example.place): \(example.kind)\n"
      text += Self.block("prompt", example.prompt, example.promptIDs)
      for (index, response) in example.responses.enumerated() {
        text += Self.block(
          example.responses.count == 1 ? "response" : "response \(index)", response,
          example.responseIDs?[index])
      }
      if let judgement = example.judgement.text { text += "    \(judgement)\n" }
    }
    return text
  }

  /// A text between marks, so that white space at its ends is seen.
  private static func block(_ name: String, _ text: String, _ ids: [Int32]?) -> String {
    let count = ids.map { " (\($0.count) tokens)" } ?? ""
    let shown = text.count > 600 ? text.prefix(600) + " …" : text[...]
    return "    \(name)\(count): ⟦\(shown.replacing("\n", with: "\n      "))⟧\n"
  }
}
