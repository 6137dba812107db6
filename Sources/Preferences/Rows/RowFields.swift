import Formats

/// The checked fields of one row; every failure names file, line and key.
struct RowFields {
  let path: String
  let line: Int
  /// By the names that rows have here; see ``ColumnNames``.
  var object: JSONObject
  /// Whether the row is of CSV, where all values are strings: numbers and lists are read from them,
  /// and an empty cell that is no text is absent.
  var isOfTable = false
  /// The row as it is written, where it is to be written back.
  var written: WrittenObject?
  /// What the file calls a key, where that is something else.
  var names: [String: String] = [:]

  var place: String { "\(path):\(line)" }

  /// What the file calls a key.
  func name(_ key: String) -> String { names[key] ?? key }

  func failure(_ key: String, _ problem: String) -> PreferenceError {
    let start = key.prefix { $0 != "[" && $0 != "." }
    let path = name(String(start)) + key.dropFirst(start.count)
    return .key(path: self.path, line: line, key: path, problem: problem)
  }

  /// Whether a value is neither null nor an empty cell.
  func isSaid(_ value: JSONValue) -> Bool {
    value != .null && !(isOfTable && value.string?.isEmpty ?? false)
  }

  /// Whether a value is a text of several words, or holds one.
  static func holdsText(_ value: JSONValue) -> Bool {
    if let text = value.string { return text.trimmingSpace.contains(where: \.isWhitespace) }
    return value.array?.contains(where: holdsText)
      ?? value.object?.members.contains { holdsText($0.value) } ?? false
  }

  /// The text of a value, or its texts; of messages, what each says.
  func texts(of key: String) -> [[UInt8]] {
    guard let value = value(key) else { return [] }
    return (value.array ?? [value]).compactMap { element in
      let text = element.string ?? (element.object?["content"] ?? element.object?["value"])?.string
      return text.map { Array($0.utf8) }
    }
  }

  /// Whether there are tools: an empty list is none.
  var hasTools: Bool { has("tools") && ![.array([]), .string("[]")].contains(value("tools")) }

  /// Whether the key is there and neither null nor an empty cell.
  func has(_ key: String) -> Bool { value(key) != nil }

  /// Whether the row has the key, whatever its value.
  func isNamed(_ key: String) -> Bool { object[key] != nil }

  /// The value; nil when it is absent, null or an empty cell. Lists and objects in a cell are JSON.
  func value(_ key: String) -> JSONValue? {
    guard let value = object[key], value != .null else { return nil }
    guard isOfTable, let cell = value.string else { return value }
    return cell.isEmpty ? nil : value
  }

  /// A text or messages; nil when it is absent or null. Messages may be written as a string that holds
  /// their JSON.
  func content(_ key: String) throws(PreferenceError) -> JSONValue? {
    guard let value = object[key], value != .null else { return nil }
    guard let text = value.string else { return value }
    if isOfTable {
      let start = text.prefix(2)
      // "['" is Python's way, which is refused.
      if ["[{", "{\"", "[\"", "['"].contains(start) { return try structure(key, text) }
    }
    return try messages(key) ?? value
  }

  /// What a string holds that is the JSON of messages; nil for any other text, such as an answer in JSON.
  ///
  /// - Throws: ``PreferenceError`` for one that begins as messages do and is not JSON, such as Python's
  ///   way of writing them.
  func messages(_ key: String) throws(PreferenceError) -> JSONValue? {
    guard let text = value(key)?.string else { return nil }
    let start = text.prefix(64).filter { !$0.isWhitespace }
    guard start.hasPrefix("[{") || start.hasPrefix("{") else { return nil }
    guard let value = try? JSONValue(parsing: text.utf8) else {
      let isMeant = ["role", "content", "from"].contains {
        start.hasPrefix("[{\"\($0)\":") || start.hasPrefix("[{'\($0)':")
      }
      return isMeant ? try structure(key, text) : nil
    }
    let isConversation = (value.array ?? [value]).allSatisfy { element in
      guard let object = element.object else { return false }
      return object["role"]?.string != nil && (object["content"] ?? object["tool_calls"]) != nil
        || object["from"]?.string != nil && object["value"] != nil
    }
    return isConversation ? value : nil
  }

