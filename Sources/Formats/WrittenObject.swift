/// A JSON object that writes its members as they were read: numbers of any length, escapes and all,
/// without the white space between them. Members that are set are written as ``JSONValue`` writes
/// them.
package struct WrittenObject: Sendable, Equatable {
  package private(set) var object: JSONObject
  /// Of each member `"key":value`, as it is written.
  private var texts: [String]

  package init(_ object: JSONObject) throws(JSONError) {
    self.object = object
    texts = []
    for member in object.members { texts.append(try Self.text(of: member.key, member.value)) }
  }

  init(_ object: JSONObject, members: [ArraySlice<UInt8>]) {
    self.object = object
    texts = members.map(Self.withoutSpace)
  }

  /// Sets a member; a new one is put last.
  ///
  /// - Throws: ``JSONError`` when a number is not finite, and nothing changes.
  package mutating func set(_ key: String, to value: JSONValue) throws(JSONError) {
    let text = try Self.text(of: key, value)
    if let place = object.members.firstIndex(where: { $0.key.utf8.elementsEqual(key.utf8) }) {
      texts[place] = text
    } else {
      texts.append(text)
    }
    object[key] = value
  }

  /// The object on one line.
  package var text: String { "{" + texts.joined(separator: ",") + "}" }

  private static func text(of key: String, _ value: JSONValue) throws(JSONError) -> String {
    try "\(JSONValue.string(key).text()):\(value.text())"
  }

  private static func withoutSpace(_ bytes: ArraySlice<UInt8>) -> String {
    var kept: [UInt8] = []
    kept.reserveCapacity(bytes.count)
    var (isInString, isEscaped) = (false, false)
    for byte in bytes {
      if isInString {
        if !isEscaped, byte == UInt8(ascii: "\"") { isInString = false }
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
      } else if byte == UInt8(ascii: "\"") {
        isInString = true
      } else if byte == 0x20 || (0x09...0x0D).contains(byte) {
        continue
      }
      kept.append(byte)
    }
    return String(decoding: kept, as: UTF8.self)
  }
}
