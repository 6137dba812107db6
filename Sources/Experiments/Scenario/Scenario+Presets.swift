import RLHF
package import Settings

extension Scenario {
  /// The scenario of a document with `--set` overrides laid over it.
  ///
  /// `ppo.preset` gives keys of `ppo` their values, right below the layer that names it: one in a file
  /// those that neither this file says nor one that extends it, whatever it extends itself; one among
  /// the overrides all of its keys, which later overrides may change again.
  ///
  /// - Throws: `SettingsError` with file, line and key, also for an unused setting;
  ///   see `SettingsDocument.resolve(_:)`.
  package static func read(
    _ document: SettingsDocument, overrides: [String] = []
  ) throws(SettingsError) -> Scenario {
    try resolve(document, overrides: overrides).scenario
  }

  /// The same, with the unused settings that were left out.
  package static func resolve(
    _ document: SettingsDocument, overrides: [String] = []
  ) throws(SettingsError) -> (scenario: Scenario, leftOut: [UnusedSetting]) {
    var document = document
    if let name = document.text(at: presetKey), let preset = PPOPreset(rawValue: name) {
      let place = document.source(at: presetKey) ?? .unwritten
      let source = recipe(name, at: place)
      for (key, value) in preset.assignments
      where !document.says("ppo.\(key)", inOrAboveLayerOf: place) {
        try document.set("ppo.\(key)=\(value)", source: source)
      }
    }
    for override in overrides {
      try document.set(override)
      guard override.hasPrefix(presetKey + "=") else { continue }
      let name = String(override.dropFirst(presetKey.count + 1))
      let source = recipe(name, at: .assignment(override))
      for (key, value) in PPOPreset(rawValue: name)?.assignments ?? [] {
        try document.set("ppo.\(key)=\(value)", source: source)
      }
    }
    let (scenario, leftOut) = try document.resolve(Scenario.self)
    return (scenario, leftOut)
  }

  private static func recipe(_ name: String, at place: SettingSource?) -> SettingSource {
    .recipe("\(presetKey) \(name)", at: place ?? .unwritten)
  }

  private static let presetKey = "ppo.preset"
}