  /// The elements of a list, which may be written as a string that holds their JSON.
  func list(_ key: String, of what: String) throws(PreferenceError) -> [JSONValue] {
    var found = value(key)
    if let text = found?.string, isOfTable || text.trimmingSpace.hasPrefix("[") {
      found = try structure(key, text)
    }
    guard let list = found?.array else { throw failure(key, "must be a list of \(what)") }
    return list
  }

  /// A number, which may be written as a string in decimal.
  func number(_ key: String) throws(PreferenceError) -> Double? {
    guard let value = value(key) else { return nil }
    guard let number = Self.number(value) else { throw failure(key, Self.noNumber(value)) }
    return number
  }

  func numbers(_ key: String) throws(PreferenceError) -> [Double] {
    var numbers: [Double] = []
    for (index, value) in try list(key, of: "numbers").enumerated() {
      guard let number = Self.number(value) else {
        throw failure("\(key)[\(index)]", Self.noNumber(value))
      }
      numbers.append(number)
    }
    return numbers
  }

  /// A number that float32 can hold; nil for anything else.
  static func number(_ value: JSONValue) -> Double? {
    value.double.flatMap { $0.fitsFloat ? $0 : nil } ?? value.string.flatMap { Double(decimal: $0) }
  }

  private static func noNumber(_ value: JSONValue) -> String {
    "is \(shown(value)); write a decimal number below 3.4e38, or leave it out"
  }

  /// A value as a message shows it.
  private static func shown(_ value: JSONValue) -> String {
    guard let text = try? value.text(), text.utf8.count <= 40 else { return value.kind }
    return text
  }

  func string(_ key: String) throws(PreferenceError) -> String? {
    guard let value = value(key) else { return nil }
    guard let string = value.string else {
      throw failure(key, "is \(value.kind); write a string or leave it out")
    }
    return string
  }

  func bool(_ key: String) throws(PreferenceError) -> Bool? {
    guard let value = value(key) else { return nil }
    guard let truth = Self.truth(value) else {
      throw failure(key, "is \(Self.shown(value)); write true or false, or 1 or 0")
    }
    return truth
  }

  func bools(_ key: String) throws(PreferenceError) -> [Bool] {
    let values = try list(key, of: "true and false")
    let truths = values.compactMap(Self.truth)
    guard truths.count == values.count else {
      throw failure(key, "must be a list of true and false")
    }
    return truths
  }

  private static func truth(_ value: JSONValue) -> Bool? {
    switch value {
    case .bool(let truth): return truth
    case .string(let text):
      if let truth = ["true": true, "false": false][text.lowercased().trimmingSpace] {
        return truth
      }
    default: break
    }
    switch number(value) {
    case 0: return false
    case 1: return true
    default: return nil
    }
  }

  func integers(_ key: String) throws(PreferenceError) -> [Int] {
    let values = try list(key, of: "whole numbers")
    let numbers = values.compactMap(\.int)
    guard numbers.count == values.count else {
      throw failure(key, "must be a list of whole numbers")
    }
    return numbers
  }

  /// Token ids; whole numbers from 0.
  func ids(_ key: String) throws(PreferenceError) -> [Int32] {
    let numbers = try integers(key)
    let ids = numbers.compactMap { $0 >= 0 ? Int32(exactly: $0) : nil }
    guard ids.count == numbers.count else {
      throw failure(key, "holds a number that is no token id; ids start at 0")
    }
    return ids
  }

  private func structure(_ key: String, _ cell: String) throws(PreferenceError) -> JSONValue {
    do { return try JSONValue(parsing: cell.utf8) } catch {
      throw failure(
        key,
        "begins as a list or an object and is not JSON (\(error)); write it as JSON (pandas: "
          + "`to_json(orient='records', lines=True)`)")
    }
  }
}
