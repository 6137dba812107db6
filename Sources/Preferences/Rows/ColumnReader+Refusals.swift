import Formats

/// What is refused because something that changes what is learned would be passed over.
extension ColumnReader {
  /// Refuses a pair of texts without a prompt where another column may hold it.
  func requirePrompt(
    in row: RowFields, unread: [String], of fields: RowFields
  ) throws(PreferenceError) {
    guard !["prompt", "history", "messages", "prompt_ids"].contains(where: row.isNamed),
      let chosen = row.value("chosen")?.string, let rejected = row.value("rejected")?.string,
      let key = unread.first(where: { fields.value($0).map(RowFields.holdsText) ?? false }),
      !ImplicitPrompt.isMarked(chosen, rejected)
    else { return }
    throw fields.failure(
      key,
      "may hold the prompt, which has no column; say so with `--column prompt=\(key)`, or pass over it "
        + "with `--column ignore=\(key)` where the responses begin with the prompt")
  }

  /// Refuses a column that the user named and that the reading of this row has no place for.
  func requireUse(of row: RowFields, _ keys: [String]) throws(PreferenceError) {
    let use = ColumnUse(of: row, readsIDs: readsIDs)
    for column in given where row.name(column.role) == column.name {
      if let problem = use.problem(
        with: column, row, columns: keys, readsJudgements: purpose == .judgements)
      {
        throw row.failure(column.role, problem)
      }
    }
  }

  /// Refuses a row with responses of several kinds: one of its judgements would be lost. Those that
  /// only repeat the first kind's are not read.
  ///
  /// - Returns: their columns.
  func requireOneKind(
    _ names: inout [String: String], _ fields: RowFields
  ) throws(PreferenceError) -> [String] {
    let kinds = [
      ["chosen", "rejected"], ["response_a", "response_b"], ["responses", "ranking"],
      ["steps"], ["response", "rating"],
    ]
    let said = kinds.compactMap { $0.compactMap { names[$0] }.first(where: fields.has) }
    guard said.count > 1 else { return [] }
    let first = names.filter { ["chosen", "rejected"].contains($0.key) }
    if said.dropFirst().allSatisfy({
      Self.isRepeated($0, in: first.map { ($0.key, $0.value) }, of: fields)
    }) {
      for name in said.dropFirst() { names = names.filter { $0.value != name } }
      return Array(said.dropFirst())
    }
    throw fields.failure(
      said[1],
      "stands beside `\(said[0])`, and a row is a comparison, a ranking or a rating; write a row for "
        + "each, or pass over it with `--column ignore=\(said[1])`")
  }

  /// Whether all texts of a column are texts of others.
  static func isRepeated(
    _ key: String, in columns: [(role: String, name: String)], of fields: RowFields
  ) -> Bool {
    let others = columns.filter { $0.name != key }.flatMap { fields.texts(of: $0.name) }
    let texts = fields.texts(of: key)
    return !texts.isEmpty && texts.allSatisfy { text in others.contains { $0 == text } }
  }

  func requireUnimportant(
    _ member: JSONObject.Member, _ fields: RowFields, _ columns: [(role: String, name: String)],
    _ plan: inout Plan
  ) throws(PreferenceError) {
    let key = member.key
    func isSaid(_ roles: String...) -> Bool { columns.contains { roles.contains($0.role) } }
    let ignored = "pass over it with `--column ignore=\(key)`"
    if ColumnNames.isOfFurtherResponse(key), purpose > .prompts,
      isSaid("response_a", "chosen", "rejected")
    {
      throw fields.failure(
        key,
        "looks like a further response and is not read; write several as a list, `responses`, "
          + "or \(ignored)")
    }
    if ["image", "images", "video", "videos", "audio", "audios"].contains(key.lowercased()) {
      throw fields.failure(key, "is not read, for only text is; leave out its rows, or \(ignored)")
    }
    guard
      let meant = ColumnNames.meant(by: key)
        ?? (RowFields.holdsText(member.value) ? ColumnNames.partly(key) : nil)
    else { return }
    let roles = ColumnNames.columns.filter { $0.name == meant || $0.others.contains(meant) }
      .map(\.name)
    guard let role = roles.first, Self.purpose(of: role) <= purpose,
      !given.contains(where: { roles.contains($0.role) })
    else { return }
    if Self.isRepeated(key, in: columns, of: fields) {
      plan.repeating.append(key)
      return
    }
    let use = ColumnUse(of: Self.renamed(fields, columns), readsIDs: readsIDs)
    // Of prompts alone nothing is said.
    if use.roles.isEmpty, Self.purpose(of: role) == .judgements { return }
    let place =
      roles.first(where: use.takes)
      ?? (use.roles.isEmpty || Self.purpose(of: role) < .judgements ? role : nil)
    throw fields.failure(
      key,
      "looks like `\(meant)` and is not read; "
        + (place.map { "say what it is with `--column \($0)=\(key)`, or " } ?? "")
        + ignored)
  }
}
