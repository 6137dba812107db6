/// Keys of a section that have no part in anything while other settings are as they are: a clip range
/// where nothing is clipped.
///
/// Declared beside the fields of a ``Configurable``, in `idleKeys`. ``SettingsDocument/resolve(_:)``
/// refuses such keys, and the documentation lists them.
package struct IdleKeys<Root: Sendable>: Sendable {
  let keys: [String]
  let settings: [String]
  let isIdle: @Sendable (Root) -> Bool
  let reason: String
  let remedy: String

  /// - Parameters:
  ///   - keys: paths below the section; that of a section means every key in it, and items of lists
  ///     have numbers, as in `annotators.0.share`.
  ///   - settings: paths below the section of what makes them idle.
  ///   - isIdle: whether it does.
  ///   - reason: why, as a clause: "only pairs have labels".
  ///   - remedy: what gives them a part, as an imperative: "set `combine` to uncertainty".
  package init(
    _ keys: [String], under settings: [String], when isIdle: @escaping @Sendable (Root) -> Bool,
    because reason: String, remedy: String
  ) {
    (self.keys, self.settings, self.isIdle) = (keys, settings, isIdle)
    (self.reason, self.remedy) = (reason, remedy)
  }
}

/// A key that has no part in a configuration, or a section of such keys.
package struct IdleKey: Sendable, Equatable {
  let path: [String]
  let settings: [[String]]
  let reason: String
  let remedy: String
}

/// Keys that are idle under some settings, for the reference.
package struct IdleKeysDescription: Sendable, Equatable {
  /// Full key paths, `[]` for any item of a list.
  package let keys: [String]
  /// Full paths of the settings that make them so.
  package let settings: [String]
  package let reason: String
  package let remedy: String
}

extension Configurable {
  package static var idleKeys: [IdleKeys<Self>] { [] }

  /// Every key of the section and of those inside it that has no part in this configuration.
  package func idleKeys(below path: [String]) -> [IdleKey] {
    func full(_ key: String) -> [String] { path + key.split(separator: ".").map(String.init) }
    let own = Self.idleKeys.filter { $0.isIdle(self) }.flatMap { rule in
      rule.keys.map {
        IdleKey(
          path: full($0), settings: rule.settings.map(full), reason: rule.reason,
          remedy: rule.remedy)
      }
    }
    return own + Self.fields.flatMap { $0.idleKeys(self, path + [$0.name]) }
  }

  package static func idleKeyDescriptions(below path: String) -> [IdleKeysDescription] {
    func full(_ key: String) -> String {
      (path.isEmpty ? key : "\(path).\(key)").replacing(/\.\d+/, with: "[]")
    }
    let own = Self.idleKeys.map {
      IdleKeysDescription(
        keys: $0.keys.map(full), settings: $0.settings.map(full), reason: $0.reason,
        remedy: $0.remedy)
    }
    return own + fields.flatMap { $0.idleKeyDescriptions(full($0.name)) }
  }
}
