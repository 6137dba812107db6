/// A place in the settings: a key path, what is written there, and where.
package struct SettingsLocation: Sendable {
  /// The full key path: `world.annotators[1].share`; empty at the top.
  package let path: String
  /// What is written there; `nil` where the default stands.
  package let node: SettingNode?
  /// Where it is written; for a key that is not, where the section around it is.
  package let source: SettingSource

  /// The top of settings that no file holds, for values built in code.
  package static let unwritten = SettingsLocation(path: "", node: nil, source: .unwritten)

  /// The place of a key of this section.
  package func key(_ name: String) -> SettingsLocation {
    let entry = node?.entry(name)
    return SettingsLocation(
      path: path.isEmpty ? name : "\(path).\(name)", node: entry?.value,
      source: entry?.source ?? source)
  }

  /// The place of an item of this list, counted from 0.
  package func item(_ index: Int) -> SettingsLocation {
    var item: SettingNode?
    if case .list(let items) = node?.content, items.indices.contains(index) { item = items[index] }
    return SettingsLocation(
      path: "\(path)[\(index)]", node: item, source: item?.source ?? source)
  }

  /// This key path, at the line where `other` is written.
  package func onLine(of other: SettingsLocation) -> SettingsLocation {
    SettingsLocation(path: path, node: node, source: other.source)
  }

  /// The error that says what is wrong here and what to do.
  package func error(_ problem: String, advice: String) -> SettingsError {
    SettingsError(source: source, path: path, problem: problem, advice: advice)
  }

  /// The error for a value of the wrong type.
  package func mismatch(expected type: String, advice: String? = nil) -> SettingsError {
    error(
      "expected \(type), found \(node?.summary ?? "nothing")",
      advice: advice ?? "write \(type) here")
  }

  /// The items of the list written here.
  package func items(of type: String) throws(SettingsError) -> [SettingsLocation] {
    guard case .list(let items) = node?.content else {
      throw mismatch(expected: type, advice: "write it as `[a, b]` or one `- item` a line")
    }
    return items.indices.map(item)
  }

  /// The entries of the map written here; none where nothing is written.
  package func entries(of type: String) throws(SettingsError) -> [SettingEntry] {
    guard let node, !node.isNull else { return [] }
    guard case .map(let entries) = node.content else {
      throw mismatch(expected: type, advice: "write `key: value` lines below it")
    }
    return entries
  }
}
