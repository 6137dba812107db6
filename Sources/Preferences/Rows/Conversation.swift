package import Formats

/// Writes messages as a text.
package struct ChatFormat: Sendable {
  /// Whether it is a checkpoint's own chat template, so that what it writes is encoded as it stands.
  package let isTemplate: Bool
  /// For messages: what it is.
  package let name: String
  /// The text of messages (objects with `role` and `content`) and tools, at its end the beginning of
  /// an answer if that is asked for.
  package let render:
    @Sendable (_ messages: [JSONValue], _ tools: JSONValue?, _ addsGenerationPrompt: Bool) throws
      -> String

  /// - Parameter render: a checkpoint's chat template.
  package init(
    name: String,
    template render: @escaping @Sendable ([JSONValue], JSONValue?, Bool) throws -> String
  ) {
    (isTemplate, self.name, self.render) = (true, name, render)
  }

  private init(plain render: @escaping @Sendable ([JSONValue], JSONValue?, Bool) -> String) {
    (isTemplate, name, self.render) = (false, "the plain format, `role: content`", render)
  }

  /// A message a line, `role: content`, where there is no template. Tool calls follow the content, each
  /// as `<tool_call>{"name":…,"arguments":…}</tool_call>`; tools are a first line `tools: […]`.
  package static let plain = ChatFormat { messages, tools, addsGenerationPrompt in
    var text = ""
    if let tools, let json = try? tools.text() { text += "tools: \(json)\n" }
    for message in messages {
      let object = message.object ?? [:]
      var content = object["content"]?.string ?? ""
      for call in object["tool_calls"]?.array ?? [] {
        guard let json = try? (call.object?["function"] ?? call).text() else { continue }
        content += "<tool_call>\(json)</tool_call>"
      }
      text += "\(object["role"]?.string ?? ""): \(content)\n"
    }
    return addsGenerationPrompt ? text + "assistant:" : text
  }
}

/// A message of a conversation: an object with `role`, `content`, and whatever else the chat template
/// reads, such as `tool_calls`.
struct Message: Equatable {
  let role: String
  /// What is said; parts of a content are put together line by line, and no content is an empty one.
  let content: String
  /// With `content` as above.
  let json: JSONValue
  /// The names of the functions that it calls.
  var calledTools: [String] {
    (json.object?["tool_calls"]?.array ?? []).compactMap { call in
      (call.object?["function"] ?? call).object?["name"]?.string
    }
  }

  /// Whether it says nothing and calls nothing.
  var isEmpty: Bool { content.allSatisfy(\.isWhitespace) && json.object?["tool_calls"] == nil }

  init(role: String, content: String) {
    self.init(["role": .string(role), "content": .string(content)], role, content)
  }

  private init(_ object: JSONObject, _ role: String, _ content: String) {
    (self.role, self.content, json) = (role, content, .object(object))
  }

  /// Keys with something in them that not every template writes, such as `reasoning_content` and `name`.
  var otherKeys: [String] {
    (json.object?.members ?? []).filter {
      !["role", "content", "tool_calls"].contains($0.key)
        && ![.null, .string(""), .array([]), .object([:])].contains($0.value)
    }.map(\.key)
  }

  /// Without some of its keys, or with another content.
  func changed(removing keys: Set<String> = [], content: String? = nil) -> Message {
    var object = json.object ?? [:]
    for key in keys { object[key] = nil }
    if let content { object["content"] = .string(content) }
    return Message(object, role, content ?? self.content)
  }

  /// Whether the last line of what it says stands in a text. Templates may leave out what comes before,
  /// such as thoughts.
  func isSaid(in text: [UInt8]) -> Bool {
    let lines = content.utf8.split { $0 == 0x0A || $0 == 0x0D }.map { line in
      Array(String(decoding: line, as: UTF8.self).trimmingSpace.utf8)
    }
    guard let words = lines.last(where: { !$0.isEmpty }), let first = words.first else {
      return true
    }
    var rest = text[...]
    while let start = rest.firstIndex(of: first) {
      rest = rest[start...]
      if rest.starts(with: words) { return true }
      rest = rest.dropFirst()
    }
    return false
  }

  /// Equal means byte for byte, whatever the order of keys and without those that are null: texts that
  /// look alike may differ in tokens.
  static func == (first: Message, second: Message) -> Bool {
    guard let a = try? plain(first.json).text(), let b = try? plain(second.json).text() else {
      return false
    }
    return a.utf8.elementsEqual(b.utf8)
  }

