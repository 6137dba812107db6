/// A type that can stand in a settings file.
///
/// Numbers, truth values, strings, enumerations, ``Configurable`` sections, and lists and optionals
/// of them conform already; other types read and write a ``SettingNode``.
package protocol SettingValue: Sendable {
  /// What the type is called in errors and in the reference: `a whole number`.
  static var typeDescription: String { get }

  /// Reads the value written at `location`, which is there.
  init(_ location: SettingsLocation) throws(SettingsError)

  /// Reads what is written at `location`; the value is unchanged where nothing is.
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

extension SettingsLocation {
  /// The unquoted scalar written here, without the underscores that group digits.
  fileprivate var unquoted: String? {
    guard case .scalar(let text, isText: false) = node?.content else { return nil }
    return text.filter { $0 != "_" }
  }
}

extension Int: SettingValue {
  package static var typeDescription: String { "a whole number" }

  package init(_ location: SettingsLocation) throws(SettingsError) {
    guard let value = location.unquoted.flatMap({ Int($0) }) else {
      throw location.mismatch(expected: Self.typeDescription)
    }
    self = value
  }

  package var node: SettingNode { .literal("\(self)") }
}

extension Double: SettingValue {
  package static var typeDescription: String { "a number" }

  /// Infinities and NaN are refused: no setting of a training run can use them.
  package init(_ location: SettingsLocation) throws(SettingsError) {
    guard let text = location.unquoted, text.allSatisfy({ "0123456789+-.eE".contains($0) }),
      let value = Double(text), value.isFinite
    else { throw location.mismatch(expected: Self.typeDescription) }
    self = value
  }

  package var node: SettingNode { .literal("\(self)") }
}

extension Bool: SettingValue {
  package static var typeDescription: String { "true or false" }

  /// Only `true` and `false`: the other spellings of YAML 1.1 (`yes`, `on`, …) are also words.
  package init(_ location: SettingsLocation) throws(SettingsError) {
    guard let value = location.unquoted.flatMap({ Bool($0) }) else {
      throw location.mismatch(expected: Self.typeDescription)
    }
    self = value
  }

  package var node: SettingNode { .literal("\(self)") }
}

extension String: SettingValue {
  package static var typeDescription: String { "text" }

  /// Any scalar but null: `no` and `5` are the texts "no" and "5" where text is asked for.
  package init(_ location: SettingsLocation) throws(SettingsError) {
    guard let node = location.node, !node.isNull, case .scalar(let text, _) = node.content else {
      throw location.mismatch(expected: Self.typeDescription)
    }
    self = text
  }

  package var node: SettingNode { .text(self) }
}

extension SettingValue where Self: RawRepresentable & CaseIterable, RawValue == String {
  package static var typeDescription: String {
    "one of " + allCases.map(\.rawValue).joined(separator: ", ")
  }

  package init(_ location: SettingsLocation) throws(SettingsError) {
    let name = try String(location)
    guard let value = Self(rawValue: name) else {
      throw location.error(
        "there is no choice `\(name)`",
        advice: Suggestion.choice(for: name, among: Self.allCases.map(\.rawValue)))
    }
    self = value
  }

  package var node: SettingNode { .text(rawValue) }
}

/// A range of whole numbers, written `[2, 3]`, or `2` when both ends are the same.
extension ClosedRange: SettingValue where Bound == Int {
  package static var typeDescription: String { "a range of whole numbers `[low, high]`" }

  package init(_ location: SettingsLocation) throws(SettingsError) {
    guard case .list(let items) = location.node?.content else {
      let value = try Int(location)
      self = value...value
      return
    }
    guard items.count == 2 else {
      throw location.error(
        "a range has two ends, found \(items.count)", advice: "write it as `[low, high]`")
    }
    let low = try Int(location.item(0))
    let high = try Int(location.item(1))
    guard low <= high else {
      throw location.error(
        "the range [\(low), \(high)] is empty", advice: "write the smaller end first")
    }
    self = low...high
  }

  package var node: SettingNode { .list([lowerBound.node, upperBound.node]) }
}

/// A map from names chosen by the writer of the file to values, in the order of the file.
package struct SettingMap<Value: SettingValue>: SettingValue {
  package struct Entry: Sendable {
    package var name: String
    package var value: Value

    package init(name: String, value: Value) {
      self.name = name
      self.value = value
    }
  }

  package var entries: [Entry]

  package init(_ entries: [Entry] = []) { self.entries = entries }

  package static var typeDescription: String {
    "a map from names, each to \(Value.typeDescription)"
  }

  package init(_ location: SettingsLocation) throws(SettingsError) {
    entries = []
    for entry in try location.entries(of: Self.typeDescription) {
      entries.append(Entry(name: entry.key, value: try Value(location.key(entry.key))))
    }
  }

  package var node: SettingNode { .map(entries.map { ($0.name, $0.value.node) }) }

  package static func keys(below path: String, default value: Self?) -> [KeyDescription] {
    Value.keys(below: path + ".NAME", default: nil)
  }
}

extension SettingMap: Equatable where Value: Equatable {}
extension SettingMap.Entry: Equatable where Value: Equatable {}
