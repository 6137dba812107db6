import PolicyOptimization
package import Settings

extension Scenario {
  /// The scenario of a document with `--set` overrides laid over it.
  ///
  /// `ppo.preset` gives keys of `ppo` their values: one in the document those that the document does
  /// not set, one among the overrides all of its keys, which later overrides may change again.
  ///
  /// - Throws: `SettingsError` with file, line and key.
  package static func read(
    _ document: SettingsDocument, overrides: [String] = []
  ) throws(SettingsError) -> Scenario {
    var document = document
    if let name = document.text(at: presetKey), let preset = PPOPreset(rawValue: name) {
      for (key, value) in preset.assignments where !document.has("ppo.\(key)") {
        try document.set("ppo.\(key)=\(value)")
      }
    }
    for override in overrides {
      try document.set(override)
      guard override.hasPrefix(presetKey + "=") else { continue }
      let name = String(override.dropFirst(presetKey.count + 1))
      for (key, value) in PPOPreset(rawValue: name)?.assignments ?? [] {
        try document.set("ppo.\(key)=\(value)")
      }
    }
    return try document.read()
  }

  private static let presetKey = "ppo.preset"
}
