/// A setting that is written and has no effect because of another.
package struct UnusedSetting: Sendable, Equatable {
  package let path: String
  /// Why, as a clause: "`ppo.algorithm` is grpo".
  package let reason: String
  /// Where it is written.
  package let source: SettingSource
}

extension SettingsDocument {
  /// The configuration that the document describes, without unused settings.
  ///
  /// A document has layers, each more specific than those before it: defaults, the file at the root of
  /// `extends`, the files that extend it, `--set`; what a recipe gives stands right below the layer
  /// that names the recipe. A setting whose ``Condition`` is not met is
  /// - refused, when it is written in the layer of the setting that it needs or in a more specific one;
  /// - ignored, when it is written in a less specific layer or given by a recipe: a file that others
  ///   extend may set it for the algorithms that use it;
  /// - allowed, when it has its default: so a file may write every default out.
  ///
  /// - Returns: the configuration, and the settings that were left out.
  /// - Throws: ``SettingsError`` as ``read(_:)`` does, and for an unused setting that is refused.
  package func resolve<Configuration: Configurable>(
    _ type: Configuration.Type = Configuration.self
  ) throws(SettingsError) -> (configuration: Configuration, leftOut: [UnusedSetting]) {
    var document = self
    var configuration: Configuration = try read()
    var unused = document.unused(in: configuration)
    for (setting, key) in unused
    where !setting.source.isRecipe && says(setting.path, inOrAboveLayerOf: source(at: key.setting))
    {
      throw SettingsError(
        source: setting.source, path: setting.path,
        problem: "this is unused while \(setting.reason)",
        advice: "leave it out, or set `\(key.setting)` to \(key.values)")
    }
    var leftOut: [UnusedSetting] = []
    while let (setting, _) = unused.first {
      leftOut.append(setting)
      document.root.remove(SettingNode.keys(of: setting.path)[...])
      configuration = try document.read()
      // Again, because with its default it may leave others unused, or used.
      unused = document.unused(in: configuration)
    }
    return (configuration, leftOut)
  }

  /// Whether a key has a value from the layer of a place, or from a more specific one.
  ///
  /// - Parameter place: nil stands for the defaults.
  package func says(_ path: String, inOrAboveLayerOf place: SettingSource?) -> Bool {
    guard let source = source(at: path) else { return false }
    return layer(of: source) >= layer(of: place ?? .unwritten)
  }

  /// What is written, is not the default, and has no effect.
  private func unused<Configuration: Configurable>(
    in configuration: Configuration
  ) -> [(setting: UnusedSetting, key: UnusedKey)] {
    let (values, defaults) = (configuration.node, Configuration().node)
    return configuration.unusedKeys(in: "").flatMap { key in
      let needed = values.entry(at: key.setting)?.value.flowDescription ?? "not there"
      return root.leaves(at: key.path)
        .filter { values.entry(at: $0.path)?.value != defaults.entry(at: $0.path)?.value }
        .map {
          (
            UnusedSetting(
              path: $0.path, reason: "`\(key.setting)` is \(needed)", source: $0.source), key
          )
        }
    }
  }

  /// Higher is more specific.
  private func layer(of source: SettingSource) -> Int {
    switch source {
    case .unwritten: 0
    case .line(let file, _): 2 * ((files.firstIndex(of: file) ?? 0) + 1)
    case .assignment: 2 * (files.count + 1)
    case .recipe(_, let place): layer(of: place) - 1
    }
  }
}

extension SettingNode {
  /// Every plain value or list at a path or below it, with the place of its key.
  fileprivate func leaves(at path: String) -> [(path: String, source: SettingSource)] {
    guard let entry = entry(at: path) else { return [] }
    guard case .map(let entries) = entry.value.content else { return [(path, entry.source)] }
    return entries.flatMap { leaves(at: "\(path).\($0.key)") }
  }

  /// Takes a key out of its section.
  fileprivate mutating func remove(_ path: ArraySlice<String>) {
    guard let key = path.first else { return }
    if case .list(var items) = content, let index = Int(key), items.indices.contains(index) {
      items[index].remove(path.dropFirst())
      content = .list(items)
    }
    guard case .map(var entries) = content,
      let index = entries.firstIndex(where: { $0.key == key })
    else { return }
    if path.count == 1 {
      entries.remove(at: index)
    } else {
      entries[index].value.remove(path.dropFirst())
    }
    content = .map(entries)
  }
}
