package import Settings

/// The grammar of a world: rules that rewrite symbols into words.
package struct GrammarConfiguration: Configurable, Equatable {
  package var start = "text"
  package var rules = SettingMap<WeightedExpansions>()

  package init() {}

  package static let fields: [Field<Self>] = [
    Field("start", \.start, "the symbol that every text is rewritten from"),
    Field(
      "rules", \.rules,
      "what each symbol becomes: a list of expansions, or a map from expansion to weight; "
        + "`<name>` is another symbol, everything else a word; a symbol may contain itself only "
        + "as the last symbol of an expansion"),
  ]
}

/// What a symbol may become, each expansion with its weight.
///
/// Written as a map `{"the <noun> was <quality>": 3, "": 1}`, or as a list when all weigh the same.
package struct WeightedExpansions: SettingValue, Equatable {
  package struct Expansion: Sendable, Equatable {
    /// Words and `<symbols>`, separated by spaces; empty for nothing at all.
    package var text: String
    /// How often it is chosen, relative to the others of the rule.
    package var weight: Double
  }

  package var expansions: [Expansion]

  package static var typeDescription: String { "a list of expansions or a map to their weights" }

  package init(_ location: SettingsLocation) throws(SettingsError) {
    expansions = []
    guard case .map(let entries) = location.node?.content else {
      for item in try location.items(of: Self.typeDescription) {
        let text = try String(item)
        guard !expansions.contains(where: { $0.text == text }) else {
          throw item.error(
            "the expansion \"\(text)\" is given twice", advice: "write it as a map with weights")
        }
        expansions.append(Expansion(text: text, weight: 1))
      }
      return
    }
    for entry in entries {
      let place = location.key(entry.key)
      let weight = try Double(place)
      guard weight > 0 else {
        throw location.onLine(of: place).error(
          "the weight \(weight) of \"\(entry.key)\" is out of range",
          advice: "it must be greater than 0; remove the expansion to switch it off")
      }
      expansions.append(Expansion(text: entry.key, weight: weight))
    }
  }

  package var node: SettingNode { .map(expansions.map { ($0.text, $0.weight.node) }) }

  /// This rule's key path, at the line of one of its expansions.
  static func place(of index: Int, text: String, in rule: SettingsLocation) -> SettingsLocation {
    if case .list = rule.node?.content { return rule.onLine(of: rule.item(index)) }
    return rule.onLine(of: rule.key(text))
  }
}
