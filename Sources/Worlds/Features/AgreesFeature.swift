import Settings

/// Whether the response takes the side that the prompt takes: 1, −1 for another side, 0 for none.
struct AgreesFeature: GoldMeasure, Equatable {
  static let kind = "agrees"
  static let summary =
    "1 if the response takes the side of the prompt, −1 if another, 0 if none; the first word that "
    + "has a side counts"
  static let weight = 1.0

  var wordsOf: String?
  var sides: [String] = []

  init() {}

  static let fields: [Field<Self>] = [
    Field("words_of", \.wordsOf, "a rule each of whose words is a side of its own"),
    Field("sides", \.sides, "instead: rules, the words of each of which are one side"),
  ]

  func validate(at location: SettingsLocation) throws(SettingsError) {
    if (wordsOf == nil) == sides.isEmpty {
      throw location.error(
        wordsOf == nil ? "there are no sides here" : "sides are given twice",
        advice: "give either `words_of`, a rule, or `sides`, a list of rules")
    }
  }

  func measure(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> Measure {
    var side: [String: Int] = [:]
    if let wordsOf {
      for (index, word) in try grammar.words(of: wordsOf, at: location.key("words_of")).enumerated()
      {
        side[word] = index
      }
    }
    for (index, rule) in sides.enumerated() {
      let place = location.key("sides").item(index)
      for word in try grammar.words(of: rule, at: place) {
        guard side[word] == nil else {
          throw place.error(
            "`\(word)` is on two sides", advice: "name rules that share no words")
        }
        side[word] = index
      }
    }
    return { [side] text in
      guard let opinion = text.prompt.lazy.compactMap({ side[$0] }).first,
        let taken = text.response.lazy.compactMap({ side[$0] }).first
      else { return 0 }
      return taken == opinion ? 1 : -1
    }
  }
}
