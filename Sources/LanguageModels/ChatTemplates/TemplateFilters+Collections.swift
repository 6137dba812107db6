/// Jinja2's filters of lists and dictionaries.
extension TemplateRenderer {
  // MARK: Attributes by path

  /// `"a.b.0"` in its parts; whole numbers are indexes.
  func attributePath(_ path: TemplateValue?) throws(ChatTemplateError) -> [TemplateValue] {
    switch path {
    case nil, .some(.none): return []
    case .text(let text):
      return text.split(separator: ".", omittingEmptySubsequences: false).map { part in
        part.allSatisfy(\.isPythonDigit)
          ? Int(String(part)).map { .int($0) } ?? .text(Array(part))
          : .text(Array(part))
      }
    case .some(let index): return [index]
    }
  }

  func follow(
    _ path: [TemplateValue], from value: TemplateValue, default fallback: TemplateValue? = nil
  ) throws(ChatTemplateError) -> TemplateValue {
    var value = value
    for part in path {
      value = try item(part, of: value)
      if let fallback, case .undefined = value { value = fallback }
    }
    return value
  }

  /// Texts in lower case, so that sorting and comparing ignore it.
  private func folded(_ value: TemplateValue, _ isCaseSensitive: Bool) throws(ChatTemplateError)
    -> TemplateValue
  {
    guard !isCaseSensitive, case .text(let text) = value else { return value }
    try spend(text.count)
    return .text(text.lowercased())
  }

  // MARK: One by one

  /// What `map`, `items` and their kin give: nothing is asked of the value, and nothing computed,
  /// before the first item is asked for.
  func deferred(
    _ value: TemplateValue, _ given: TemplateArguments,
    _ make: @escaping () throws(ChatTemplateError) -> TemplateIterator
  ) throws(ChatTemplateError) -> TemplateValue {
    // Arguments may be containers: their depth counts as well.
    let depth = try TemplateValue.depth(over: given.positional + given.named.map(\.value) + [value])
    var items: TemplateIterator?
    return .iterator(
      TemplateIterator(depth: depth) { () throws(ChatTemplateError) in
        try self.nested { () throws(ChatTemplateError) in
          if items == nil { items = try make() }
          return try items?.next()
        }
      })
  }

