import Settings

/// What is not the same in the settings of all groups: what they are called by, and a short table.
struct SettingsDifference {
  struct Row: Equatable {
    let key: String
    /// One a group; `–` where it has none.
    let values: [String]
  }

  /// Worlds by their names, then every other key.
  let rows: [Row]

  init(_ groups: [RunGroup]) {
    let settings = groups.map { $0.runs.first?.records.settings }
    let lists = settings.map(Self.values)
    let tables = lists.map { Dictionary($0.map { ($0.key, $0.value) }) { first, _ in first } }
    var keys: [String] = []
    var known: Set<String> = []
    for (key, _) in lists.joined() where known.insert(key).inserted { keys.append(key) }
    let different = keys.filter { key in Set(tables.map { $0[key] ?? "–" }).count > 1 }
    // What a world is called and tells is no setting, and worlds of other names need no list.
    let names = tables.map { $0["name"] ?? "–" }
    let hasOtherWorlds = Set(names).count > 1
    let rows = different.filter { key in
      !["name", "title", "lesson"].contains(key) && !(hasOtherWorlds && key.hasPrefix("world."))
    }.map { key in Row(key: key, values: tables.map { $0[key] ?? "–" }) }
    let worlds = hasOtherWorlds && different.contains { $0.hasPrefix("world.") }
    self.rows = (worlds ? [Row(key: "world", values: names)] : []) + rows
  }

  /// `coefficient 0.1`, `world goodhart, epochs 2`: what tells the groups apart; nil where that is more
  /// than three settings, or not enough.
  var names: [String]? {
    guard !rows.isEmpty, rows.count <= 3, let count = rows.first?.values.count else { return nil }
    let names = (0..<count).map { group in
      rows.map { "\($0.key.split(separator: ".").last ?? "") \($0.values[group])" }
        .joined(separator: ", ")
    }
    let isShort = names.allSatisfy { $0.count <= 48 }
    return Set(names).count == count && isShort ? names : nil
  }

  /// Every value with its key; a list of plain values is one: `[good, nice]`.
  private static func values(of settings: SettingsDocument?) -> [(key: String, value: String)] {
    var lists: [(key: String, isList: Bool, items: [String])] = []
    for (path, value) in settings?.root.leaves() ?? [] {
      let parts = path.split(separator: ".")
      let isItem = parts.last.flatMap { Int($0) } != nil
      let key = isItem ? parts.dropLast().joined(separator: ".") : path
      if isItem, lists.last?.key == key {
        lists[lists.count - 1].items.append(value)
      } else {
        lists.append((key, isItem, [value]))
      }
    }
    return lists.map { list in
      (list.key, list.isList ? "[\(list.items.joined(separator: ", "))]" : list.items[0])
    }
  }
}

extension [RunGroup] {
  /// The groups called by the settings that tell them apart, where those are few.
  func namedBySettings() -> [RunGroup] {
    guard count > 1, let names = SettingsDifference(self).names else { return self }
    return zip(self, names).map { group, name in
      var group = group
      group.name = group.runs.count > 1 ? "\(name), \(group.runs.count) seeds" : name
      return group
    }
  }
}
