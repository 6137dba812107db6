/// What the columns of some rows are read as.
package struct ColumnSummary: Sendable, Equatable {
  package struct Mapping: Sendable, Equatable {
    package let name: String
    package let role: String
  }

  /// Columns that are called otherwise here, in the order in which they were met.
  package internal(set) var mapped: [Mapping] = []
  /// Columns that are read as nothing, in that order.
  package internal(set) var unread: [String] = []
  /// What else the person should know of rows, each with how many it is true of.
  package internal(set) var remarks: [Remark] = []

  package struct Remark: Sendable, Equatable {
    package let text: String
    package fileprivate(set) var rows: Int
  }

  /// What the person is told: a line for each kind.
  package var notes: [String] {
    var notes: [String] = []
    if !mapped.isEmpty {
      let names = mapped.map { "`\($0.name)` as \(Self.words($0.role))" }
      notes.append("read " + names.joined(separator: ", "))
    }
    if !unread.isEmpty {
      notes.append("not read: " + unread.map { "`\($0)`" }.joined(separator: ", "))
    }
    return notes + remarks.map { "in \($0.rows) rows \($0.text)" }
  }

  private static func words(_ role: String) -> String {
    switch role {
    case "input": "the second part of the prompt, after a blank line"
    case "chosen_score", "rejected_score": "\(role) (the difference is the margin)"
    default: role
    }
  }

  package init() {}

  init(mapped: [Mapping], unread: [String]) { (self.mapped, self.unread) = (mapped, unread) }

  package mutating func add(_ other: ColumnSummary) {
    for mapping in other.mapped where !mapped.contains(mapping) { mapped.append(mapping) }
    let known = Set(unread)
    unread += other.unread.filter { !known.contains($0) }
    for remark in other.remarks { add(remark.text, rows: remark.rows) }
  }

  mutating func add(_ remark: String, rows: Int = 1) {
    if let place = remarks.firstIndex(where: { $0.text == remark }) {
      remarks[place].rows += rows
    } else {
      remarks.append(Remark(text: remark, rows: rows))
    }
  }
}
