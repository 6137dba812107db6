import Formats

/// A column that the user names: `--column ROLE=NAME`.
package struct NamedColumn: Sendable, Equatable {
  /// One of ``ColumnNames/roles``.
  package let role: String
  package let name: String

  /// Nil when the text is not `ROLE=NAME` with a role that there is.
  package init?(_ text: String) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[1].isEmpty, ColumnNames.roles.contains(String(parts[0])) else {
      return nil
    }
    (role, name) = (String(parts[0]), String(parts[1]))
  }
}

/// Gives the columns of rows the names that they have here; see ``ColumnNames``.
struct ColumnReader {
  /// What rows are read for, which decides what must not be passed over.
  enum Purpose: Int, Comparable {
    case prompts, responses, judgements

    static func < (first: Purpose, second: Purpose) -> Bool { first.rawValue < second.rawValue }
  }

  struct Plan {
    /// Role and name of every column that is read, in the order of the file.
    var columns: [(role: String, name: String)] = []
    var unread: [String] = []
    /// Columns of responses that are not read because they say what others say, if they do.
    var repeating: [String] = []
  }

  let given: [NamedColumn]
  let purpose: Purpose
  let readsIDs: Bool
  /// By the keys of a row and by those of them that have a value.
  private var plans: [[[String]]: Plan] = [:]
  private(set) var summary = ColumnSummary()
  /// Names of `given` that were in some row.
  private var found: Set<String> = []

  /// - Parameter readsIDs: whether token ids are taken in the place of texts.
  init(_ given: [NamedColumn], for purpose: Purpose, readsIDs: Bool = true) {
    (self.given, self.purpose, self.readsIDs) = (given, purpose, readsIDs)
  }

  /// The row by the names that are used here.
  ///
  /// - Throws: ``PreferenceError`` for keys that contradict each other, or that look like a prompt, a
  ///   response or a label and have no place in the row.
  mutating func read(_ fields: RowFields) throws(PreferenceError) -> RowFields {
    let members = fields.object.members
    let keys = members.map(\.key)
    let said = members.filter { fields.isSaid($0.value) }.map(\.key)
    let plan = try knownPlan(for: fields, [keys, said])
    let row = Self.renamed(fields, plan.columns)
    if !given.isEmpty { try requireUse(of: row, keys) }
    try requirePrompt(in: row, unread: plan.unread, of: fields)
    return row
  }

  /// The plan of rows of this shape, made for the first of them.
  private mutating func knownPlan(
    for fields: RowFields, _ shape: [[String]]
  ) throws(PreferenceError) -> Plan {
    if let known = plans[shape],
      known.repeating.allSatisfy({ Self.isRepeated($0, in: known.columns, of: fields) })
    {
      return known
    }
    let new = try plan(for: fields)
    // Rows of a file have few shapes.
    if plans.count > 100 { plans = [:] }
    plans[shape] = new
    let mapped = new.columns.filter { $0.role != $0.name || $0.role == "input" }
    summary.add(
      ColumnSummary(
        mapped: mapped.map { .init(name: $0.name, role: $0.role) }, unread: new.unread))
    return new
  }

  static func renamed(
    _ fields: RowFields, _ columns: [(role: String, name: String)]
  ) -> RowFields {
    if columns.count == fields.object.keys.count, columns.allSatisfy({ $0.role == $0.name }) {
      return fields
    }
    var row = fields
    row.object = JSONObject(
      columns.compactMap { column in
        fields.object[column.name].map { (column.role, $0) }
      })
    for column in columns { row.names[column.role] = column.name }
    return row
  }

  /// Counts what a row makes the person know.
  mutating func add(_ example: Example) {
    for remark in example.remarks { summary.add(remark) }
    if example.hasPromptInResponse { summary.add(Example.promptInResponse) }
    if purpose == .judgements, example.judgement == .none, !example.responses.isEmpty,
      let key = summary.unread.first(where: ColumnNames.isPerhapsJudgement)
    {
      summary.add(
        "nothing says how good the responses are; perhaps `\(key)` does: name what it is with "
          + "`--column ROLE=\(key)`")
    }
  }

  /// Refuses a column that the user named and no row had.
  func requireFound(in file: String) throws(PreferenceError) {
    guard !plans.isEmpty, let column = given.first(where: { !found.contains($0.name) }) else {
      return
    }
    throw .file(
      path: file,
      problem: "has no column `\(column.name)`, which --column \(column.role)=\(column.name) names")
  }

