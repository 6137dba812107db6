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
/// that is off; of a value that happens to leave it without effect, a word in the meaning is enough.
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

  /// - Parameter values: what the other setting must be, such as "2 or more".
  package static func setting(
    _ setting: String, is values: String, _ isMet: @escaping @Sendable (Root) -> Bool
  ) -> Self {
    Condition(setting: setting, values: values, key: nil, isMet: isMet)
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
}
