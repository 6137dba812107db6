/// A section of the settings: a value whose keys are declared once, in `fields`.
///
/// ```swift
/// struct OptimizerConfiguration: Configurable {
///   var learningRate = 1e-3
///   static let fields = [
///     Field("learning_rate", \Self.learningRate, "peak AdamW step size", in: 0...1)
///   ]
/// }
/// ```
package protocol Configurable: SettingValue {
  /// The section with every default.
  init()

  /// Every key, in the order in which they are written and documented.
  static var fields: [Field<Self>] { get }

  /// Refuses values that do not go together; `location.key("name")` is the place that an error names.
  func validate(at location: SettingsLocation) throws(SettingsError)
}

extension Configurable {
  package func validate(at location: SettingsLocation) throws(SettingsError) {}

  package static var typeDescription: String { "a section" }

  package init(_ location: SettingsLocation) throws(SettingsError) {
    self.init()
    try update(from: location)
  }

  /// Reads the keys written at `location`, refuses unknown ones, and validates the whole, also
  /// when nothing is written there.
  package mutating func update(from location: SettingsLocation) throws(SettingsError) {
    let names = Self.fields.map(\.name)
    for entry in try location.entries(of: Self.typeDescription) where !names.contains(entry.key) {
      throw location.key(entry.key).error(
        "unknown key", advice: Suggestion.advice(for: entry.key, among: names, called: "keys"))
    }
    for field in Self.fields { try field.update(&self, location.key(field.name)) }
    try validate(at: location)
  }

  package var node: SettingNode { .map(Self.fields.map { ($0.name, $0.node(self)) }) }

  package static func keys(below path: String, default value: Self?) -> [KeyDescription] {
    let value = value ?? Self()
    return fields.flatMap { $0.keys(value, path.isEmpty ? $0.name : "\(path).\($0.name)") }
  }

  /// Every key of the section and of those inside it, in declaration order.
  package static var reference: [KeyDescription] { keys(below: "", default: nil) }

  /// The section as YAML with every default written out: reading it gives an equal value.
  package func resolvedYAML() throws(SettingsError) -> String { try node.yaml() }
}

/// One line of the reference of settings.
package struct KeyDescription: Sendable, Equatable {
  /// The full key path; `[]` stands for any item of a list, `NAME` for any name of a map.
  package let path: String
  /// The type, and the range if there is one.
  package let type: String
  /// The default as YAML; `required` when there is none; empty for a section.
  package let defaultValue: String
  /// What it is for.
  package let documentation: String
}
