import Settings

/// How many words of the response are of a class.
struct WordsFeature: GoldMeasure, Equatable {
  static let kind = "words"
  static let summary = "how many words of the response are among these"
  static let weight = 1.0

  var list = WordClass()
  var limit: Int?

  init() {}

  static let fields: [Field<Self>] =
    WordClass.fields.map { $0.inside(\.list) } + [
      Field("limit", \.limit, "most of them that count; null for all", in: 1...)
    ]

  func validate(at location: SettingsLocation) throws(SettingsError) {
    try list.validate(at: location)
  }

  func measure(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> Measure {
    let words = Set(try list(in: grammar, at: location))
    return { [limit] text in Double(min(limit ?? .max, text.response.count(where: words.contains)))
    }
  }
}

/// How many of the words of a class in the prompt, its slots, are in the response: their share.
struct CopiesFeature: GoldMeasure, Equatable {
  static let kind = "copies"
  static let summary = "share of these words in the prompt that the response repeats"
  static let weight = 1.0

  var list = WordClass()

  init() {}

  static let fields: [Field<Self>] = WordClass.fields.map { $0.inside(\.list) }

  func validate(at location: SettingsLocation) throws(SettingsError) {
    try list.validate(at: location)
  }

  func measure(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> Measure {
    let words = Set(try list(in: grammar, at: location))
    return { text in
      let slots = Set(text.prompt.filter(words.contains))
      guard !slots.isEmpty else { return 0 }
      return Double(slots.intersection(text.response).count) / Double(slots.count)
    }
  }
}
