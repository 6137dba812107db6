import Foundation

/// Values as text: Python's `str`, `repr` and `json.dumps`.
extension TemplateRenderer {
  /// Python's `str(value)`.
  func text(of value: TemplateValue) throws(ChatTemplateError) -> TemplateText {
    switch value {
    case .undefined: return []
    case .text(let text), .markup(let text): return text
    default: return try description(of: value)
    }
  }

  /// Python's `repr(value)`.
  func description(of value: TemplateValue) throws(ChatTemplateError) -> TemplateText {
    var text: TemplateText = []
    try describe(value, to: &text)
    return text
  }

  private func describe(
    _ value: TemplateValue, to text: inout TemplateText
  ) throws(ChatTemplateError) {
    try spend(1)
    switch value {
    case .undefined: text += "Undefined".unicodeScalars
    case .none: text += "None".unicodeScalars
    case .bool(let value): text += (value ? "True" : "False").unicodeScalars
    case .int(let value): text += "\(value)".unicodeScalars
    case .double(let value): text += Self.python(value).unicodeScalars
    case .text(let value):
      try spend(value.count)
      Self.quote(value, to: &text)
    case .markup(let value):
      try spend(value.count)
      text += "Markup(".unicodeScalars
      Self.quote(value, to: &text)
      text.append(")")
    case .sequence(let sequence):
      if case .range(let start, let stop, let step) = sequence.kind {
        text += "range(\(start), \(stop)\(step == 1 ? "" : ", \(step)"))".unicodeScalars
        return
      }
      let isTuple = sequence.kind == .tuple
      let isView = !sequence.kind.isIndexed
      if isView { text += (sequence.kind.name + "(").unicodeScalars }
      text.append(isTuple ? "(" : "[")
      for (index, element) in sequence.elements.enumerated() {
        if index > 0 { text += ", ".unicodeScalars }
        try describe(element, to: &text)
      }
      if isTuple, sequence.elements.count == 1 { text.append(",") }
      text.append(isTuple ? ")" : "]")
      if isView { text.append(")") }
    case .dictionary(let dictionary):
      text.append("{")
      for (index, member) in dictionary.members.enumerated() {
        if index > 0 { text += ", ".unicodeScalars }
        try describe(member.0, to: &text)
        text += ": ".unicodeScalars
        try describe(member.1, to: &text)
      }
      text.append("}")
    case .iterator, .namespace, .loop, .macro, .function:
      throw .unsupported("printing a \(value.type)")
    }
  }

  /// Python's `repr` of a float: the shortest digits that give it back.
  static func python(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    var digits = ""
    var exponent = 0  // of ten, after the digits
    var hasPoint = false
    let parts = "\(value.magnitude)".split(separator: "e")
    for character in parts[0] {
      if character == "." {
        hasPoint = true
      } else {
        digits.append(character)
        if hasPoint { exponent -= 1 }
      }
    }
    if parts.count > 1 { exponent += Int(parts[1]) ?? 0 }
    while digits.count > 1, digits.last == "0" {
      digits.removeLast()
      exponent += 1
    }
    while digits.count > 1, digits.first == "0" { digits.removeFirst() }
    let sign = value.sign == .minus ? "-" : ""
    if digits == "0" { return sign + "0.0" }
    let point = digits.count + exponent  // digits before the decimal point
    if point > 16 || point < -3 {
      let rest = digits.dropFirst()
      let power = point - 1
      let padded = (abs(power) < 10 ? "0" : "") + "\(abs(power))"
      let mantissa = "\(digits.prefix(1))" + (rest.isEmpty ? "" : ".\(rest)")
      return "\(sign)\(mantissa)e\(power < 0 ? "-" : "+")\(padded)"
    }
    if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
    if exponent >= 0 { return sign + digits + String(repeating: "0", count: exponent) + ".0" }
    return "\(sign)\(digits.prefix(point)).\(digits.dropFirst(point))"
  }

  /// Python's `repr` of a string.
  private static func quote(_ text: TemplateText, to output: inout TemplateText) {
    let quote: Unicode.Scalar = text.contains("'") && !text.contains("\"") ? "\"" : "'"
    output.append(quote)
    for scalar in text {
      switch scalar {
      case quote, "\\": output += ["\\", scalar]
      case "\n": output += ["\\", "n"]
      case "\r": output += ["\\", "r"]
      case "\t": output += ["\\", "t"]
      case let scalar where !scalar.isPythonPrintable:
        let digits = String(scalar.value, radix: 16)
        let (letter, width) =
          scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
        let zeros = String(repeating: "0", count: width - digits.count)
        output += "\\\(letter)\(zeros)\(digits)".unicodeScalars
      default: output.append(scalar)
      }
    }
    output.append(quote)
  }

  // MARK: JSON

  struct JSONOptions {
    var isASCII = false
    var indentation: TemplateText?
    var separators: (item: TemplateText, key: TemplateText)
    var sortsKeys = false
  }

