import Foundation

/// Jinja2's filters.
extension TemplateRenderer {
  static let filterNames: Set<String> = [
    "abs", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "first", "float",
    "format", "indent", "int", "items", "join", "last", "length", "list", "lower", "map", "max",
    "min", "reject", "rejectattr", "replace", "reverse", "round", "safe", "select", "selectattr",
    "slice", "sort", "string", "sum", "title", "tojson", "trim", "unique", "upper", "wordcount",
  ]

  func filter(
    _ name: String, _ value: TemplateValue, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    switch name {
    case "tojson": return .text(try json(value, given))
    case "default", "d":
      let arguments = try given.bound(to: ["default_value", "boolean"], of: name)
      if case .undefined = value { return arguments[0] ?? .text([]) }
      if arguments[1]?.isTrue == true, !value.isTrue { return arguments[0] ?? .text([]) }
      return value
    case "length", "count": return .int(try length(of: value))
    case "items":
      return try deferred(value, given) { () throws(ChatTemplateError) in
        if case .undefined = value { return TemplateIterator([], depth: 0) }
        guard case .dictionary(let dictionary) = value else {
          throw .failed("Can only get item pairs from a mapping.")
        }
        return TemplateIterator(try dictionary.items(), depth: dictionary.depth + 1)
      }
    case "first":
      return try iterator(over: value).next() ?? .undefined("no first item, sequence was empty")
    case "list": return try .list(try elements(of: value))
    case "join": return .text(try join(value, given))
    case "map", "select", "reject", "selectattr", "rejectattr":
      return try deferred(value, given) { () throws(ChatTemplateError) in
        try self.lazily(name, value, given)
      }
    case "unique", "batch", "slice":
      return try deferred(value, given) { () throws(ChatTemplateError) in
        let elements = try self.elements(of: value)
        let kept =
          name == "unique"
          ? try self.unique(elements, given) : try self.grouped(name, elements, given)
        return TemplateIterator(kept, depth: 0)
      }
    case "last", "reverse", "sort", "dictsort", "min", "max", "sum":
      return try collection(name, value, given)
    case "abs", "round", "int", "float": return try number(name, value, given)
    case "safe": return .markup(try text(of: value))
    default:
      if case .markup = value {
        if name == "string" { return value }
        if name != "replace" { throw .unsupported("the filter `\(name)` after `safe`") }
      }
      return try text(name, value, given)
    }
  }

  // MARK: Texts

  private func text(
    _ name: String, _ value: TemplateValue, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    let text = try self.text(of: value)
    try spend(text.count)
    switch name {
    case "string": return .text(text)
    case "trim": return .text(text.stripped(try given.optionalText(0, "chars", of: name)))
    case "upper": return .text(text.uppercased())
    case "lower": return .text(text.lowercased())
    case "capitalize": return .text(text.capitalized())
    case "title": return .text(text.titleFiltered())
    case "replace":
      let arguments = try given.bound(to: ["old", "new", "count"], of: name)
      guard let old = arguments[0], let new = arguments[1] else {
        throw .failed("`replace` needs two strings")
      }
      return .text(
        try replacing(
          try self.text(of: old), with: try self.text(of: new), in: text,
          atMost: try given.optionalInt(arguments[2], of: name) ?? -1))
    case "format":
      if !given.named.isEmpty {
        if !given.positional.isEmpty { throw .failed("`format` takes names or positions") }
        return try percent(
          text, .dictionary(try TemplateDictionary(given.named.map { (.text($0.name), $0.value) })))
      }
      return try percent(text, try .tuple(given.positional))
    case "center":
      let width = try given.bound(to: ["width"], of: name)[0] ?? .int(80)
      return try callMethod(name, of: text, TemplateArguments(positional: [width]))
    case "indent": return try indent(value, given)
    default:  // wordcount
      return .int(
        text.split { !($0 == "_" || $0.isPythonLetter || $0.properties.numericType != nil) }
          .count)
    }
  }

  private func indent(
    _ value: TemplateValue, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    guard case .text(let text) = value else { throw .failed("`indent` needs a str") }
    let arguments = try given.bound(to: ["width", "first", "blank"], of: "indent")
    let indentation: TemplateText
    switch arguments[0] {
    case .text(let text): indentation = text
    case let width:
      let count = max(0, try given.optionalInt(width, of: "indent") ?? 4)
      try spend(count)
      indentation = Array(repeating: " ", count: count)
    }
    let indentsBlank = arguments[2]?.isTrue == true
    let lines = (text + ["\n"]).lines()
    try spend(lines.count * indentation.count)
    var result: TemplateText = arguments[1]?.isTrue == true ? indentation : []
    for (index, line) in lines.enumerated() {
      if index > 0 { result.append("\n") }
      if index > 0, indentsBlank || !line.isEmpty { result += indentation }
      result += line
    }
    return .text(result)
  }

