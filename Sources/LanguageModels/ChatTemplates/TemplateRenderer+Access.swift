/// Attributes, items and slices of values, and going through them.
extension TemplateRenderer {
  // MARK: Attributes and items

  /// `value.name`: Python's attributes first, then items.
  func attribute(_ name: String, of value: TemplateValue) throws(ChatTemplateError) -> TemplateValue
  {
    if let found = try ownAttribute(name, of: value) { return found }
    if case .dictionary(let dictionary) = value, let item = dictionary[.text(name)] { return item }
    return .undefined("`\(value.type) object` has no attribute `\(name)`")
  }

  /// `value[index]`: items first, then attributes.
  func item(_ index: TemplateValue, of value: TemplateValue) throws(ChatTemplateError)
    -> TemplateValue
  {
    switch (value, index) {
    case (.undefined(let why), _): throw .failed(why)
    case (.markup, _): throw .unsupported("an index after the filter `safe`")
    case (.dictionary(let dictionary), _):
      if let item = dictionary[index] { return item }
    case (.sequence(let sequence), .int), (.sequence(let sequence), .bool):
      let count = sequence.elements.count
      if sequence.kind.isIndexed,
        let position = Self.int(index).flatMap({ Self.position($0, in: count) })
      {
        return sequence.elements[position]
      }
    case (.text(let text), .int), (.text(let text), .bool):
      if let position = Self.int(index).flatMap({ Self.position($0, in: text.count) }) {
        return .text([text[position]])
      }
    default: break
    }
    if case .text(let name) = index, let found = try ownAttribute(String(name), of: value) {
      return found
    }
    return .undefined("\(value.type) object has no element \(String(try description(of: index)))")
  }

  private static func position(_ index: Int, in count: Int) -> Int? {
    let position = index < 0 ? index + count : index
    return (0..<count).contains(position) ? position : nil
  }

  /// What Python's `getattr` finds, before any item.
  private func ownAttribute(
    _ name: String, of value: TemplateValue
  ) throws(ChatTemplateError) -> TemplateValue? {
    if case .undefined(let why) = value { throw .failed(why) }
    if name.hasPrefix("_") { return nil }
    switch value {
    case .namespace(let namespace): return namespace.attributes[name]
    case .loop(let loop): return try loop.attribute(name)
    case .markup: throw .unsupported("an attribute after the filter `safe`")
    default: break
    }
    guard let methods = Self.methods[value.type] else { return nil }
    if methods.supported.contains(name) { return .function(TemplateFunction(name, of: value)) }
    if methods.changing.contains(name) {
      return .undefined("access to attribute `\(name)` of a \(value.type) is unsafe")
    }
    if methods.others.contains(name) {
      throw .unsupported("the attribute `\(name)` of a \(value.type)")
    }
    return nil
  }

  private static let methods:
    [String: (supported: Set<String>, changing: Set<String>, others: Set<String>)] = [
      "str": (
        stringMethods, [],
        [
          "casefold", "encode", "expandtabs", "format_map", "isidentifier", "isprintable",
          "istitle", "maketrans", "swapcase", "translate",
        ]
      ),
      "dict": (
        ["get", "items", "keys", "values", "copy"],
        ["clear", "pop", "popitem", "setdefault", "update"], ["fromkeys"]
      ),
      "list": (
        ["count", "index", "copy"],
        ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"], []
      ),
      "tuple": (["count", "index"], [], []),
      "range": (["count", "index"], [], ["start", "stop", "step"]),
      "int": (
        [], [],
        [
          "real", "imag", "numerator", "denominator", "bit_length", "bit_count", "conjugate",
          "as_integer_ratio", "to_bytes", "from_bytes",
        ]
      ),
      "float": (
        [], [],
        ["real", "imag", "conjugate", "as_integer_ratio", "is_integer", "hex", "fromhex"]
      ),
      "Macro": ([], [], ["name", "arguments", "catch_kwargs", "catch_varargs", "caller"]),
    ]

