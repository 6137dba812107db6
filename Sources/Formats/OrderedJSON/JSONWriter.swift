extension JSONValue {
  /// How a document is laid out.
  package enum Layout: Sendable {
    /// One line, with no spaces.
    case compact
    /// A member or element a line, indented by two spaces.
    case indented
  }

  /// The document as text; equal values give equal text.
  ///
  /// - Throws: ``JSONError`` when a number is not finite, which JSON cannot say.
  package func text(_ layout: Layout = .compact) throws(JSONError) -> String {
    var text = ""
    try write(to: &text, layout, depth: 0)
    return text
  }

  private func write(to text: inout String, _ layout: Layout, depth: Int) throws(JSONError) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .int(let value): text += "\(value)"
    case .double(let value):
      guard value.isFinite else {
        throw JSONError(problem: "the number \(value) cannot be written in JSON", offset: nil)
      }
      text += "\(value)"
    case .string(let value): Self.write(value, to: &text)
    case .array(let elements):
      try Self.write(elements, "[", "]", to: &text, layout, depth) {
        (element, text) throws(JSONError) in
        try element.write(to: &text, layout, depth: depth + 1)
      }
    case .object(let object):
      try Self.write(object.members, "{", "}", to: &text, layout, depth) {
        (member, text) throws(JSONError) in
        Self.write(member.key, to: &text)
        text += layout == .compact ? ":" : ": "
        try member.value.write(to: &text, layout, depth: depth + 1)
      }
    }
  }

  private static func write<Item>(
    _ items: [Item], _ opening: String, _ closing: String, to text: inout String,
    _ layout: Layout, _ depth: Int, _ write: (Item, inout String) throws(JSONError) -> Void
  ) throws(JSONError) {
    text += opening
    for (index, item) in items.enumerated() {
      if index > 0 { text += "," }
      if layout == .indented { text += "\n" + String(repeating: "  ", count: depth + 1) }
      try write(item, &text)
    }
    if layout == .indented && !items.isEmpty {
      text += "\n" + String(repeating: "  ", count: depth)
    }
    text += closing
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