  /// `transformers`' filter `tojson`: Python's `json.dumps` without escaping HTML.
  func json(
    _ value: TemplateValue, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateText {
    let arguments = try given.bound(
      to: ["ensure_ascii", "indent", "separators", "sort_keys"], of: "tojson")
    var options = JSONOptions(separators: ([",", " "], [":", " "]))
    options.isASCII = arguments[0]?.isTrue ?? false
    switch arguments[1] {
    case nil, .some(.none): break
    case .int(let count):
      try spend(max(0, count))
      options.indentation = Array(repeating: " ", count: max(0, count))
    case .bool(let value): options.indentation = value ? [" "] : []
    case .text(let text): options.indentation = text
    default: throw .failed("`indent` of tojson is no number")
    }
    if options.indentation != nil { options.separators.item = [","] }
    if let separators = arguments[2], separators.isTrue {
      let pair = try elements(of: separators)
      guard pair.count == 2, case .text(let item) = pair[0], case .text(let key) = pair[1] else {
        throw .failed("`separators` of tojson are no two strings")
      }
      options.separators = (item, key)
    }
    options.sortsKeys = arguments[3]?.isTrue ?? false
    var text: TemplateText = []
    try write(value, options, level: 0, to: &text)
    return text
  }

  private func write(
    _ value: TemplateValue, _ options: JSONOptions, level: Int, to text: inout TemplateText
  ) throws(ChatTemplateError) {
    try spend(1)
    switch value {
    case .none: text += "null".unicodeScalars
    case .bool(let value): text += (value ? "true" : "false").unicodeScalars
    case .int(let value): text += "\(value)".unicodeScalars
    case .double(let value): text += Self.jsonNumber(value).unicodeScalars
    case .text(let value), .markup(let value): try write(value, options, to: &text)
    case .sequence(let sequence) where sequence.kind == .list || sequence.kind == .tuple:
      try write(
        sequence.elements, "[", "]", options, level, to: &text
      ) { (element, text) throws(ChatTemplateError) in
        try self.write(element, options, level: level + 1, to: &text)
      }
    case .dictionary(let dictionary):
      var members: [(TemplateText, TemplateValue)] = []
      for (key, value) in dictionary.members { members.append((try Self.jsonKey(key), value)) }
      if options.sortsKeys { members.sort { $0.0.lexicographicallyPrecedes($1.0) } }
      try write(members, "{", "}", options, level, to: &text) {
        (member, text) throws(ChatTemplateError) in
        try self.write(member.0, options, to: &text)
        text += options.separators.key
        try self.write(member.1, options, level: level + 1, to: &text)
      }
    default: throw .failed("Object of type \(value.type) is not JSON serializable")
    }
  }

  private func write<Item>(
    _ items: [Item], _ opening: Unicode.Scalar, _ closing: Unicode.Scalar, _ options: JSONOptions,
    _ level: Int, to text: inout TemplateText,
    _ write: (Item, inout TemplateText) throws(ChatTemplateError) -> Void
  ) throws(ChatTemplateError) {
    text.append(opening)
    for (index, item) in items.enumerated() {
      if index > 0 { text += options.separators.item }
      try breakLine(options, level + 1, to: &text)
      try write(item, &text)
    }
    if !items.isEmpty { try breakLine(options, level, to: &text) }
    text.append(closing)
  }

  private func breakLine(
    _ options: JSONOptions, _ level: Int, to text: inout TemplateText
  ) throws(ChatTemplateError) {
    guard let indentation = options.indentation else { return }
    try spend(level * indentation.count)
    text.append("\n")
    for _ in 0..<level { text += indentation }
  }

  private func write(
    _ string: TemplateText, _ options: JSONOptions, to text: inout TemplateText
  ) throws(ChatTemplateError) {
    try spend(string.count)
    text.append("\"")
    for scalar in string {
      if let escape = Self.jsonEscapes[scalar] {
        text += escape.unicodeScalars
      } else if scalar.value < 0x20 || (options.isASCII && scalar.value > 0x7E) {
        for unit in String(Character(scalar)).utf16 {
          let digits = String(unit, radix: 16)
          text += "\\u\(String(repeating: "0", count: 4 - digits.count))\(digits)".unicodeScalars
        }
      } else {
        text.append(scalar)
      }
    }
    text.append("\"")
  }

  private static let jsonEscapes: [Unicode.Scalar: String] = [
    "\"": "\\\"", "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u{8}": "\\b",
    "\u{C}": "\\f",
  ]

  private static func jsonNumber(_ value: Double) -> String {
    value.isNaN ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : python(value)
  }

  private static func jsonKey(_ key: TemplateValue) throws(ChatTemplateError) -> TemplateText {
    switch key {
    case .text(let text), .markup(let text): text
    case .none: Array("null".unicodeScalars)
    case .bool(let value): Array((value ? "true" : "false").unicodeScalars)
    case .int(let value): Array("\(value)".unicodeScalars)
    case .double(let value): Array(jsonNumber(value).unicodeScalars)
    default: throw .failed("keys of JSON must be strings, not a \(key.type)")
    }
  }
}

extension Unicode.Scalar {
  /// Python's `str.isprintable` of one character.
  var isPythonPrintable: Bool {
    if isASCII { return value >= 0x20 && value != 0x7F }
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
      .paragraphSeparator, .spaceSeparator:
      return false
    default: return true
    }
  }
}