  func lazily(
    _ name: String, _ value: TemplateValue, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateIterator {
    guard value.isTrue else { return TemplateIterator([], depth: 0) }
    if name == "map" {
      let change = try mapping(given)
      let source = try iterator(over: value)
      return TemplateIterator(depth: 0) { () throws(ChatTemplateError) in
        guard let next = try source.next() else { return nil }
        return try change(next)
      }
    }
    let selects = name.hasPrefix("select")
    let matches = try condition(given, ofAttribute: name.hasSuffix("attr"))
    let source = try iterator(over: value)
    return TemplateIterator(depth: 0) { () throws(ChatTemplateError) in
      while let next = try source.next() {
        try self.spend(1)
        if try matches(next) == selects { return next }
      }
      return nil
    }
  }

  private func mapping(
    _ given: TemplateArguments
  ) throws(ChatTemplateError) -> (TemplateValue) throws(ChatTemplateError) -> TemplateValue {
    if given.positional.isEmpty {
      let arguments = try given.bound(to: ["attribute", "default"], of: "map")
      let path = try attributePath(arguments[0])
      let fallback = arguments[1]
      guard arguments[0] != nil else { throw .failed("map requires a filter argument") }
      return { (item) throws(ChatTemplateError) in
        try self.follow(path, from: item, default: fallback)
      }
    }
    let name = String(try given.text(0, of: "map"))
    guard Self.filterNames.contains(name) else { throw .unsupported("the filter `\(name)`") }
    let rest = TemplateArguments(
      positional: Array(given.positional.dropFirst()), named: given.named)
    return { (item) throws(ChatTemplateError) in try self.filter(name, item, rest) }
  }

  private func condition(
    _ given: TemplateArguments, ofAttribute: Bool
  ) throws(ChatTemplateError) -> (TemplateValue) throws(ChatTemplateError) -> Bool {
    var rest = given.positional[...]
    var path: [TemplateValue] = []
    if ofAttribute {
      guard let attribute = rest.popFirst() else {
        throw .failed("Missing parameter for attribute name")
      }
      path = try attributePath(attribute)
    }
    guard let name = rest.popFirst() else {
      return { (item) throws(ChatTemplateError) in try self.follow(path, from: item).isTrue }
    }
    guard case .text(let name) = name, Self.testNames.contains(String(name)) else {
      throw .unsupported("the test `\(String(try text(of: name)))`")
    }
    let arguments = TemplateArguments(positional: Array(rest), named: given.named)
    return { (item) throws(ChatTemplateError) in
      try self.test(String(name), try self.follow(path, from: item), arguments)
    }
  }

  // MARK: All at once

  func collection(
    _ name: String, _ value: TemplateValue, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    switch name {
    case "last":
      if case .text(let text) = value {
        return text.last.map { .text([$0]) } ?? .undefined("empty")
      }
      if case .iterator = value { throw .failed("a generator is not reversible") }
      return try elements(of: value).last ?? .undefined("no last item, sequence was empty")
    case "reverse":
      if case .text(let text) = value { return .text(text.reversed()) }
      let reversed = Array(try elements(of: value).reversed())
      if case .iterator = value { return try .list(reversed) }
      return .iterator(TemplateIterator(reversed, depth: try TemplateValue.depth(over: reversed)))
    case "sort":
      let arguments = try given.bound(to: ["reverse", "case_sensitive", "attribute"], of: name)
      return try .list(
        try sorted(
          try elements(of: value), by: try sortKeys(arguments[2]),
          isCaseSensitive: arguments[1]?.isTrue ?? false, reverse: arguments[0]?.isTrue ?? false))
    case "dictsort":
      let arguments = try given.bound(to: ["case_sensitive", "by", "reverse"], of: name)
      guard case .dictionary(let dictionary) = value else {
        throw .failed("`dictsort` needs a dict")
      }
      let by = String(try given.optionalText(arguments[1], of: name) ?? ["k"])
      guard ["k", "key", "value"].contains(by) else {
        throw .failed("You can only sort by either \"key\" or \"value\"")
      }
      return try .list(
        try sorted(
          try dictionary.items(), by: [[.int(by == "value" ? 1 : 0)]],
          isCaseSensitive: arguments[0]?.isTrue ?? false, reverse: arguments[2]?.isTrue ?? false))
    case "min", "max":
      let arguments = try given.bound(to: ["case_sensitive", "attribute"], of: name)
      let path = try attributePath(arguments[1])
      var best: (item: TemplateValue, key: TemplateValue)?
      for element in try elements(of: value) {
        let key = try folded(try follow(path, from: element), arguments[0]?.isTrue ?? false)
        guard let current = best else {
          best = (element, key)
          continue
        }
        if try name == "min" ? isLess(key, current.key) : isLess(current.key, key) {
          best = (element, key)
        }
      }
      return best?.item ?? .undefined("no aggregated item, sequence was empty")
    default:  // sum
      let arguments = try given.bound(to: ["attribute", "start"], of: name)
      let path = try attributePath(arguments[0])
      var total = arguments[1] ?? .int(0)
      if case .text = total { throw .failed("sum() can't sum strings") }
      for element in try elements(of: value) {
        total = try arithmetic("+", total, try follow(path, from: element))
      }
      return total
    }
  }

  /// `"a.b,c"` in its paths.
  private func sortKeys(_ attribute: TemplateValue?) throws(ChatTemplateError) -> [[TemplateValue]]
  {
    guard case .text(let names)? = attribute else { return [try attributePath(attribute)] }
    var paths: [[TemplateValue]] = []
    for name in names.split(separator: ",", omittingEmptySubsequences: false) {
      paths.append(try attributePath(.text(Array(name))))
    }
    return paths
  }

  private func sorted(
    _ elements: [TemplateValue], by paths: [[TemplateValue]], isCaseSensitive: Bool, reverse: Bool
  ) throws(ChatTemplateError) -> [TemplateValue] {
    var keyed: [(index: Int, element: TemplateValue, keys: TemplateValue)] = []
    for (index, element) in elements.enumerated() {
      var keys: [TemplateValue] = []
      for path in paths {
        keys.append(try folded(try follow(path, from: element), isCaseSensitive))
      }
      keyed.append((index, element, try .list(keys)))
    }
    do {
      return try keyed.sorted { first, second in
        if try isLess(reverse ? second.keys : first.keys, reverse ? first.keys : second.keys) {
          return true
        }
        return try isEqual(first.keys, second.keys) && first.index < second.index
      }.map(\.element)
    } catch let error as ChatTemplateError {
      throw error
    } catch {
      throw .failed("\(error)")
    }
  }

  func unique(
    _ elements: [TemplateValue], _ given: TemplateArguments
  ) throws(ChatTemplateError) -> [TemplateValue] {
    let arguments = try given.bound(to: ["case_sensitive", "attribute"], of: "unique")
    let path = try attributePath(arguments[1])
    var seen = Set<TemplateKey>()
    var kept: [TemplateValue] = []
    for element in elements {
      let item = try folded(try follow(path, from: element), arguments[0]?.isTrue ?? false)
      guard let key = TemplateKey(item) else { throw .unsupported("`unique` of a \(item.type)") }
      if seen.insert(key).inserted { kept.append(element) }
    }
    return kept
  }

  func grouped(
    _ name: String, _ elements: [TemplateValue], _ given: TemplateArguments
  ) throws(ChatTemplateError) -> [TemplateValue] {
    let arguments = try given.bound(
      to: [name == "batch" ? "linecount" : "slices", "fill_with"], of: name)
    guard let count = arguments[0].flatMap(Self.int), count > 0 else {
      throw .failed("`\(name)` needs a number above 0")
    }
    var fill = arguments[1]
    if case .some(.none) = fill { fill = nil }
    try spend(count)
    var groups: [TemplateValue] = []
    if name == "batch" {
      for start in stride(from: 0, to: elements.count, by: count) {
        var group = Array(elements[start..<min(start + count, elements.count)])
        if let fill { group += Array(repeating: fill, count: count - group.count) }
        groups.append(try .list(group))
      }
    } else {
      let size = elements.count / count
      let larger = elements.count % count
      var start = 0
      for index in 0..<count {
        let end = start + size + (index < larger ? 1 : 0)
        var group = Array(elements[start..<end])
        if let fill, index >= larger { group.append(fill) }
        groups.append(try .list(group))
        start = end
      }
    }
    return groups
  }
}
