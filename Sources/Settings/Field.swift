/// One key of a configuration: its name, the property behind it, what it is for, and what it needs
/// to have an effect.
///
/// Reading, writing, defaults, unused settings and the reference follow from this one declaration.
package struct Field<Root: Sendable>: Sendable {
  package let name: String
  let update: @Sendable (inout Root, SettingsLocation) throws(SettingsError) -> Void
  let node: @Sendable (Root) -> SettingNode
  let keys: @Sendable (Root, _ path: String) -> [KeyDescription]
  let unusedKeys: @Sendable (Root, _ section: String) -> [UnusedKey]

  /// A key whose default is the initial value of the property.
  ///
  /// - Parameters:
  ///   - isRequired: whether a file must give it, for properties without a sensible default.
  ///   - conditions: without any of these the key has no effect.
  package init<Value: SettingValue>(
    _ name: String, _ property: any WritableKeyPath<Root, Value> & Sendable,
    _ documentation: String, isRequired: Bool = false, onlyIf conditions: Condition<Root>...
  ) {
    self.init(
      name, property, documentation, isRequired: isRequired, requirement: nil, conditions,
      refuse: { _ in nil })
  }

  /// A key whose value must lie in a range.
  package init<Value: SettingValue>(
    _ name: String, _ property: any WritableKeyPath<Root, Value> & Sendable,
    _ documentation: String, in range: some SettingRange<Value>, isRequired: Bool = false,
    onlyIf conditions: Condition<Root>...
  ) {
    self.init(
      name, property, documentation, isRequired: isRequired, requirement: range.requirement,
      conditions,
      refuse: { range.contains($0) ? nil : "\($0)" })
  }

  /// A key that may be null, and whose value must otherwise lie in a range.
  package init<Value: SettingValue>(
    _ name: String, _ property: any WritableKeyPath<Root, Value?> & Sendable,
    _ documentation: String, in range: some SettingRange<Value>,
    onlyIf conditions: Condition<Root>...
  ) {
    self.init(
      name, property, documentation, isRequired: false, requirement: range.requirement,
      conditions,
      refuse: { value in value.flatMap { range.contains($0) ? nil : "\($0)" } })
  }

  /// `refuse` gives a value back as text when it is out of range.
  private init<Value: SettingValue>(
    _ name: String, _ property: any WritableKeyPath<Root, Value> & Sendable,
    _ documentation: String, isRequired: Bool, requirement: String?,
    _ conditions: [Condition<Root>], refuse: @escaping @Sendable (Value) -> String?
  ) {
    self.name = name
    update = { (root: inout Root, location: SettingsLocation) throws(SettingsError) in
      if isRequired, location.node == nil {
        throw location.error("this key is missing", advice: "add `\(name):` (\(documentation))")
      }
      try root[keyPath: property].update(from: location)
      if let refused = refuse(root[keyPath: property]) {
        throw location.error(
          "\(refused) is out of range", advice: "it must be \(requirement ?? "in range")")
      }
    }
    node = { $0[keyPath: property].node }
    keys = { root, path in
      let value = root[keyPath: property]
      let below = Value.keys(below: path, default: value)
      let isSection = value is any Configurable
      let key = KeyDescription(
        path: path, type: Value.typeDescription + (requirement.map { ", \($0)" } ?? ""),
        defaultValue: isRequired ? "required" : isSection ? "" : value.node.flowDescription,
        documentation: documentation + conditions.map(\.clause).joined())
      return [key] + below
    }
    unusedKeys = { root, section in
      let own = conditions.flatMap { $0.unusedKeys(of: name, in: section, root) }
      let value = root[keyPath: property]
      let path = section.isEmpty ? name : "\(section).\(name)"
      let items = value as? [any Configurable] ?? []
      return own + ((value as? any Configurable)?.unusedKeys(in: path) ?? [])
        + items.enumerated().flatMap { $1.unusedKeys(ofItem: "\(path)[\($0)]") }
    }
  }

  private init(
    name: String,
    update: @escaping @Sendable (inout Root, SettingsLocation) throws(SettingsError) -> Void,
    node: @escaping @Sendable (Root) -> SettingNode,
    keys: @escaping @Sendable (Root, String) -> [KeyDescription],
    unusedKeys: @escaping @Sendable (Root, String) -> [UnusedKey]
  ) {
    self.name = name
    self.update = update
    self.node = node
    self.keys = keys
    self.unusedKeys = unusedKeys
  }

  /// The same key for a section that holds this one's values in a property without a name of its
  /// own, where another condition may come to those of the key.
  package func inside<Whole>(
    _ part: any WritableKeyPath<Whole, Root> & Sendable, onlyIf condition: Condition<Whole>? = nil
  ) -> Field<Whole> {
    Field<Whole>(
      name: name,
      update: { (whole: inout Whole, location: SettingsLocation) throws(SettingsError) in
        try update(&whole[keyPath: part], location)
      }, node: { node($0[keyPath: part]) },
      keys: { whole, path in
        keys(whole[keyPath: part], path).map {
          KeyDescription(
            path: $0.path, type: $0.type, defaultValue: $0.defaultValue,
            documentation: $0.documentation + (condition?.clause ?? ""))
        }
      },
      unusedKeys: { whole, section in
        unusedKeys(whole[keyPath: part], section)
          + (condition?.unusedKeys(of: name, in: section, whole) ?? [])
      })
  }
}

