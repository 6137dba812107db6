/// What a row is read as, and which of its columns that takes.
struct ColumnUse {
  /// For people.
  let kind: String
  /// Columns of the responses and of what is said of them.
  let roles: Set<String>

  private static let pair = ColumnUse(
    kind: "a better and a worse response",
    roles: [
      "chosen", "rejected", "margin", "chosen_score", "rejected_score", "chosen_probability",
      "chosen_gold", "rejected_gold", "annotator",
    ])
  private static let sides = ColumnUse(
    kind: "two responses side by side",
    roles: [
      "response_a", "response_b", "preference", "preference_strength", "score_A", "score_B",
      "winner_model_a", "winner_model_b", "winner_tie", "annotator", "turn",
    ])
  private static let several = ColumnUse(
    kind: "several responses", roles: ["responses", "ranking", "ranks", "ratings"])
  private static let steps = ColumnUse(
    kind: "steps of one response", roles: ["steps", "step_labels"])
  private static let single = ColumnUse(
    kind: "one response", roles: ["response", "rating", "label"])
  private static let ids = ColumnUse(
    kind: "token ids", roles: ["prompt_ids", "response_ids", "rating", "label"])
  private static let prompt = ColumnUse(kind: "a prompt", roles: [])
  private static let kinds = [pair, sides, several, steps, single, ids]

  /// Columns that say something only together.
  static let partners = [
    "chosen_score": "rejected_score", "rejected_score": "chosen_score", "score_A": "score_B",
    "score_B": "score_A",
  ]

  /// Columns that every row of texts has a place for.
  private static let texts: Set = [
    "prompt", "input", "system", "history", "tools", "messages", "rendered", "subset",
  ]

  /// - Parameters:
  ///   - fields: by the names that are used here; the order of the questions is that of `Example`.
  ///   - readsIDs: whether token ids are taken in the place of texts.
  init(of fields: RowFields, readsIDs: Bool) {
    self =
      if readsIDs, fields.has("prompt_ids") || fields.has("response_ids") {
        Self.ids
      } else if fields.has("steps") {
        Self.steps
      } else if fields.has("responses") || fields.has("ranking") {
        Self.several
      } else if fields.isNamed("response_a") || fields.isNamed("response_b") {
        Self.sides
      } else if fields.isNamed("chosen") || fields.isNamed("rejected") {
        Self.pair
      } else if fields.isNamed("response") || fields.has("messages") {
        Self.single
      } else {
        Self.prompt
      }
  }

  private init(kind: String, roles: Set<String>) { (self.kind, self.roles) = (kind, roles) }

  /// Whether such a row has a place for a column of that role.
  func takes(_ role: String) -> Bool {
    roles.contains(role) || (kind != Self.ids.kind ? Self.texts.contains(role) : role == "subset")
  }

  /// Why a column that the user named has no place in a row; nil where it has one, or says nothing.
  ///
  /// - Parameter readsJudgements: whether it matters here what rows say of their responses.
  func problem(
    with column: NamedColumn, _ fields: RowFields, columns: [String], readsJudgements: Bool
  ) -> String? {
    guard column.role != "ignore", fields.has(column.role) else { return nil }
    let option = "--column \(column.role)=\(column.name)"
    if !readsJudgements, !Self.texts.contains(column.role),
      ColumnReader.purpose(of: column.role) == .judgements
    {
      return "is named by \(option), and what rows say of responses is not read here; leave it out"
    }
    func isBeside(_ roles: String...) -> String? { roles.first(where: fields.has) }
    let other: String? =
      switch column.role {
      case "messages" where kind != Self.single.kind: isBeside("prompt", "history")
      case "label": isBeside("rating")
      default: nil
      }
    let missing = Self.partners[column.role].flatMap { fields.has($0) ? nil : $0 }
    if takes(column.role), other == nil, missing == nil { return nil }
    let found = columns.map { "`\($0)`" }.joined(separator: ", ")
    if let other {
      return
        "is named by \(option), and `\(fields.name(other))` is read in its place; leave one of them "
        + "out (columns: \(found))"
    }
    if takes(column.role), let missing {
      return
        "is named by \(option), and says nothing without `\(missing)`; name that, too, or leave it "
        + "out (columns: \(found))"
    }
    let read = (Self.texts.union(roles)).filter(fields.has).map(fields.name).sorted()
    let places = Self.kinds.filter { $0.roles.contains(column.role) }.map(\.kind)
    return
      "is named by \(option), and this row is read as \(kind), of which "
      + read.map { "`\($0)`" }.joined(separator: ", ") + " are read; `\(column.role)` belongs to "
      + (places.isEmpty ? "rows of texts" : places.joined(separator: " or "))
      + " (columns: \(found)): leave the option out, or name the columns of the responses, too"
  }
}
