import Settings

/// Whether the response has the right answer to the prompt, 1 or 0. The first answer in it counts, so
/// that naming them all does not help.
struct AnswersFeature: GoldMeasure, Equatable {
  static let kind = "answers"
  static let summary =
    "1 if the first answer in the response is the one that belongs to a word of the prompt, else 0"
  static let weight = 1.0

  var table = SettingMap<String>()
  var questions: String?
  var answers: String?

  init() {}

  static let fields: [Field<Self>] = [
    Field("table", \.table, "the answer to each word of a prompt: `{ france: paris }`"),
    Field("from", \.questions, "instead of a table: a rule whose words are asked for"),
    Field(
      "to", \.answers,
      "with `from`: a rule that has the answers, in the same order as the questions"
    ),
  ]

  func validate(at location: SettingsLocation) throws(SettingsError) {
    guard (questions == nil) == (answers == nil), table.entries.isEmpty == (questions != nil) else {
      throw location.error(
        "the answers come from a table, or from two rules",
        advice: "give either `table`, or both `from` and `to`")
    }
  }

  func measure(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> Measure {
    let right = try pairs(in: grammar, at: location)
    let answers = Set(right.values)
    return { text in
      guard let question = text.prompt.first(where: { right[$0] != nil }) else { return 0 }
      return text.response.first(where: answers.contains) == right[question] ? 1 : 0
    }
  }

  private func pairs(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> [String: String] {
    var pairs: [String: String] = [:]
    for entry in table.entries {
      let place = location.key("table").key(entry.name)
      try grammar.require(entry.name, at: place)
      try grammar.require(entry.value, at: place)
      pairs[entry.name] = entry.value
    }
    guard let questions, let answers else { return pairs }
    let asked = try grammar.words(of: questions, at: location.key("from"))
    let given = try grammar.words(of: answers, at: location.key("to"))
    guard asked.count == given.count else {
      throw location.key("to").error(
        "`\(questions)` has \(asked.count) words and `\(answers)` \(given.count)",
        advice: "give each word its answer, in the same order, or write a `table`")
    }
    return Dictionary(zip(asked, given)) { first, _ in first }
  }
}