/// What a setting needs to have an effect: certain values of another one.
///
/// ```swift
/// Field(
///   "lambda", \Self.lambda, "λ of generalized advantage estimation", in: 0...1,
///   onlyIf: .setting("algorithm", \.algorithm) { $0 == .ppo })
/// ```
///
/// The reference of settings says so, and ``SettingsDocument/resolve(_:)`` refuses the setting where
/// the condition is not met. Declare one where the setting belongs to another choice or to an option
/// that is off; for a value that happens to leave it without effect, a note in the description is enough.
package struct Condition<Root: Sendable>: Sendable {
  /// The path of the other setting below the section.
  let setting: String
  /// The values that it needs, as they follow "set it to": "ppo or reinforce".
  let values: String
  /// What needs it: a key below that of the field; nil for the field.
  let key: String?
  let isMet: @Sendable (Root) -> Bool

  /// For the end of the meaning of the key.
  var clause: String {
    "; \(key.map { "`\($0)` " } ?? "")only if `\(setting)` is \(values)"
  }

  /// The key of that name, or the one below it, as unused where the condition is not met.
  func unusedKeys(of name: String, in section: String, _ root: Root) -> [UnusedKey] {
    guard !isMet(root) else { return [] }
    func full(_ path: String) -> String { section.isEmpty ? path : "\(section).\(path)" }
    return [
      UnusedKey(
        path: full(key.map { "\(name).\($0)" } ?? name), setting: full(setting), values: values)
    ]
  }

  /// - Parameter choice: the other setting, one of some names; which of them will do follows from
  ///   `isMet`.
  package static func setting<Choice: CaseIterable & RawRepresentable<String> & Sendable>(
    _ setting: String, _ choice: @escaping @Sendable (Root) -> Choice, for key: String? = nil,
    _ isMet: @escaping @Sendable (Choice) -> Bool
  ) -> Self {
    let names = Choice.allCases.filter(isMet).map(\.rawValue)
    let values = [names.dropLast().joined(separator: ", "), names.last ?? "none"]
    return Condition(
      setting: setting, values: values.filter { !$0.isEmpty }.joined(separator: " or "), key: key,
      isMet: { isMet(choice($0)) })
  }

  /// - Parameters:
  ///   - values: what the other setting must be, such as "2 or more".
  ///   - key: a key below that of the field, which needs it; nil for the field.
  package static func setting(
    _ setting: String, is values: String, for key: String? = nil,
    _ isMet: @escaping @Sendable (Root) -> Bool
  ) -> Self {
    Condition(setting: setting, values: values, key: key, isMet: isMet)
  }
}

/// A key whose condition is not met.
struct UnusedKey {
  /// Full paths of the key and of the setting that it needs.
  let path: String
  let setting: String
  /// The values that the setting would have to have.
  let values: String
}

extension Configurable {
  /// Keys and sections of this one, and of those inside it, that have no effect.
  func unusedKeys(in section: String) -> [UnusedKey] {
    Self.fields.flatMap { $0.unusedKeys(self, section) }
  }

  /// The same for an item of a list, without those that have their default: the defaults of the
  /// document know no items.
  func unusedKeys(ofItem item: String) -> [UnusedKey] {
    let (values, defaults) = (node, Self().node)
    return unusedKeys(in: "").filter {
      values.entry(at: $0.path)?.value != defaults.entry(at: $0.path)?.value
    }.map {
      UnusedKey(path: "\(item).\($0.path)", setting: "\(item).\($0.setting)", values: $0.values)
    }
  }
}

/// The values that a number may take, in words.
package protocol SettingRange<Bound>: Sendable {
  associatedtype Bound: Comparable & Sendable
  func contains(_ value: Bound) -> Bool
  /// As in `the value must be …`.
  var requirement: String { get }
}

extension ClosedRange: SettingRange where Bound: SettingValue {
  package var requirement: String { "from \(lowerBound) to \(upperBound)" }
}

extension Range: SettingRange where Bound: SettingValue {
  package var requirement: String { "at least \(lowerBound) and below \(upperBound)" }
}

extension PartialRangeFrom: SettingRange where Bound: SettingValue {
  package var requirement: String { "at least \(lowerBound)" }
}

/// Every value greater than a bound; `Above(0)` is "positive".
package struct Above<Bound: Comparable & Sendable>: SettingRange {
  package let bound: Bound
  package init(_ bound: Bound) { self.bound = bound }
  package func contains(_ value: Bound) -> Bool { value > bound }
  package var requirement: String { "greater than \(bound)" }
}