  private mutating func plan(for fields: RowFields) throws(PreferenceError) -> Plan {
    let keys = fields.object.keys
    var free = Set(keys)
    var names: [String: String] = [:]
    for column in given where free.contains(column.name) {
      found.insert(column.name)
      free.remove(column.name)
      if column.role != "ignore" { names[column.role] = column.name }
    }
    /// The free column that would be that of a role.
    func column(of role: String) -> String? {
      let others = ColumnNames.columns.first { $0.name == role }?.others ?? []
      return ([role] + others).first(where: free.contains)
    }
    /// Finds the column of a role, if it has one.
    @discardableResult
    func take(_ role: String) -> Bool {
      if names[role] != nil { return true }
      guard let name = column(of: role) else { return false }
      names[role] = name
      free.remove(name)
      return true
    }
    /// Whether it would have a value in this row.
    func isSaid(_ role: String) -> Bool { column(of: role).map(fields.has) ?? false }
    func has(_ role: String) -> Bool { names[role] != nil }

    func takeAll(_ roles: String...) {
      for role in roles { take(role) }
    }

    // Ids of a prompt or of a response alone say nothing beside texts.
    let ids = ["prompt_ids", "response_ids"]
    if purpose == .prompts || ids.allSatisfy({ has($0) || isSaid($0) })
      || !["prompt", "history", "messages"].contains(where: { has($0) || isSaid($0) })
    {
      for role in ids { take(role) }
    }
    takeAll("chosen", "rejected")
    // The better response as the end of a conversation, or as files for SFT call it.
    for role in ["messages", "response"] where has("rejected") && !has("chosen") && isSaid(role) {
      names["chosen"] = column(of: role)
      names["chosen"].map { _ = free.remove($0) }
    }
    takePair(&names, &free)
    let isPair = has("response_a") || has("response_b")
    if !isPair, free.contains("steps") || (free.contains("completions") && free.contains("labels"))
    {
      takeAll("steps", "step_labels")
    }
    takeAll("responses", "response")
    // Who asks for prompts has no use for what is said of responses, nor `logprobs` for a number of one.
    if purpose > .prompts {
      if isPair {
        takeAll("preference", "preference_strength")
        takeScores(&names, &free)
        if names["response_a"]?.hasPrefix("conv") ?? false { take("turn") }
        takeAll("winner_model_a", "winner_model_b", "winner_tie")
      }
      if has("responses") { takeAll("ranking", "ranks", "ratings") }
    }
    // What is said of no response has no place.
    if purpose == .judgements,
      ["response", "response_ids", "messages"].contains(where: has) || Self.hasMessages(free),
      !["chosen", "rejected", "response_a", "response_b", "responses", "steps"].contains(
        where: has),
      has("label") || (isSaid("label") && !isSaid("rating") && !has("rating")) || !take("rating")
    {
      take("label")
    }
    if has("chosen") || has("rejected") {
      takeAll("margin", "chosen_score", "rejected_score")
      takeAll("chosen_probability", "chosen_gold", "rejected_gold")
    }
    takeAll("annotator", "rendered", "subset", "tools", "system", "history", "prompt", "input")
    if !has("prompt"), !has("history"), let name = names.removeValue(forKey: "input") {
      names["prompt"] = name
    }
    let repeating = try requireOneKind(&names, fields)
    if !repeating.isEmpty {
      free.formUnion(["ratings", "ranks"].compactMap { names.removeValue(forKey: $0) })
    }
    if !has("prompt"), !has("history"), !has("prompt_ids") { take("messages") }

    var plan = Plan()
    let named = keys.compactMap { key in
      names.first { $0.value.utf8.elementsEqual(key.utf8) }.map { (role: $0.key, name: key) }
    }
    plan.columns = named
    plan.repeating = repeating
    for member in fields.object.members where free.contains(member.key) {
      if fields.isSaid(member.value) { try requireUnimportant(member, fields, named, &plan) }
      plan.unread.append(member.key)
    }
    plan.unread += repeating
    return plan
  }

  /// Two responses side by side, under any of the names for them.
  private func takePair(_ names: inout [String: String], _ free: inout Set<String>) {
    let known: [(a: String, b: String)] = [
      ("response_a", "response_b"), ("human_ref_A", "human_ref_B"),
    ]
    let pairs = known + ColumnNames.pairNames
    guard names["response_a"] == nil, names["response_b"] == nil,
      let pair = pairs.first(where: { free.contains($0.a) && free.contains($0.b) })
    else { return }
    names["response_a"] = pair.a
    names["response_b"] = pair.b
    free.subtract([pair.a, pair.b])
  }

  /// A score of each of two responses side by side, by the ends of their names: of `response_0` and
  /// `response_1`, `score_0` and `score_1`.
  private func takeScores(_ names: inout [String: String], _ free: inout Set<String>) {
    for (role, response) in [("score_A", "response_a"), ("score_B", "response_b")]
    where names[role] == nil {
      let side = names[response] ?? ""
      let end = side.suffix(1)
      let others = [role, "score_" + end, "rating_" + end, side + "_score", side + "_rating"]
      guard let name = others.first(where: free.contains) else { continue }
      names[role] = name
      free.remove(name)
    }
  }

  private static func hasMessages(_ free: Set<String>) -> Bool {
    ["messages", "conversations", "conversation"].contains(where: free.contains)
  }

  /// What a role matters for.
  static func purpose(of role: String) -> Purpose {
    switch role {
    case "prompt", "input", "system", "history", "tools", "prompt_ids": .prompts
    case "chosen", "rejected", "response_a", "response_b", "responses", "response", "steps",
      "response_ids":
      .responses
    default: .judgements
    }
  }
}
