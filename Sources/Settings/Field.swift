/// One key of a configuration: its name, the property behind it, what it is for, and what it needs
/// to have an effect.
///
/// Reading, writing, defaults, unused settings and the reference follow from this one declaration.
package struct Field<Root: Sendable>: Sendable {
  let name: String
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
      func full(_ path: String) -> String { section.isEmpty ? path : "\(section).\(path)" }
      let own = conditions.filter { !$0.isMet(root) }.map { condition in
        UnusedKey(
          path: full(condition.key.map { "\(name).\($0)" } ?? name),
          setting: full(condition.setting), values: condition.values)
      }
      let inner = root[keyPath: property] as? any Configurable
      return own + (inner?.unusedKeys(in: full(name)) ?? [])
    }
  }
}
