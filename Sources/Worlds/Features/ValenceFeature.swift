import Foundation
import Settings

/// Words of one value.
struct WordGroup: Configurable, Equatable {
  var list = WordClass()
  var value = 0.0

  init() {}

  static let fields: [Field<Self>] =
    WordClass.fields.map { $0.inside(\.list) } + [
      Field("value", \.value, "value of each of the words", isRequired: true)
    ]

  func validate(at location: SettingsLocation) throws(SettingsError) {
    try list.validate(at: location)
  }
}

/// How favourable a text is: the values of its words, multiplied by the modifiers right
/// before them, summed: `Σ value · Π factors`, squashed to `scale · tanh(sum / scale)`.
struct ValenceFeature: GoldMeasure, Equatable {
  static let kind = "valence"
  static let summary = "how favourable the words are"
  static let weight = 1.0

  var scale = 0.0
  var negations: [String] = []
  var negationFactor = -1.0
  var intensifiers = SettingMap<Double>()
  var lexicon: [WordGroup] = []

  init() {}

  static let fields: [Field<Self>] = [
    Field("scale", \.scale, "bound that tanh squashes the sum to; 0 leaves it as it is", in: 0...),
    Field("negations", \.negations, "words that reverse the value of the word after them"),
    Field(
      "negation_factor", \.negationFactor,
      "what a word of `negations` multiplies by: −1 reverses the value, −0.8 also damps it"),
    Field("intensifiers", \.intensifiers, "words that multiply the valued word after them"),
    Field("lexicon", \.lexicon, "groups of words with the value of each", isRequired: true),
  ]

  func measure(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> Measure {
    var factors: [String: Double] = [:]
    var values: [String: Double] = [:]
    func requireNew(_ word: String, _ place: SettingsLocation) throws(SettingsError) {
      try grammar.require(word, at: place)
      guard factors[word] == nil, values[word] == nil else {
        throw place.error("`\(word)` is listed twice", advice: "remove one of its entries")
      }
    }
    for (index, word) in negations.enumerated() {
      try requireNew(word, location.key("negations").item(index))
      factors[word] = negationFactor
    }
    for entry in intensifiers.entries {
      try requireNew(entry.name, location.key("intensifiers").key(entry.name))
      factors[entry.name] = entry.value
    }
    for (index, group) in lexicon.enumerated() {
      let place = location.key("lexicon").item(index)
      for (word, place) in try group.list.places(in: grammar, at: place) {
        try requireNew(word, place)
        values[word] = group.value
      }
    }
    return { [scale, factors, values] text in
      var sum = 0.0
      var factor = 1.0
      for word in text.words {
        if let modifier = factors[word] {
          factor *= modifier
        } else {
          sum += factor * (values[word] ?? 0)
          factor = 1
        }
      }
      return scale == 0 ? sum : scale * tanh(sum / scale)
    }
  }
}
