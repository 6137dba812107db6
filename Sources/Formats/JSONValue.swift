/// A JSON document whose objects keep the order of their keys.
///
/// Foundation's parsers lose that order, keep the last of two equal keys without a word, and take
/// two spellings of an accented letter for one key; files of models need all three right.
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// What a message calls this kind of value.
  package var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a truth value"
    case .int, .double: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }

  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  package var object: JSONObject? { if case .object(let value) = self { value } else { nil } }

  /// The integer, also when it is written as a number without a fraction such as `12.0`.
  package var int: Int? {
    switch self {
    case .int(let value): value
    case .double(let value): Int(exactly: value)
    default: nil
    }
  }

  /// The number, whether written with a fraction or without.
  package var double: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    default: nil
    }
  }
}

/// The members of a JSON object in the order in which they are written.
package struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  package struct Member: Sendable, Equatable {
    package var key: String
    package var value: JSONValue
  }

  package private(set) var members: [Member]

  package init(_ members: [(String, JSONValue)] = []) {
    self.members = members.map { Member(key: $0.0, value: $0.1) }
  }

  package init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }

  init(members: [Member]) { self.members = members }

  /// The keys in order.
  package var keys: [String] { members.map(\.key) }

  /// The value of `key`, compared byte by byte; a new key is put last, and `nil` removes.
  package subscript(key: String) -> JSONValue? {
    get { position(of: key).map { members[$0].value } }
    set {
      switch (position(of: key), newValue) {
      case (let position?, let value?): members[position].value = value
      case (let position?, nil): members.remove(at: position)
      case (nil, let value?): members.append(Member(key: key, value: value))
      case (nil, nil): break
      }
    }
  }

  private func position(of key: String) -> Int? {
    members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
  }
}

/// Where a text stops being JSON, or why a value cannot be written as JSON.
package struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  package let problem: String
  /// Bytes before the problem; `nil` when writing.
  package let offset: Int?

  package var description: String { offset.map { "\(problem) at byte \($0)" } ?? problem }
}

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
