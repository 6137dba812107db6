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

  func failure(_ key: String, _ problem: String) -> PreferenceError {
    let name = key.prefix { $0 != "[" && $0 != "." }
    let path = (names[String(name)] ?? String(name)) + key.dropFirst(name.count)
    return .key(path: self.path, line: line, key: path, problem: problem)
  }

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

  /// A text or messages; nil when it is absent or null.
  func content(_ key: String) throws(PreferenceError) -> JSONValue? {
    guard let value = object[key], value != .null else { return nil }
    guard isOfTable, let cell = value.string else { return value }
    let start = cell.prefix(2)
    guard start == "[{" || start == "{\"" || start == "[\"" else { return value }
    return try structure(key, cell)
  }

  /// The elements of a list.
  func list(_ key: String, of what: String) throws(PreferenceError) -> [JSONValue] {
    var found = value(key)
    if isOfTable, let cell = found?.string { found = try structure(key, cell) }
    guard let list = found?.array else { throw failure(key, "must be a list of \(what)") }
    return list
  }

  func number(_ key: String) throws(PreferenceError) -> Double? {
    guard let value = value(key) else { return nil }
    let number = isOfTable ? value.string.flatMap { Double($0) } : value.double
    guard let number, number.isFinite else {
      throw failure(key, "is \(value.kind); write a number or leave it out")
    }
    return number
  }

  func numbers(_ key: String) throws(PreferenceError) -> [Double] {
    let values = try list(key, of: "numbers")
    let numbers = values.compactMap(\.double)
    guard numbers.count == values.count else { throw failure(key, "must be a list of numbers") }
    return numbers
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
      throw failure(key, "is \(value.kind); write true or false")
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
    case .string(let text): return ["true": true, "false": false][text.lowercased()]
    default: return value.int.flatMap { $0 == 0 ? false : $0 == 1 ? true : nil }
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
        "begins as a list or an object and is not JSON (\(error)); write cells as JSON, or the file "
          + "as JSON lines (pandas: `to_json(orient='records', lines=True)`)")
    }
  }
}
