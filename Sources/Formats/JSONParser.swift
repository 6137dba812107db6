extension JSONValue {
  /// Reads a JSON document (RFC 8259) in UTF-8.
  ///
  /// Stricter than the standard in two places: equal keys in one object are refused, and so is
  /// nesting deeper than 256. Integers that do not fit 64 bits become floating-point numbers.
  package init(parsing bytes: some Sequence<UInt8>) throws(JSONError) {
    var parser = JSONParser(bytes: Array(bytes))
    self = try parser.document()
  }
}

extension WrittenObject {
  /// Reads a JSON document as ``JSONValue/init(parsing:)`` does; nil unless it is an object.
  package init?(parsing bytes: some Sequence<UInt8>) throws(JSONError) {
    var parser = JSONParser(bytes: Array(bytes))
    guard case .object(let object) = try parser.document() else { return nil }
    self.init(object, members: parser.members.map { parser.bytes[$0] })
  }
}

/// A recursive-descent parser over bytes; every read is checked against the end.
private struct JSONParser {
  let bytes: [UInt8]
  var position = 0
  var depth = 0
  /// Where the members of the outermost object are, if it is one.
  var members: [Range<Int>] = []

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() throws(JSONError) -> JSONValue {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }  // byte order mark
    let value = try value()
    skipSpace()
    if position < bytes.count { throw failure("something follows the JSON value") }
    return value
  }

  private mutating func value() throws(JSONError) -> JSONValue {
    skipSpace()
    guard let byte = peek else { throw failure("the JSON text ends too early") }
    switch byte {
    case UInt8(ascii: "{"): return try nested { (parser) throws(JSONError) in try parser.object() }
    case UInt8(ascii: "["): return try nested { (parser) throws(JSONError) in try parser.array() }
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw failure("expected a JSON value")
    }
  }

  private mutating func nested(
    _ body: (inout JSONParser) throws(JSONError) -> JSONValue
  ) throws(JSONError) -> JSONValue {
    depth += 1
    if depth > 256 { throw failure("JSON nested deeper than 256") }
    position += 1  // the opening bracket
    let value = try body(&self)
    depth -= 1
    return value
  }

  private mutating func object() throws(JSONError) -> JSONValue {
    var members: [JSONObject.Member] = []
    var seen = Set<[UInt8]>()  // only for large objects: comparing is cheaper than hashing
    skipSpace()
    if accept(UInt8(ascii: "}")) { return .object(JSONObject()) }
    repeat {
      skipSpace()
      let start = position
      if peek != UInt8(ascii: "\"") { throw failure("expected a key in quotes") }
      let key = try string()
      let isRepeated: Bool
      if members.count < 16 {
        isRepeated = members.contains { $0.key.utf8.elementsEqual(key.utf8) }
      } else {
        if seen.isEmpty { seen = Set(members.map { Array($0.key.utf8) }) }
        isRepeated = !seen.insert(Array(key.utf8)).inserted
      }
      if isRepeated {
        position = start
        throw failure("the key \"\(key)\" is written twice")
      }
      skipSpace()
      if !accept(UInt8(ascii: ":")) { throw failure("expected : after the key \"\(key)\"") }
      members.append(.init(key: key, value: try value()))
      if depth == 1 { self.members.append(start..<position) }
      skipSpace()
    } while accept(UInt8(ascii: ","))
    if !accept(UInt8(ascii: "}")) { throw failure("expected , or } in an object") }
    return .object(JSONObject(members: members))
  }

  private mutating func array() throws(JSONError) -> JSONValue {
    var elements: [JSONValue] = []
    skipSpace()
    if accept(UInt8(ascii: "]")) { return .array([]) }
    repeat {
      elements.append(try value())
      skipSpace()
    } while accept(UInt8(ascii: ","))
    if !accept(UInt8(ascii: "]")) { throw failure("expected , or ] in a list") }
    return .array(elements)
  }

  private mutating func string() throws(JSONError) -> String {
    position += 1  // the opening quote
    var text: [UInt8] = []
    let start = position
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else {
          position = start
          throw failure("a string is not valid UTF-8")
        }
        position += 1
        return string
      case UInt8(ascii: "\\"):
        position += 1
        try escape(into: &text)
      case 0..<0x20: throw failure("a control character inside a string must be escaped")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw failure("a string is not closed")
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
    guard let byte = peek else { throw failure("a string is not closed") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xD800..<0xDC00).contains(code) {  // the first half of a pair
        guard accept(UInt8(ascii: "\\")), accept(UInt8(ascii: "u")) else {
          throw failure("half of a surrogate pair stands alone")
        }
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else {
          throw failure("half of a surrogate pair stands alone")
        }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else {
        throw failure("half of a surrogate pair stands alone")
      }
      text.append(contentsOf: String(Character(scalar)).utf8)
    default:
      position -= 1
      throw failure("unknown escape in a string")
    }
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("expected four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  private mutating func number() throws(JSONError) -> JSONValue {
    let start = position
    _ = accept(UInt8(ascii: "-"))
    var isInteger = true
    if !accept(UInt8(ascii: "0")) { try digits() }
    if accept(UInt8(ascii: ".")) {
      isInteger = false
      try digits()
    }
    if accept(UInt8(ascii: "e")) || accept(UInt8(ascii: "E")) {
      isInteger = false
      if !accept(UInt8(ascii: "+")) { _ = accept(UInt8(ascii: "-")) }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, text != "-0", let value = Int(text) { return .int(value) }
    guard let value = Double(text), value.isFinite else {
      position = start
      throw failure("the number \(text) is too large")
    }
    return .double(value)
  }

  private mutating func digits() throws(JSONError) {
    let start = position
    while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    if position == start { throw failure("expected a digit") }
  }

  private mutating func literal(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
    guard bytes[position...].starts(with: word.utf8) else { throw failure("expected a JSON value") }
    position += word.utf8.count
    return value
  }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func accept(_ byte: UInt8) -> Bool {
    guard peek == byte else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  private func failure(_ problem: String) -> JSONError {
    JSONError(problem: problem, offset: position)
  }
}
