/// One value as it stands in a settings file: a scalar, a list or a map, and where it was written.
///
/// The tree is our own rather than the YAML library's so that it can cross threads and so that a
/// value set on the command line can stand beside one read from a file.
package struct SettingNode: Sendable, Equatable {
  package enum Content: Sendable, Equatable {
    /// `isText` holds for quoted scalars: `"5"` and `"null"` are text, `5` and `null` need not be.
    case scalar(String, isText: Bool)
    case list([SettingNode])
    /// Entries in the order of the file.
    case map([SettingEntry])
  }

  package var content: Content
  package var source: SettingSource

  package init(_ content: Content, source: SettingSource = .unwritten) {
    self.content = content
    self.source = source
  }

  /// The value that an optional setting takes when it is switched off.
  package static let null = SettingNode(.scalar("null", isText: false))

  /// A string; it is quoted on output where it would otherwise read as something else.
  package static func text(_ text: String) -> SettingNode { .init(.scalar(text, isText: true)) }

  /// A number or a truth value, written as it stands.
  package static func literal(_ text: String) -> SettingNode { .init(.scalar(text, isText: false)) }

  package static func list(_ items: [SettingNode]) -> SettingNode { .init(.list(items)) }

  package static func map(_ entries: [(String, SettingNode)]) -> SettingNode {
    .init(.map(entries.map { SettingEntry(key: $0.0, value: $0.1, source: .unwritten) }))
  }

  /// Whether this is an unquoted `null`, `~` or nothing at all.
  var isNull: Bool {
    guard case .scalar(let text, isText: false) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// The entry of a map under `key`.
  package func entry(_ key: String) -> SettingEntry? {
    guard case .map(let entries) = content else { return nil }
    return entries.first { $0.key == key }
  }

  /// The entry at a path, such as `ppo.kl.target` or `world.annotators[0].flip`; an item of a list
  /// is an entry of its place.
  func entry(at path: String) -> SettingEntry? {
    let top = SettingEntry(key: "", value: self, source: source)
    return Self.keys(of: path).reduce(top) { (inner: SettingEntry?, key) in
      guard case .list(let items) = inner?.value.content else { return inner?.value.entry(key) }
      guard let index = Int(key), items.indices.contains(index) else { return nil }
      return SettingEntry(key: key, value: items[index], source: items[index].source)
    }
  }

  /// `world`, `annotators`, `0`, `flip` of `world.annotators[0].flip` or `world.annotators.0.flip`.
  package static func keys(of path: String) -> [String] {
    path.replacing("[", with: ".").replacing("]", with: "")
      .split(separator: ".", omittingEmptySubsequences: false).map(String.init)
  }

  /// What stands here, in the words of an error message.
  var summary: String {
    switch content {
    case .scalar where isNull: "nothing"
    case .scalar(let text, isText: true): "the text \"\(text)\""
    case .scalar(let text, isText: false): "`\(text)`"
    case .list: "a list"
    case .map: "a section"
    }
  }
}

/// One `key: value` of a map, with the place of the key.
package struct SettingEntry: Sendable, Equatable {
  package var key: String
  package var value: SettingNode
  package var source: SettingSource
}

/// Where a setting was written.
package enum SettingSource: Sendable, Equatable, CustomStringConvertible {
  /// A line of a file, counted from 1.
  case line(file: String, Int)
  /// An override on the command line, as typed after `--set`.
  case assignment(String)
  /// Among the settings of a recipe, such as `ppo.preset=trl`, that is named elsewhere.
  indirect case recipe(String, at: SettingSource)
  /// Nowhere: a default.
  case unwritten

  /// Whether nobody wrote the setting by itself.
  package var isRecipe: Bool {
    if case .recipe = self { true } else { false }
  }

  package var description: String {
    switch self {
    case .line(let file, let line): "\(file):\(line)"
    case .assignment(let text): "--set \(text)"
    case .recipe(let name, let place): "\(place) (\(name))"
    case .unwritten: ""
    }
  }
}

extension SettingNode {
  /// Every plain value below here with its key path, in order; a list without items is one.
  package func leaves(below path: String = "") -> [(path: String, value: String)] {
    func inner(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
    switch content {
    case .scalar(let text, _): return [(path, isNull ? "null" : text)]
    case .list(let items) where items.isEmpty: return [(path, "[]")]
    case .list(let items):
      return items.enumerated().flatMap { $1.leaves(below: inner("\($0)")) }
    case .map(let entries): return entries.flatMap { $0.value.leaves(below: inner($0.key)) }
    }
  }

  /// The values that differ between two trees, in the order of the first and then of the second; nil
  /// where a tree has no such key.
  package func differences(
    from other: SettingNode
  ) -> [(path: String, this: String?, other: String?)] {
    let (mine, theirs) = (leaves(), other.leaves())
    let values = Dictionary(mine.map { ($0.path, $0.value) }) { first, _ in first }
    let others = Dictionary(theirs.map { ($0.path, $0.value) }) { first, _ in first }
    return mine.filter { others[$0.path] != $0.value }.map { ($0.path, $0.value, others[$0.path]) }
      + theirs.filter { values[$0.path] == nil }.map { ($0.path, nil, $0.value) }
  }
}
