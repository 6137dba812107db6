import Formats

/// How rows are read: the columns that the user names, and how messages become text.
package struct RowReading: Sendable {
  package var columns: [NamedColumn]
  package var format: ChatFormat
  /// Whether rows at fault are passed over and counted.
  package var skips: Bool

  package init(
    columns: [NamedColumn] = [], format: ChatFormat = .plain, skips: Bool = false
  ) {
    (self.columns, self.format, self.skips) = (columns, format, skips)
  }
}

/// A row as it is read: a prompt, its responses, and what it says of them.
struct Example {
  enum Judgement: Equatable {
    /// Nothing.
    case none
    /// The first `right` responses are better than the others; for one of two, a comparison.
    case better(right: Int)
    /// Two responses are equally good.
    case tie
    /// Indices of the responses, best first.
    case ranking([Int])
    /// A number for each response, more for better.
    case ratings([Double])
    /// Whether the one response is good.
    case label(Bool)
    /// Whether each step of the one response is right.
    case steps([Bool])
  }

  /// In what keys the responses stand.
  enum Form: Equatable {
    case single, pair, sides, several, steps
  }

  var prompt = ""
  var responses: [String] = []
  /// Whether the texts are written by a chat template, so that they are encoded as they stand.
  var isRendered = false
  /// Whether a response says nothing at all.
  var hasEmptyResponse = false
  /// Whether messages were put into the plain format.
  var usesPlainFormat = false
  /// Whether a response begins with the whole prompt, as some files repeat it.
  var hasPromptInResponse: Bool {
    !prompt.isEmpty && responses.contains { $0.utf8.starts(with: prompt.utf8) }
  }
  static let promptInResponse = "a response begins with the prompt, which is not taken off"
  var form = Form.single
  var judgement = Judgement.none
  /// By how much the better response, or each of them, is better.
  var margin: Double?
  /// Ratings of the two responses of a pair, or of those that a ranking orders.
  var ratings: [Double]?
  /// Whether it says two things that exclude each other, so that nothing can be learned from it.
  var isContradictory = false
  /// What the person should know of the row, in words that fit many.
  var remarks: [String] = []

  /// What rows are asked for.
  enum Wanted {
    /// A response, without which a row is refused.
    case responses
    /// A prompt, what follows it in messages being left out.
    case prompts
    /// Whatever there is.
    case anything
  }

  init(
    _ fields: RowFields, format: ChatFormat, wanted: Wanted = .responses
  ) throws(PreferenceError) {
    if fields.has("steps") {
      try readSteps(fields, format)
    } else if fields.has("responses") || fields.has("ranking") {
      try readSeveral(fields, format)
    } else if fields.isNamed("response_a") || fields.isNamed("response_b") {
      try readSides(fields, format)
    } else if fields.isNamed("chosen") || fields.isNamed("rejected") {
      try readComparison(fields, format)
    } else {
      var hasResponse = wanted == .responses || fields.isNamed("response")
      if wanted == .anything, !hasResponse { hasResponse = try fields.endsWithAnswer }
      if hasResponse {
        try readSingle(fields, format)
      } else {
        try readTexts([], fields, format)
      }
    }
    if try fields.bool("rendered") == true { isRendered = true }
  }

  // MARK: - Kinds of rows

  private mutating func readSingle(
    _ fields: RowFields, _ format: ChatFormat
  ) throws(PreferenceError) {
    if fields.has("messages"), !fields.isNamed("response") {
      guard let whole = try fields.content("messages") else { return }
      try readTexts([("messages", whole)], fields, format)
    } else {
      guard let response = try fields.content("response") else {
        throw fields.failure("response", "is missing; add it with a text or messages")
      }
      try readTexts([("response", response)], fields, format)
    }
    if let rating = try fields.number("rating") {
      judgement = .ratings([rating])
    } else if let label = try fields.bool("label") {
      judgement = .label(label)
    }
  }

  private mutating func readComparison(
    _ fields: RowFields, _ format: ChatFormat
  ) throws(PreferenceError) {
    var texts: [(String, JSONValue)] = []
    var right = 0
    for key in ["chosen", "rejected"] {
      guard let value = try fields.content(key) else {
        throw fields.failure(key, "is missing; add it with a text or messages")
      }
      // A list of texts is one of several responses; messages are one.
      if let list = value.array, let first = list.first, first.string != nil {
        texts += list.enumerated().map { ("\(key)[\($0)]", $1) }
        form = .several
      } else {
        texts.append((key, value))
      }
      if key == "chosen" { right = texts.count }
    }
    // A conversation, and another text in the place of its last message.
    if texts.count == 2, let messages = texts[0].1.array, messages.count > 1,
      !fields.isNamed("prompt"), !fields.isNamed("history"), let text = texts[1].1.string
    {
      let other = Message(role: "assistant", content: text).json
      texts[1].1 = .array(messages.dropLast() + [other])
    }
    if form == .single { form = .pair }
    try readTexts(texts, fields, format)
    judgement = .better(right: right)
    var said = [Statement("chosen", [1, 0])]
    if let margin = try fields.number("margin") {
      self.margin = margin
      said.append(Statement("margin", [margin, 0]))
    }
    let key = "chosen_score"
    if let chosen = try fields.number(key), let rejected = try fields.number("rejected_score") {
      guard form == .pair else {
        throw fields.failure(key, "rates one response, and there are several; leave it out")
      }
      ratings = [chosen, rejected]
      said.append(Statement(key, [chosen, rejected]))
      if chosen == rejected {
        remarks.append(
          "`\(fields.name(key))` and `\(fields.name("rejected_score"))` are equal, and "
            + "`\(fields.name("chosen"))` decides")
      }
    }
    noteAlone("chosen_score", "rejected_score", fields)
    requireAgreement(said, fields)
  }

