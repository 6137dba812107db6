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
        advice: Suggestion.advice(
          for: name, among: Self.allCases.map(\.rawValue), called: "choices"))
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
