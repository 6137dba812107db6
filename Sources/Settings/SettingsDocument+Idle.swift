/// A key that was left out because a more specific layer made it idle.
package struct InheritedIdleKey: Sendable, Equatable {
  /// As in errors: `world.annotators[0].share`.
  package let path: String
  /// What made it idle, as a clause: "`ppo.algorithm` is grpo".
  package let condition: String
  /// Where it was written.
  package let source: SettingSource
}

extension SettingsDocument {
  /// The configuration that the document describes, without keys that have no part in it.
  ///
  /// A document has layers, each more specific than those before it: defaults, the file at the root of
  /// `extends`, the files that extend it, `--set`; what a recipe gives stands right below the layer
  /// that names the recipe. An idle key (``IdleKeys``) is
  /// - refused, when it is written in the layer of the setting that makes it idle or in a more
  ///   specific one: who wrote it could know, and expects something of it;
  /// - as if it were not there, when it is written in a less specific layer, or given by a recipe: a
  ///   file that others extend and `--set` overrides says what holds when it counts. It then has its
  ///   default, so that the configuration as written out says nothing that was not so, and reads back;
  /// - left alone, when it says what holds without it: so a file may write every default out.
  ///
  /// - Returns: the configuration, and the keys that were left out.
  /// - Throws: ``SettingsError`` as ``read(_:)`` does, and for an idle key that is refused.
  package func resolve<Configuration: Configurable>(
    _ type: Configuration.Type = Configuration.self
  ) throws(SettingsError) -> (configuration: Configuration, leftOut: [InheritedIdleKey]) {
    var document = self
    var configuration: Configuration = try read()
    var idleKeys = document.idleKeys(of: configuration)
    for (idle, written) in idleKeys
    where
      !written.source.isRecipe
      && document.layer(of: written.source) >= document.layer(of: idle)
    {
      throw SettingsError(
        source: written.source, path: Self.text(of: written.path),
        problem: "this has no part while \(configuration.node.condition(of: idle)): \(idle.reason)",
        advice: "leave it out, or \(idle.remedy)")
    }
    var leftOut: [InheritedIdleKey] = []
    while let (idle, written) = idleKeys.first {
      leftOut.append(
        InheritedIdleKey(
          path: Self.text(of: written.path), condition: configuration.node.condition(of: idle),
          source: written.source))
      document.root.remove(written.path[...])
      configuration = try document.read()
      // Again, because what a key was left with may leave others idle.
      idleKeys = document.idleKeys(of: configuration)
    }
    return (configuration, leftOut)
  }

  /// Whether a key has a value from the layer of a place, or from a more specific one.
  package func says(_ path: String, inOrAboveLayerOf place: SettingSource) -> Bool {
    guard let source = source(at: path) else { return false }
    return layer(of: source) >= layer(of: place)
  }

  /// What is written, has no part in the configuration, and makes it another.
  private func idleKeys<Configuration: Configurable>(
    of configuration: Configuration
  ) -> [(idle: IdleKey, written: SettingNode.Place)] {
    let candidates = configuration.idleKeys(below: []).flatMap { idle in
      root.places(below: idle.path).map { (idle: idle, written: $0) }
    }
    let node = configuration.node
    /// Nil where nothing can be read without them, so that they have a part.
    func without(_ places: [SettingNode.Place]) -> SettingNode? {
      var document = self
      for place in places { document.root.remove(place.path[...]) }
      return try? document.read(Configuration.self).node
    }
    // Most often all of them say what holds anyway, and one reading shows it.
    guard !candidates.isEmpty, without(candidates.map(\.written)) != node else { return [] }
    return candidates.filter { ![nil, node].contains(without([$0.written])) }
  }

  /// The most specific layer of the settings that make a key idle.
  private func layer(of idle: IdleKey) -> Int {
    idle.settings.map { layer(of: root.descendant($0[...])?.source ?? .unwritten) }.max() ?? 0
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

  private static func text(of path: [String]) -> String { SettingNode.text(of: path) }
}

extension SettingNode {
  /// A value that is written somewhere below a node.
  fileprivate struct Place {
    let path: [String]
    let source: SettingSource
  }

  /// The value at a path and the place of its key; items of lists have numbers.
  fileprivate func descendant(
    _ path: ArraySlice<String>
  ) -> (node: SettingNode, source: SettingSource)? {
    guard let key = path.first else { return (self, source) }
    switch content {
    case .map(let entries):
      guard let entry = entries.first(where: { $0.key == key }) else { return nil }
      return path.count == 1
        ? (entry.value, entry.source) : entry.value.descendant(path.dropFirst())
    case .list(let items):
      guard let index = Int(key), items.indices.contains(index) else { return nil }
      return items[index].descendant(path.dropFirst())
    case .scalar: return nil
    }
  }

  /// Every plain value or list at a path or below it.
  fileprivate func places(below path: [String]) -> [Place] {
    guard let (node, source) = descendant(path[...]) else { return [] }
    guard case .map(let entries) = node.content else { return [Place(path: path, source: source)] }
    return entries.flatMap { places(below: path + [$0.key]) }
  }

  /// Takes a key out of its section.
  fileprivate mutating func remove(_ path: ArraySlice<String>) {
    guard let key = path.first else { return }
    switch content {
    case .map(var entries):
      guard let index = entries.firstIndex(where: { $0.key == key }) else { return }
      if path.count == 1 {
        entries.remove(at: index)
      } else {
        entries[index].value.remove(path.dropFirst())
      }
      content = .map(entries)
    case .list(var items):
      guard let index = Int(key), items.indices.contains(index) else { return }
      items[index].remove(path.dropFirst())
      content = .list(items)
    case .scalar: return
    }
  }

  /// The settings that make a key idle, with their values in this resolved tree.
  fileprivate func condition(of idle: IdleKey) -> String {
    idle.settings.map { path in
      let value =
        switch descendant(path[...])?.node.content {
        case .scalar(let text, _): "is \(text)"
        case .list(let items): items.isEmpty ? "is empty" : "has \(items.count) of them"
        case .map, nil: "is as it is"
        }
      return "`\(Self.text(of: path))` \(value)"
    }.joined(separator: " and ")
  }

  /// A path as in errors: `world.annotators[0].share`.
  fileprivate static func text(of path: [String]) -> String {
    path.reduce("") { text, key in
      Int(key) != nil ? "\(text)[\(key)]" : text.isEmpty ? key : "\(text).\(key)"
    }
  }
}
