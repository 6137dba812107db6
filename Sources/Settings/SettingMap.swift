/// A map from names chosen by the writer of the file to values, in the order of the file.
package struct SettingMap<Value: SettingValue>: SettingValue {
  package struct Entry: Sendable {
    package var name: String
    package var value: Value

    package init(name: String, value: Value) {
      self.name = name
      self.value = value
    }
  }

  package var entries: [Entry]

  package init(_ entries: [Entry] = []) { self.entries = entries }

  package static var typeDescription: String {
    "a map from names, each to \(Value.typeDescription)"
  }

  package init(_ location: SettingsLocation) throws(SettingsError) {
    entries = []
    for entry in try location.entries(of: Self.typeDescription) {
      entries.append(Entry(name: entry.key, value: try Value(location.key(entry.key))))
    }
  }

  package var node: SettingNode { .map(entries.map { ($0.name, $0.value.node) }) }

  package static func keys(below path: String, default value: Self?) -> [KeyDescription] {
    Value.keys(below: path + ".NAME", default: nil)
  }
}

extension SettingMap: Equatable where Value: Equatable {}
extension SettingMap.Entry: Equatable where Value: Equatable {}