  /// Python's `value[start:stop:step]`.
  func slice(
    _ value: TemplateValue, _ bounds: [TemplateValue]
  ) throws(ChatTemplateError) -> TemplateValue {
    var limits: [Int?] = []
    for bound in bounds {
      switch bound {
      case .none: limits.append(nil)
      case .int(let limit): limits.append(limit)
      case .bool(let limit): limits.append(limit ? 1 : 0)
      default: throw .failed("slice indices must be integers or None")
      }
    }
    let step = (limits.count > 2 ? limits[2] : nil) ?? 1
    if step == 0 { throw .failed("slice step cannot be zero") }
    func indices(_ count: Int) -> (start: Int, stop: Int, step: Int) {
      let lowest = step > 0 ? 0 : -1
      let highest = step > 0 ? count : count - 1
      func clamp(_ limit: Int) -> Int {
        max(lowest, min(highest, limit < 0 ? max(limit, -count - 1) + count : limit))
      }
      let start = limits[0].map(clamp) ?? (step > 0 ? lowest : highest)
      let stop = (limits.count > 1 ? limits[1] : nil).map(clamp) ?? (step > 0 ? highest : lowest)
      return (start, stop, max(-count - 1, min(count + 1, step)))
    }
    func places(_ count: Int) -> StrideTo<Int> {
      let (start, stop, step) = indices(count)
      return stride(from: start, to: stop, by: step)
    }
    switch value {
    case .undefined(let why): throw .failed(why)
    case .text(let text):
      try spend(text.count)
      return .text(places(text.count).map { text[$0] })
    case .sequence(let sequence) where sequence.kind.isIndexed:
      try spend(sequence.elements.count)
      let kept = places(sequence.elements.count).map { sequence.elements[$0] }
      guard case .range(let first, _, let by) = sequence.kind else {
        return .sequence(try TemplateSequence(sequence.kind, kept))
      }
      let (start, stop, step) = indices(sequence.elements.count)
      let kind = TemplateSequence.Kind.range(
        start: first + start * by, stop: first + stop * by, step: by * step)
      return .sequence(try TemplateSequence(kind, kept))
    case .markup: throw .unsupported("a slice after the filter `safe`")
    default: throw .failed("a \(value.type) cannot be sliced")
    }
  }

  // MARK: Going through values

  func iterator(over value: TemplateValue) throws(ChatTemplateError) -> TemplateIterator {
    switch value {
    case .undefined: return TemplateIterator([], depth: 0)
    case .text(let text), .markup(let text):
      var rest = text[...]
      return TemplateIterator(depth: 0) { rest.popFirst().map { .text([$0]) } }
    case .sequence(let sequence): return TemplateIterator(sequence.elements, depth: sequence.depth)
    case .dictionary(let dictionary): return TemplateIterator(dictionary.keys, depth: 1)
    case .iterator(let iterator): return iterator
    default: throw .failed("a \(value.type) cannot be iterated over")
    }
  }

  func elements(of value: TemplateValue) throws(ChatTemplateError) -> [TemplateValue] {
    if case .sequence(let sequence) = value {
      try spend(sequence.elements.count)
      return sequence.elements
    }
    var elements: [TemplateValue] = []
    let source = try iterator(over: value)
    while let next = try source.next() {
      try spend(8)
      elements.append(next)
    }
    return elements
  }

  /// Python's `len(value)`.
  func length(of value: TemplateValue) throws(ChatTemplateError) -> Int {
    switch value {
    case .undefined: return 0
    case .text(let text), .markup(let text): return text.count
    case .sequence(let sequence): return sequence.elements.count
    case .dictionary(let dictionary): return dictionary.keys.count
    case .loop(let loop):
      guard case .int(let length)? = try loop.attribute("length") else { return 0 }
      return length
    default: throw .failed("a \(value.type) has no length")
    }
  }
}
