import Formats

/// The checked fields of one line; every failure names file, line and key.
struct RowFields {
  let path: String
  let line: Int
  let object: JSONObject

  func failure(_ key: String, _ problem: String) -> PreferenceError {
    .key(path: path, line: line, key: key, problem: problem)
  }

  func has(_ key: String) -> Bool { present(key) != nil }

  /// Refuses a row with keys of several kinds: one of its judgements would be lost.
  func requireOneKind(of kinds: [[String]]) throws(PreferenceError) {
    let said = kinds.compactMap { $0.first(where: has) }
    guard said.count > 1 else { return }
    throw failure(
      said[1],
      "stands beside `\(said[0])`, and a row is a comparison, a ranking or a rating; write a row for "
        + "each")
  }

  func text(_ key: String) throws(PreferenceError) -> RowText {
    guard let value = present(key) else { throw failure(key, "is missing; add it with a text") }
    return try text(value, key)
  }

  func texts(_ key: String) throws(PreferenceError) -> [RowText] {
    guard let values = present(key)?.array else {
      throw failure(key, "must be a list of texts")
    }
    var texts: [RowText] = []
    for value in values { texts.append(try text(value, key)) }
    return texts
  }

  func number(_ key: String) throws(PreferenceError) -> Double? {
    guard let value = present(key) else { return nil }
    guard let number = value.double else {
      throw failure(key, "is \(value.kind); write a number or leave it out")
    }
    return number
  }

  func string(_ key: String) throws(PreferenceError) -> String? {
    guard let value = present(key) else { return nil }
    guard let string = value.string else {
      throw failure(key, "is \(value.kind); write a string or leave it out")
    }
    return string
  }

  func integers(_ key: String) throws(PreferenceError) -> [Int] {
    guard let values = present(key)?.array else {
      throw failure(key, "must be a list of whole numbers")
    }
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

  /// An order of responses, best first: the key `ranking`.
  func ranking(of responses: Int) throws(PreferenceError) -> [Int] {
    let ranking = try integers("ranking")
    guard ranking.sorted() == Array(0..<responses) else {
      throw failure(
        "ranking", "is \(ranking); name each of 0 to \(responses - 1) once, best first")
    }
    return ranking
  }

  private func present(_ key: String) -> JSONValue? {
    let value = object[key]
    return value == .null ? nil : value
  }

  private func text(_ value: JSONValue, _ key: String) throws(PreferenceError) -> RowText {
    switch value {
    case .string(let string): return .plain(string)
    case .array(let elements):
      var messages: [RowText.Message] = []
      for element in elements {
        guard let role = element.object?["role"]?.string,
          let content = element.object?["content"]?.string
        else { throw failure(key, "each message needs a `role` and a `content`, both strings") }
        messages.append(.init(role: role, content: content))
      }
      return .conversation(messages)
    default: throw failure(key, "is \(value.kind); write a string or a list of messages")
    }
  }
}
