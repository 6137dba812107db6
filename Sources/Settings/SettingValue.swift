/// A type that can stand in a settings file.
///
/// Numbers, truth values, strings, enumerations, ``Configurable`` sections, and lists and optionals
/// of them conform already; other types read and write a ``SettingNode``.
package protocol SettingValue: Sendable {
  /// What the type is called in errors and in the reference: `a whole number`.
  static var typeDescription: String { get }

  /// Reads the value written at `location`, which is there.
  init(_ location: SettingsLocation) throws(SettingsError)

  /// Takes over what is written at `location`, and keeps the value where nothing is.
  mutating func update(from location: SettingsLocation) throws(SettingsError)

  /// The value as it is written to a file: reading it gives an equal value.
  var node: SettingNode { get }

  /// The keys below a key of this type, none for a scalar; `value` holds their defaults.
  static func keys(below path: String, default value: Self?) -> [KeyDescription]
}

extension SettingValue {
  package mutating func update(from location: SettingsLocation) throws(SettingsError) {
    if location.node != nil { self = try Self(location) }
  }

  package static func keys(below path: String, default value: Self?) -> [KeyDescription] { [] }
}

extension Optional: SettingValue where Wrapped: SettingValue {
  package static var typeDescription: String { "\(Wrapped.typeDescription) or null" }

  package init(_ location: SettingsLocation) throws(SettingsError) {
    self = location.node?.isNull ?? true ? nil : try Wrapped(location)
  }

  package mutating func update(from location: SettingsLocation) throws(SettingsError) {
    guard let node = location.node else { return }
    if !node.isNull, var value = self {
      try value.update(from: location)
      self = value
    } else {
      self = try Self(location)
    }
  }

  package var node: SettingNode { self?.node ?? .null }

  package static func keys(below path: String, default value: Self?) -> [KeyDescription] {
    Wrapped.keys(below: path, default: value ?? nil)
  }
}

extension Array: SettingValue where Element: SettingValue {
  package static var typeDescription: String { "a list, each item \(Element.typeDescription)" }

  package init(_ location: SettingsLocation) throws(SettingsError) {
    self = []
    for item in try location.items(of: Self.typeDescription) { append(try Element(item)) }
  }

  package var node: SettingNode { .list(map(\.node)) }

  package static func keys(below path: String, default value: Self?) -> [KeyDescription] {
    Element.keys(below: path + "[]", default: nil)
  }
}
