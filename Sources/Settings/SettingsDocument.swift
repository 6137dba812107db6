import Formats
package import Foundation

/// A settings file with the overrides of the command line laid over it.
package struct SettingsDocument: Sendable {
  package internal(set) var root: SettingNode
  /// The files that it comes from, each of which lies over those before it.
  private(set) var files: [String]

  /// Parses YAML.
  ///
  /// - Parameter file: the name that errors give.
  /// - Throws: ``SettingsError`` with the line for a syntax error or a key given twice.
  package init(yaml: String, file: String) throws(SettingsError) {
    root = try SettingNode.parse(yaml: yaml) { .line(file: file, $0) }
    files = [file]
  }

  /// Reads a YAML file.
  package init(contentsOf url: URL) throws(SettingsError) {
    let file = url.relativePath
    let data: Data
    do {
      data = try readFile(url, atMost: LargestFile.settings)
    } catch {
      throw SettingsError(
        source: .unwritten, path: file, problem: "this file \(error)",
        advice: "check that it exists and that you may read it", exitStatus: .ofReading(file))
    }
    guard let yaml = String(data: data, encoding: .utf8) else {
      throw SettingsError(
        source: .unwritten, path: file, problem: "this file is not UTF-8 text",
        advice: "save it as plain UTF-8 text")
    }
    try self.init(yaml: yaml, file: file)
  }

  /// Lays `key.path=value` over the document; items of a list are `annotators.0.flip` or
  /// `annotators[0].flip`. The value is parsed as YAML.
  ///
  /// A path that no configuration knows is refused when the document is read.
  ///
  /// - Parameter source: where it is written; nil for the command line.
  package mutating func set(
    _ assignment: String, source: SettingSource? = nil
  ) throws(SettingsError) {
    let source = source ?? .assignment(assignment)
    guard let separator = assignment.firstIndex(of: "=") else {
      throw SettingsError(
        source: source, path: "", problem: "there is no `=`",
        advice: "write it as `key.path=value`")
    }
    let path = String(assignment[..<separator])
    let keys = SettingNode.keys(of: path)
    guard keys.allSatisfy({ !$0.isEmpty }) else {
      throw SettingsError(
        source: source, path: path, problem: "a key of the path is empty",
        advice: "write it as `key.path=value`")
    }
    let text = String(assignment[assignment.index(after: separator)...])
    var value = try SettingNode.parse(yaml: text) { _ in source }
    if text.allSatisfy(\.isWhitespace) {
      value = SettingNode(.scalar("", isText: false), source: source)
    }
    try Self.set(value, at: keys[...], in: &root, within: "", source: source)
  }

  /// Lays this document over another: sections are merged key by key, and everything else, lists too,
  /// takes the place of what was there.
  package func laid(over base: SettingsDocument) -> SettingsDocument {
    var document = base
    document.root = Self.merge(root, over: base.root)
    document.files += files
    return document
  }

  private static func merge(_ node: SettingNode, over base: SettingNode) -> SettingNode {
    guard case .map(let entries) = node.content, case .map(var merged) = base.content else {
      return node
    }
    for entry in entries {
      if let index = merged.firstIndex(where: { $0.key == entry.key }) {
        merged[index].value = merge(entry.value, over: merged[index].value)
        merged[index].source = entry.source
      } else {
        merged.append(entry)
      }
    }
    return SettingNode(.map(merged), source: node.source)
  }

  /// Takes a key at the top out of the document and returns its plain value, where it has one.
  ///
  /// - Throws: ``SettingsError`` when something else than a plain value stands there.
  package mutating func take(_ key: String) throws(SettingsError) -> (
    text: String, source: SettingSource
  )? {
    guard case .map(var entries) = root.content,
      let index = entries.firstIndex(where: { $0.key == key })
    else { return nil }
    let entry = entries.remove(at: index)
    guard case .scalar(let text, _) = entry.value.content, !entry.value.isNull else {
      throw SettingsError(
        source: entry.source, path: key, problem: "expected a name",
        advice: "write the name or the file of a scenario here")
    }
    root.content = .map(entries)
    return (text, entry.source)
  }

  /// The plain value of a key, as it is written; nil when it has none.
  package func text(at path: String) -> String? {
    if case .scalar(let text, _) = root.entry(at: path)?.value.content { text } else { nil }
  }

  /// Where a key is written; nil when it is not.
  package func source(at path: String) -> SettingSource? { root.entry(at: path)?.source }

  private static func set(
    _ value: SettingNode, at keys: ArraySlice<String>, in node: inout SettingNode,
    within path: String, source: SettingSource
  ) throws(SettingsError) {
    guard let key = keys.first else {
      node = value
      return
    }
    let inner = path.isEmpty ? key : "\(path).\(key)"
    if node.isNull { node = SettingNode(.map([]), source: source) }
    switch node.content {
    case .map(var entries):
      let index =
        entries.firstIndex { $0.key == key }
        ?? {
          let empty = SettingNode(.map([]), source: source)
          entries.append(SettingEntry(key: key, value: empty, source: source))
          return entries.count - 1
        }()
      try set(
        value, at: keys.dropFirst(), in: &entries[index].value, within: inner, source: source)
      if keys.count == 1 { entries[index].source = source }
      node.content = .map(entries)
    case .list(var items):
      guard let index = Int(key), items.indices.contains(index) else {
        throw SettingsError(
          source: source, path: inner, problem: "`\(path)` is a list of \(items.count)",
          advice: "name one of its items, counted from 0, or give the whole list")
      }
      try set(value, at: keys.dropFirst(), in: &items[index], within: inner, source: source)
      node.content = .list(items)
    case .scalar:
      throw SettingsError(
        source: source, path: inner, problem: "`\(path)` is a single value, not a section",
        advice: "set `\(path)` itself")
    }
  }

  /// The configuration that the document describes, with defaults for what it leaves out.
  ///
  /// - Throws: ``SettingsError`` for the first unknown key, wrong type, value out of range or
  ///   combination that the configuration refuses.
  package func read<Configuration: Configurable>(
    _ type: Configuration.Type = Configuration.self
  ) throws(SettingsError) -> Configuration {
    try Configuration(SettingsLocation(path: "", node: root, source: root.source))
  }
}
