/// What a row says in one place of how good its responses are.
struct Statement {
  let key: String
  /// Of each response, more for better; of lists of right and wrong ones, of each list.
  let worth: [Double]

  init(_ key: String, _ worth: [Double]) { (self.key, self.worth) = (key, worth) }

  /// Whether one calls a response better than another, and the other statement calls it worse.
  func contradicts(_ other: Statement) -> Bool {
    worth.indices.contains { a in
      (0..<a).contains { b in
        (worth[a] - worth[b]) * (other.worth[a] - other.worth[b]) < 0
      }
    }
  }
}

extension Example {
  /// Remembers whether two statements exclude each other. Hub data hold some of those: nothing is
  /// learned from such a row, and it is counted by what contradicts what.
  mutating func requireAgreement(_ said: [Statement], _ fields: RowFields) {
    for (place, statement) in said.enumerated() {
      guard let other = said[..<place].first(where: statement.contradicts) else { continue }
      isContradictory = true
      remarks.append(
        "`\(fields.name(statement.key))` contradicts `\(fields.name(other.key))`, and "
          + "nothing is learned from that or judged by it")
      return
    }
  }
}
