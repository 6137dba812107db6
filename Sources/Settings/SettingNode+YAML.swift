import Yams

extension SettingNode {
  /// The tree of a YAML document, an empty map for an empty one.
  ///
  /// - Parameter source: the place of a line, counted from 1.
  static func parse(
    yaml: String, source: @escaping (Int) -> SettingSource
  ) throws(SettingsError) -> SettingNode {
    try YAMLComposer(yaml, source: source).document()
  }

  /// The tree as YAML: maps in blocks, lists of scalars on one line.
  func yaml() throws(SettingsError) -> String {
    do {
      return try serialize(node: converted, indent: 2, width: -1, allowUnicode: true)
    } catch {
      throw SettingsError(
        source: .unwritten, path: "", problem: "the settings cannot be written as YAML: \(error)",
        advice: "remove unusual characters from texts")
    }
  }

  private var converted: Node {
    switch content {
    case .scalar(let text, let isText):
      guard isText else { return Node(text, .implicit, .plain) }
      // Quoted when another reader of YAML would take it for a number, a truth value or null.
      let readsAsText = Resolver.default.resolveTag(of: Node(text)) == .str
      return Node(text, .implicit, readsAsText ? .any : .doubleQuoted)
    case .list(let items):
      let isFlat = items.allSatisfy {
        if case .scalar = $0.content { true } else { false }
      }
      return Node(items.map(\.converted), .implicit, isFlat ? .flow : .block)
    case .map(let entries):
      return Node(
        entries.map { (SettingNode.text($0.key).converted, $0.value.converted) }, .implicit, .block)
    }
  }

  /// The tree on one line, for the reference.
  var flowDescription: String {
    switch content {
    case .scalar(let text, let isText):
      isText && Resolver.default.resolveTag(of: Node(text)) != .str ? "\"\(text)\"" : text
    case .list(let items): "[" + items.map(\.flowDescription).joined(separator: ", ") + "]"
    case .map(let entries):
      "{" + entries.map { "\($0.key): \($0.value.flowDescription)" }.joined(separator: ", ") + "}"
    }
  }
}
