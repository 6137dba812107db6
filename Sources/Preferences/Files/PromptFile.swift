import Formats
package import Foundation

/// One prompt of a file, and where it stands.
package struct PromptRow: Sendable, Equatable {
  package enum Content: Sendable, Equatable {
    /// To be encoded.
    case text(String)
    /// To be used exactly as given.
    case ids([Int32])
  }

  package let content: Content
  /// File and line, such as `prompts.jsonl:3`.
  package let place: String
}

/// Prompts as JSON lines, `{"prompt": …}` or `{"prompt_ids": […]}`, or as plain text, one a line.
package enum PromptFile {
  /// All prompts in order; blank lines are passed over.
  ///
  /// A file is of JSON lines when its name ends in `.jsonl` or `.json`, or when its text begins with
  /// a brace.
  ///
  /// - Throws: ``PreferenceError`` naming file, line and key.
  package static func read(_ file: URL) throws(PreferenceError) -> [PromptRow] {
    let text: String
    do { text = try String(contentsOf: file, encoding: .utf8) } catch {
      throw .file(
        path: file.path, problem: "cannot be read as UTF-8 text; check the path and permissions")
    }
    let isJSON =
      ["jsonl", "json"].contains(file.pathExtension)
      || text.first { !$0.isWhitespace } == "{"
    guard isJSON else {
      return text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        .enumerated()
        .filter { !$0.element.allSatisfy(\.isWhitespace) }
        .map { PromptRow(content: .text(String($1)), place: "\(file.path):\($0 + 1)") }
    }
    var rows: [PromptRow] = []
    try JSONLines.forEach(in: file) { (fields) throws(PreferenceError) in
      rows.append(
        PromptRow(content: try content(fields), place: "\(fields.path):\(fields.line)"))
    }
    return rows
  }

  /// Writes prompts as rows of token ids, atomically.
  package static func write(_ prompts: [[Int32]], to file: URL) throws {
    try JSONLines.write(to: file) { write in
      for prompt in prompts { try write(["prompt_ids": .array(prompt.map { .int(Int($0)) })]) }
    }
  }

  private static func content(
    _ fields: RowFields
  ) throws(PreferenceError) -> PromptRow.Content {
    guard fields.has("prompt_ids") else { return .text(try fields.text("prompt").rendered) }
    return .ids(try fields.ids("prompt_ids"))
  }
}
