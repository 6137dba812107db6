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
