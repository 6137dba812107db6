import Settings

/// Whether the response has a form: the share of the demands that it meets.
struct PatternFeature: GoldMeasure, Equatable {
  static let kind = "pattern"
  static let summary = "share of the demands on the form that the response meets"
  static let weight = 1.0

  var start: String?
  var end: String?
  var separator: String?
  var items: ClosedRange<Int>?
  var brackets = SettingMap<String>()

  init() {}

  static let fields: [Field<Self>] = [
    Field("start", \.start, "its first word"),
    Field("end", \.end, "its last word"),
    Field("separator", \.separator, "word between its items, none of which is empty"),
    Field("items", \.items, "with `separator`: how many items it has"),
    Field(
      "brackets", \.brackets,
      "opening words, each with the closing one: they are balanced, and there are some"),
  ]

  func validate(at location: SettingsLocation) throws(SettingsError) {
    if (separator == nil) != (items == nil) {
      throw location.error(
        "a separator and a number of items go together",
        advice: "give both `separator` and `items`, or neither")
    }
    if start == nil, end == nil, separator == nil, brackets.entries.isEmpty {
      throw location.error(
        "this pattern demands nothing",
        advice: "give it a `start`, an `end`, a `separator` or `brackets`")
    }
  }

  func measure(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> Measure {
    typealias Demand = @Sendable (ArraySlice<String>) -> Bool
    for (key, word) in [("start", start), ("end", end), ("separator", separator)] {
      if let word { try grammar.require(word, at: location.key(key)) }
    }
    var closing: [String: String] = [:]
    for entry in brackets.entries {
      let place = location.key("brackets").key(entry.name)
      try grammar.require(entry.name, at: place)
      try grammar.require(entry.value, at: place)
      closing[entry.name] = entry.value
    }
    var demands: [Demand] = []
    if let start { demands.append { $0.first == start } }
    if let end { demands.append { $0.last == end } }
    if let separator, let items {
      demands.append {
        let parts = $0.split(separator: separator, omittingEmptySubsequences: false)
        return items.contains(parts.count) && !parts.contains(where: \.isEmpty)
      }
    }
    if !closing.isEmpty { demands.append { [closing] in Self.isBalanced($0, closing) } }
    return { [demands] text in
      Double(demands.count { $0(text.response) }) / Double(demands.count)
    }
  }

  /// - Parameter closing: the closing word of each opening one.
  private static func isBalanced(_ words: ArraySlice<String>, _ closing: [String: String]) -> Bool {
    let closers = Set(closing.values)
    var awaited: [String] = []
    var hasSome = false
    for word in words {
      if word == awaited.last {
        awaited.removeLast()
      } else if let closer = closing[word] {
        awaited.append(closer)
        hasSome = true
      } else if closers.contains(word) {
        return false
      }
    }
    return hasSome && awaited.isEmpty
  }
}
