import Foundation
import Settings

/// Words of one value.
struct WordGroup: Configurable, Equatable {
  var words: [String] = []
  var value = 0.0

  init() {}

  static let fields: [Field<Self>] = [
    Field("words", \.words, "the words of the group", isRequired: true),
    Field("value", \.value, "value of each of them", isRequired: true),
  ]
}

/// How favourable a text is: the values of its words, multiplied by the modifiers right
/// before them, summed: `Σ value · Π factors`, squashed to `scale · tanh(sum / scale)`.
struct ValenceFeature: GoldTerm, Equatable {
  var feature = GoldFeatureKind.valence
  var weight = 1.0
  var scale = 0.0
  var negations: [String] = []
  var negationFactor = -1.0
  var intensifiers = SettingMap<Double>()
  var lexicon: [WordGroup] = []

  init() {}

  static let fields: [Field<Self>] = [
    Field("feature", \.feature, "valence: how favourable the words are", isRequired: true),
    Field("weight", \.weight, "gold reward for each unit of squashed valence"),
    Field("scale", \.scale, "bound that tanh squashes the sum to; 0 leaves it as it is", in: 0...),
    Field("negations", \.negations, "words that reverse the value of the word after them"),
    Field(
      "negation_factor", \.negationFactor,
      "what a word of `negations` multiplies by: −1 reverses the value, −0.8 also damps it"),
    Field("intensifiers", \.intensifiers, "words that multiply the valued word after them"),
    Field("lexicon", \.lexicon, "groups of words with the value of each", isRequired: true),
  ]

  func validate(at location: SettingsLocation) throws(SettingsError) {
    var seen: Set<String> = []
    for (word, place) in namedWords(at: location) where !seen.insert(word).inserted {
      throw place.error(
        "`\(word)` is listed twice", advice: "remove one of its entries")
    }
  }

  func namedWords(at location: SettingsLocation) -> [(word: String, place: SettingsLocation)] {
    let intensified = location.key("intensifiers")
    let groups = location.key("lexicon")
    return negations.enumerated().map { ($1, location.key("negations").item($0)) }
      + intensifiers.entries.map { ($0.name, intensified.key($0.name)) }
      + lexicon.enumerated().flatMap { index, group in
        group.words.enumerated().map { ($1, groups.item(index).key("words").item($0)) }
      }
  }

  func measure() -> @Sendable (JudgedText) -> Double {
    var factors: [String: Double] = [:]
    var values: [String: Double] = [:]
    for word in negations { factors[word] = negationFactor }
    for entry in intensifiers.entries { factors[entry.name] = entry.value }
    for group in lexicon {
      for word in group.words { values[word] = group.value }
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
