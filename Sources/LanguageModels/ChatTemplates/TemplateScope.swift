/// Variables; those of the scopes around are seen, but not changed.
final class TemplateScope {
  var variables: [String: TemplateValue] = [:]
  let parent: TemplateScope?

  init(in parent: TemplateScope? = nil) { self.parent = parent }

  func find(_ name: String) -> TemplateValue? {
    var scope: TemplateScope? = self
    while let current = scope {
      if let value = current.variables[name] { return value }
      scope = current.parent
    }
    return nil
  }
}

/// The variable `loop`, as Jinja2's `LoopContext`: looks one value ahead only when it must.
final class TemplateLoop {
  private(set) var index0 = -1
  private var source: TemplateIterator
  private var knownLength: Int?
  private var after: TemplateValue??
  private var current: TemplateValue?
  private var before: TemplateValue?
  var lastChanged: [TemplateValue]?

  init(_ source: TemplateIterator, length: Int?) {
    self.source = source
    knownLength = length
  }

  func next() throws(ChatTemplateError) -> TemplateValue? {
    guard let value = try peek() else { return nil }
    after = nil
    index0 += 1
    before = current
    current = value
    return value
  }

  private func peek() throws(ChatTemplateError) -> TemplateValue? {
    if let after { return after }
    let value = try source.next()
    after = .some(value)
    return value
  }

  private func length() throws(ChatTemplateError) -> Int {
    if let knownLength { return knownLength }
    var rest: [TemplateValue] = []
    while let value = try source.next() { rest.append(value) }
    let isAhead = if case .some(.some) = after { true } else { false }
    let length = rest.count + index0 + 1 + (isAhead ? 1 : 0)
    source = TemplateIterator(rest, depth: 0)
    knownLength = length
    return length
  }

  func attribute(_ name: String) throws(ChatTemplateError) -> TemplateValue? {
    switch name {
    case "index": return .int(index0 + 1)
    case "index0": return .int(index0)
    case "first": return .bool(index0 == 0)
    case "last": return .bool(try peek() == nil)
    case "length": return .int(try length())
    case "revindex": return .int(try length() - index0)
    case "revindex0": return .int(try length() - index0 - 1)
    case "depth": return .int(1)
    case "depth0": return .int(0)
    case "previtem":
      return index0 == 0 ? .undefined("there is no previous item") : before
    case "nextitem": return try peek() ?? .undefined("there is no next item")
    case "cycle", "changed": return .function(TemplateFunction(name, of: .loop(self)))
    default: return nil
    }
  }
}