  /// Of two columns that say something only together.
  private mutating func noteAlone(_ first: String, _ second: String, _ fields: RowFields) {
    guard fields.has(first) != fields.has(second) else { return }
    let (there, missing) = fields.has(first) ? (first, second) : (second, first)
    remarks.append("`\(fields.name(there))` says nothing without `\(fields.name(missing))`")
  }

  private mutating func readSides(
    _ fields: RowFields, _ format: ChatFormat
  ) throws(PreferenceError) {
    var texts: [(String, JSONValue)] = []
    for key in ["response_a", "response_b"] {
      guard let value = try fields.content(key) else {
        throw fields.failure(key, "is missing; add it with a text or messages")
      }
      texts.append((key, value))
    }
    form = .sides
    var fields = fields
    try readTurns(&texts, &fields)
    if let turns = try fields.number("turn") { try cut(&texts, behind: turns, fields) }
    try readTexts(texts, fields, format)
    let said = try Side.statements(fields)
    if let first = said.first {
      let (a, b) = (first.worth[0], first.worth[1])
      judgement = a == b ? .tie : .ranking(a > b ? [0, 1] : [1, 0])
    }
    margin = try fields.number("preference_strength").map(abs)
    noteAlone("score_A", "score_B", fields)
    requireAgreement(said, fields)
  }

  private mutating func readSeveral(
    _ fields: RowFields, _ format: ChatFormat
  ) throws(PreferenceError) {
    let list = try fields.list("responses", of: "texts")
    if list.isEmpty { throw fields.failure("responses", "is empty; give at least one") }
    form = .several
    var texts: [(String, JSONValue)] = []
    var (ratings, ranks): ([Double], [Double]) = ([], [])
    var unread: [String] = []  // keys of responses
    // One key for all responses: numbers under different names are of different scales.
    let scores = ["rating", "score", "overall_score", "fine-grained_score", "pm_score"]
    let scoreKey = scores.first { key in
      list.contains { $0.object?[key].flatMap(RowFields.number) != nil }
    }
    for (index, element) in list.enumerated() {
      let key = "responses[\(index)]"
      guard let object = element.object, object["role"] == nil, object["from"] == nil else {
        texts.append((key, element))
        continue
      }
      let names = ["response", "text", "content", "completion", "answer", "output"]
      guard let name = names.first(where: { object[$0] != nil }), let text = object[name] else {
        throw fields.failure(key, "holds no response; give it as `response`")
      }
      texts.append(("\(key).\(name)", text))
      var used: Set = [name, "rank"]
      if let scoreKey, let score = object[scoreKey].flatMap(RowFields.number) {
        ratings.append(score)
        used.insert(scoreKey)
      }
      if let rank = object["rank"].flatMap(RowFields.number) { ranks.append(rank) }
      for key in object.keys where !used.contains(key) && !unread.contains(key) {
        unread.append(key)
      }
    }
    if !unread.isEmpty {
      let keys = unread.map { "`\($0)`" }.joined(separator: ", ")
      remarks.append("these keys of `\(fields.name("responses"))` are not read: \(keys)")
    }
    try readTexts(texts, fields, format)
    var said: [Statement] = []
    func add(_ key: String, _ numbers: [Double]) throws(PreferenceError) {
      said.append(Statement(key, try oneEach(numbers, key, fields)))
    }
    if fields.has("ranking") {
      let order = try ranking(fields)
      judgement = .ranking(order)
      var places = [Double](repeating: 0, count: order.count)
      for (place, index) in order.enumerated() { places[index] = -Double(place) }
      try add("ranking", places)
    }
    if fields.has("ranks") { try add("ranks", fields.numbers("ranks").map { -$0 }) }
    if fields.has("ratings") { try add("ratings", fields.numbers("ratings")) }
    if !ranks.isEmpty { try add("responses", ranks.map { -$0 }) }
    if !ratings.isEmpty { try add("responses", ratings) }
    if judgement == .none, let first = said.first {
      judgement = .ratings(first.worth)
    } else if let rated = said.first(where: { $0.key != "ranking" }),
      Set(rated.worth).count == rated.worth.count
    {
      self.ratings = rated.worth
    }
    requireAgreement(said, fields)
  }

  private mutating func readSteps(
    _ fields: RowFields, _ format: ChatFormat
  ) throws(PreferenceError) {
    form = .steps
    let steps = try fields.list("steps", of: "texts")
    let labels = fields.has("step_labels") ? try fields.bools("step_labels") : nil
    guard !steps.isEmpty else { throw fields.failure("steps", "is empty; give at least one") }
    if let labels, labels.count != steps.count {
      throw fields.failure(
        "step_labels", "holds \(labels.count) labels of \(steps.count) steps; give one to each")
    }
    try readTexts(steps.enumerated().map { ("steps[\($0)]", $1) }, fields, format)
    if isRendered || usesPlainFormat {
      throw fields.failure("steps", "stand beside messages; write prompt and steps as texts")
    }
    if let labels { judgement = .steps(labels) }
  }

  private func oneEach(
    _ numbers: [Double], _ key: String, _ fields: RowFields
  ) throws(PreferenceError) -> [Double] {
    guard numbers.count == responses.count else {
      throw fields.failure(
        key, "says \(numbers.count) numbers of \(responses.count) responses; give one to each")
    }
    return numbers
  }

  private func ranking(_ fields: RowFields) throws(PreferenceError) -> [Int] {
    let ranking = try fields.integers("ranking")
    guard ranking.sorted() == Array(responses.indices) else {
      throw fields.failure(
        "ranking", "is \(ranking); name each of 0 to \(responses.count - 1) once, best first")
    }
    return ranking
  }
}