  private static func plain(_ value: JSONValue) -> JSONValue {
    if let list = value.array { return .array(list.map(plain)) }
    guard let object = value.object else { return value }
    let members = object.members.filter { $0.value != .null }.sorted { $0.key < $1.key }
    return .object(JSONObject(members.map { ($0.key, plain($0.value)) }))
  }

  /// Reads messages; those with `from` and `value` get `role` and `content`.
  static func list(
    _ key: String, _ value: JSONValue, _ fields: RowFields
  ) throws(PreferenceError) -> [Message] {
    guard value.array != nil || value.object != nil else {
      throw fields.failure(key, "is \(value.kind); write a text or a list of messages")
    }
    var messages: [Message] = []
    for (index, element) in (value.array ?? [value]).enumerated() {
      messages.append(try message(element, "\(key)[\(index)]", fields))
    }
    if messages.isEmpty { throw fields.failure(key, "is an empty list; give at least one message") }
    return messages
  }

  /// Names of roles in ShareGPT's files and those made like them.
  private static let roles = [
    "human": "user", "prompter": "user", "gpt": "assistant", "function_call": "assistant",
    "observation": "tool",
  ]

  private static func message(
    _ value: JSONValue, _ key: String, _ fields: RowFields
  ) throws(PreferenceError) -> Message {
    guard var object = value.object else {
      throw fields.failure(
        key, "is \(value.kind); a message is an object with `role` and `content`")
    }
    if object["role"] == nil, let from = object["from"]?.string {
      object = JSONObject(
        [("role", .string(from)), ("content", object["value"] ?? .null)]
          + object.members.filter { !["from", "value"].contains($0.key) }.map { ($0.key, $0.value) }
      )
    }
    guard let given = object["role"]?.string, !given.isEmpty else {
      throw fields.failure(key, "each message needs a `role`, a string such as `user`")
    }
    let role = roles[given] ?? given
    object["role"] = .string(role)
    if given == "function_call" {
      guard let call = object["content"]?.string.flatMap({ try? JSONValue(parsing: $0.utf8) }),
        call.object?["name"]?.string != nil
      else {
        throw fields.failure(key, "is no call in JSON with a `name`; write it as `tool_calls`")
      }
      object["content"] = .string("")
      object["tool_calls"] = .array([
        .object(["type": .string("function"), "function": call])
      ])
    }
    if (object["function_call"] ?? .null) != .null {
      throw fields.failure(key, "has a `function_call`, an older form; write it as `tool_calls`")
    }
    let callsTools = ![nil, .null, .array([])].contains(object["tool_calls"])
    let content: String
    switch object["content"] {
    case .string(let text): content = text
    case .array(let parts): content = try text(ofParts: parts, key + ".content", fields)
    case .null: content = ""
    case nil where callsTools: content = ""
    case nil:
      throw fields.failure(key, "has neither `content` nor `tool_calls`; give one of them")
    case let other?:
      throw fields.failure(key + ".content", "is \(other.kind); write a string")
    }
    object["content"] = .string(content)
    if !callsTools { object["tool_calls"] = nil }
    return Message(object, role, content)
  }

  private static func text(
    ofParts parts: [JSONValue], _ key: String, _ fields: RowFields
  ) throws(PreferenceError) -> String {
    var texts: [String] = []
    for (index, part) in parts.enumerated() {
      let kind = part.object?["type"]?.string
      guard let text = part.string ?? part.object?["text"]?.string, kind == nil || kind == "text"
      else {
        throw fields.failure(
          "\(key)[\(index)]",
          "is of type `\(kind ?? part.kind)`, and only text is read; remove it, or the row")
      }
      texts.append(text)
    }
    return texts.joined(separator: "\n")
  }
}

/// A prompt and its responses as messages.
struct Conversation {
  var prompt: [Message]
  var responses: [[Message]]
  var tools: JSONValue?