  private func join(
    _ value: TemplateValue, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateText {
    let arguments = try given.bound(to: ["d", "attribute"], of: "join")
    let separator = try arguments[0].map { (separator) throws(ChatTemplateError) in
      try text(of: separator)
    }
    let path = try attributePath(arguments[1])
    var parts: [TemplateText] = []
    for element in try elements(of: value) {
      parts.append(try text(of: path.isEmpty ? element : try follow(path, from: element)))
    }
    return try joined(parts, by: separator ?? [])
  }

  // MARK: Numbers

  private func number(
    _ name: String, _ value: TemplateValue, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    if case .undefined(let why) = value { throw .failed(why) }
    switch name {
    case "abs":
      _ = try given.bound(to: [], of: name)
      if case .double(let value) = value { return .double(value.magnitude) }
      guard let number = Self.int(value) else { throw .failed("bad operand type for abs()") }
      return number < 0 ? try signed(true, .int(number)) : .int(number)
    case "int":
      let arguments = try given.bound(to: ["default", "base"], of: name)
      let base = try given.optionalInt(arguments[1], of: name) ?? 10
      if base != 10 { throw .unsupported("the filter `int` with base \(base)") }
      if let number = Self.int(value) { return .int(number) }
      if case .text(let text) = value, let number = Self.parseInt(text) { return .int(number) }
      guard let number = Self.parseNumber(value), !number.isNaN, number.isFinite else {
        return arguments[0] ?? .int(0)
      }
      guard let whole = Int(exactly: number.rounded(.towardZero)) else {
        throw .unsupported("a whole number of more than 64 bits")
      }
      return .int(whole)
    case "float":
      let fallback = try given.bound(to: ["default"], of: name)[0]
      return Self.parseNumber(value).map(TemplateValue.double) ?? fallback ?? .double(0)
    default: return try round(value, given)
    }
  }

  private func round(
    _ value: TemplateValue, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    let arguments = try given.bound(to: ["precision", "method"], of: "round")
    let precision = try given.optionalInt(arguments[0], of: "round") ?? 0
    let method = String(try given.optionalText(arguments[1], of: "round") ?? ["c"])
    guard (0...300).contains(precision) else {
      throw .unsupported("the filter `round` with precision \(precision)")
    }
    guard let number = Self.number(value) else { throw .failed("`round` needs a number") }
    switch method {
    case "c", "common":
      if let whole = Self.int(value) { return .int(whole) }
      guard number.isFinite else { return value }
      return .double(Double(String(format: "%.\(precision)f", number)) ?? number)
    case "ceil", "floor":
      let scale = pow(10, Double(precision))
      let scaled = (number * scale).rounded(method == "ceil" ? .up : .down)
      // Python's `ceil` and `floor` give whole numbers, which have no minus zero.
      return .double((scaled + 0) / scale)
    default: throw .failed("method must be common, ceil or floor")
    }
  }

  /// Python's `int(text)`; `nil` when it would raise.
  private static func parseInt(_ text: TemplateText) -> Int? {
    let digits = String(text.stripped())
    guard !digits.hasPrefix("_"), !digits.hasSuffix("_"), !digits.contains("__"),
      !digits.contains("+_"), !digits.contains("-_")
    else { return nil }
    return Int(digits.replacing("_", with: ""))
  }

  /// Python's `float(value)`; `nil` when it would raise.
  private static func parseNumber(_ value: TemplateValue) -> Double? {
    guard case .text(let text) = value else { return number(value) }
    let digits = String(text.stripped()).lowercased()
    let allowed = Set("0123456789+-._e".unicodeScalars)
    switch digits {
    case "nan", "+nan", "-nan": return .nan
    case "inf", "+inf", "infinity", "+infinity": return .infinity
    case "-inf", "-infinity": return -.infinity
    default:
      guard digits.unicodeScalars.allSatisfy(allowed.contains) else { return nil }
      return Double(digits.replacing("_", with: ""))
    }
  }
}
