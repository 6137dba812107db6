import Foundation

/// What is known of the terminal that progress is shown on.
package struct Terminal: Sendable {
  /// Whether someone watches, so that lines may be redrawn.
  package var isInteractive: Bool
  /// Whether nothing at all should be shown.
  package var isQuiet: Bool
  /// Whether colour may be used; it never carries meaning alone.
  package var usesColor: Bool
  /// Whether characters beyond ASCII are shown as such.
  package var usesUnicode: Bool
  /// Columns, asked for at each drawing because windows are resized.
  package var width: @Sendable () -> Int

  package init(
    isInteractive: Bool, isQuiet: Bool = false, usesColor: Bool = false,
    usesUnicode: Bool = true, width: @escaping @Sendable () -> Int = { 80 }
  ) {
    self.isInteractive = isInteractive
    self.isQuiet = isQuiet
    self.usesColor = usesColor
    self.usesUnicode = usesUnicode
    self.width = width
  }

  /// Standard error as it is, respecting `NO_COLOR` (no-color.org), `TERM` and the locale.
  package static func standardError(
    isQuiet: Bool, environment: [String: String] = ProcessInfo.processInfo.environment
  ) -> Terminal {
    let isDumb = environment["TERM"] == "dumb"
    let isInteractive = isatty(STDERR_FILENO) == 1 && !isDumb
    let noColor = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }
      .first { !$0.isEmpty }
    let isUnicode = locale.map { $0.lowercased().contains("utf") } ?? false
    return Terminal(
      isInteractive: isInteractive, isQuiet: isQuiet, usesColor: isInteractive && !noColor,
      usesUnicode: isUnicode, width: { columns(of: STDERR_FILENO) ?? 80 })
  }

  /// Columns of the terminal that standard output is; nil when it is none.
  package static var standardOutputWidth: Int? { columns(of: STDOUT_FILENO) }

  private static func columns(of descriptor: Int32) -> Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}

/// A small table for final figures on a terminal: columns aligned, a rule under the header.
package struct TextTable: Sendable {
  /// On which side a column's cells stand.
  package enum Alignment: Sendable {
    case leading, trailing
  }

  private let header: [String]
  private let alignments: [Alignment]
  private var rows: [[String]] = []

  /// - Parameter columns: title and alignment of each column.
  package init(columns: [(title: String, alignment: Alignment)]) {
    header = columns.map(\.title)
    alignments = columns.map(\.alignment)
  }

  /// Adds a row; missing cells are empty.
  package mutating func append(_ cells: [String]) {
    precondition(
      cells.count <= header.count, "a row of \(cells.count) cells in \(header.count) columns")
    rows.append(cells + Array(repeating: "", count: header.count - cells.count))
  }

  /// The table with a line end after each row and no blanks at line ends.
  ///
  /// - Parameter width: columns of the terminal; a wider table is shown in parts, one below the
  ///   other, each with the first column. nil: however wide it is.
  package func rendered(usesUnicode: Bool = true, within width: Int? = nil) -> String {
    let widths = header.indices.map { column in
      ([header] + rows).map { $0[column].count }.max() ?? 0
    }
    guard let width, let first = widths.first else {
      return rendered(Array(header.indices), widths, usesUnicode)
    }
    var parts: [[Int]] = [[0]]
    var used = first
    for column in header.indices.dropFirst() {
      if used + 2 + widths[column] > width, parts[parts.count - 1].count > 1 {
        parts.append([0])
        used = first
      }
      parts[parts.count - 1].append(column)
      used += 2 + widths[column]
    }
    return parts.map { rendered($0, widths, usesUnicode) }.joined(separator: "\n")
  }

  /// A sentence in lines of whole words, each with a line end.
  package static func wrapped(_ text: some StringProtocol, width: Int = 80) -> String {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private func rendered(_ columns: [Int], _ widths: [Int], _ usesUnicode: Bool) -> String {
    let rule = widths.map { String(repeating: usesUnicode ? "─" : "-", count: $0) }
    return ([header, rule] + rows).map { cells in
      let line = columns.map { column in
        let blanks = String(repeating: " ", count: widths[column] - cells[column].count)
        return alignments[column] == .leading ? cells[column] + blanks : blanks + cells[column]
      }.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
    }.joined()
  }
}