  /// The prompt as the beginning of an answer, and what follows it in each whole conversation.
  ///
  /// The prompt is what all of these texts have in common, so that a template may write an answer's
  /// beginning otherwise than it asks for one; the prompt's own messages must stay as they are.
  ///
  /// - Returns: also what of the messages is in none of the texts.
  func rendered(
    by format: ChatFormat, _ fields: RowFields
  ) throws(PreferenceError) -> (prompt: String, responses: [String], unwritten: [String]) {
    let asked = try text(of: prompt, asking: true, format, fields)
    var shared = Array(asked.utf8)[...]
    var texts: [[UInt8]] = []
    var unwritten = responses.isEmpty ? unwritten(of: prompt, asking: true, asked, format) : []
    for response in responses {
      let text = try self.text(of: prompt + response, asking: false, format, fields)
      if let name = (prompt + response).flatMap(\.calledTools).first(where: { !text.contains($0) })
      {
        throw .line(
          path: fields.path, line: fields.line,
          problem:
            "\(format.name) does not write the call of `\(name)`, so that responses which differ "
            + "in it would be alike; use another template, or render the texts yourself")
      }
      let whole = Array(text.utf8)
      unwritten += self.unwritten(of: prompt + response, asking: false, text, format)
        .filter { !unwritten.contains($0) }
      for (index, message) in response.enumerated() where message.role == "assistant" {
        let place = prompt.count + index
        guard isDropped(place, of: prompt + response, asking: false, whole, format) else {
          continue
        }
        throw .line(
          path: fields.path, line: fields.line,
          problem: "\(format.name) does not write what the assistant says, so that all responses "
            + "would be alike; use another template, or render the texts yourself")
      }
      if !whole.starts(with: asked.utf8) {
        guard whole.starts(with: try self.text(of: prompt, asking: false, format, fields).utf8)
        else {
          throw .line(
            path: fields.path, line: fields.line,
            problem: "\(format.name) writes the prompt otherwise when a response follows, so that "
              + "nothing says where the response begins; use another template, or render the texts "
              + "yourself")
        }
        shared = shared.prefix(zip(shared, whole).prefix { $0 == $1 }.count)
      }
      texts.append(whole)
    }
    // Not within a character.
    func isCut(_ text: [UInt8]) -> Bool {
      text.count > shared.count && text[shared.count] & 0xC0 == 0x80
    }
    while !shared.isEmpty, texts.contains(where: isCut) { shared.removeLast() }
    return (
      String(decoding: shared, as: UTF8.self),
      texts.map { String(decoding: $0.dropFirst(shared.count), as: UTF8.self) }, unwritten
    )
  }

  private func text(
    of messages: [Message], asking: Bool, _ format: ChatFormat, _ fields: RowFields
  ) throws(PreferenceError) -> String {
    do { return try format.render(messages.map(\.json), tools, asking) } catch {
      throw .line(
        path: fields.path, line: fields.line,
        problem: "\(format.name) does not render it: \(error)")
    }
  }

  private func isText(
    _ text: [UInt8], of messages: [Message], asking: Bool, _ format: ChatFormat
  ) -> Bool {
    (try? format.render(messages.map(\.json), tools, asking))?.utf8.elementsEqual(text) ?? false
  }

  /// Whether the text is the same, whatever one of the messages says.
  private func isDropped(
    _ place: Int, of messages: [Message], asking: Bool, _ text: [UInt8], _ format: ChatFormat
  ) -> Bool {
    guard !messages[place].isSaid(in: text) else { return false }
    var others = messages
    others[place] = messages[place].changed(content: "something else")
    return isText(text, of: others, asking: asking, format)
  }

  /// What of messages is not in their text: keys such as `reasoning_content`, and what roles say.
  private func unwritten(
    of messages: [Message], asking: Bool, _ text: String, _ format: ChatFormat
  ) -> [String] {
    let text = Array(text.utf8)
    var unwritten: [String] = []
    for (place, message) in messages.enumerated() {
      let name = "what `\(message.role)` says"
      if !unwritten.contains(name),
        isDropped(place, of: messages, asking: asking, text, format)
      {
        unwritten.append(name)
      }
    }
    func isUnused(_ keys: Set<String>) -> Bool {
      let others = messages.map { $0.changed(removing: keys) }
      return isText(text, of: others, asking: asking, format)
    }
    let keys = Set(messages.flatMap(\.otherKeys))
    let isAnyUsed = !keys.isEmpty && !isUnused(keys)
    for key in keys.sorted() where !isAnyUsed || isUnused([key]) {
      unwritten.append("the key `\(key)` of messages")
    }
    return unwritten
  }
}
