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
  /// Whether it says nothing and calls nothing.
  /// The names of the functions that it calls.
  var calledTools: [String] {
    (json.object?["tool_calls"]?.array ?? []).compactMap { call in
      (call.object?["function"] ?? call).object?["name"]?.string
    }
  }

  var isEmpty: Bool { content.allSatisfy(\.isWhitespace) && json.object?["tool_calls"] == nil }

  init(role: String, content: String) {
    self.init(["role": .string(role), "content": .string(content)], role, content)
  }

  private init(_ object: JSONObject, _ role: String, _ content: String) {
    (self.role, self.content, json) = (role, content, .object(object))
  }

  /// Equal means byte for byte: texts that look alike may differ in tokens.
  static func == (first: Message, second: Message) -> Bool {
    guard let a = try? first.json.text(), let b = try? second.json.text() else { return false }
    return a.utf8.elementsEqual(b.utf8)
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

  private static func message(
    _ value: JSONValue, _ key: String, _ fields: RowFields
  ) throws(PreferenceError) -> Message {
    guard var object = value.object else {
      throw fields.failure(
        key, "is \(value.kind); a message is an object with `role` and `content`")
    }
    if object["role"] == nil, let from = object["from"]?.string {
      let roles = ["human": "user", "gpt": "assistant"]
      object = JSONObject(
        [("role", .string(roles[from] ?? from)), ("content", object["value"] ?? .null)]
          + object.members.filter { !["from", "value"].contains($0.key) }.map { ($0.key, $0.value) }
      )
    }
    guard let role = object["role"]?.string, !role.isEmpty else {
      throw fields.failure(key, "each message needs a `role`, a string such as `user`")
    }
    if (object["function_call"] ?? .null) != .null {
      throw fields.failure(key, "has a `function_call`, an older form; write it as `tool_calls`")
    }
    let callsTools = (object["tool_calls"] ?? .null) != .null
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
  func rendered(
    by format: ChatFormat, _ fields: RowFields
  ) throws(PreferenceError) -> (prompt: String, responses: [String]) {
    func render(_ messages: [Message], asking: Bool) throws(PreferenceError) -> String {
      do { return try format.render(messages.map(\.json), tools, asking) } catch {
        throw .line(
          path: fields.path, line: fields.line,
          problem: "\(format.name) does not render it: \(error)")
      }
    }
    let asked = try render(prompt, asking: true)
    var shared = Array(asked.utf8)[...]
    var texts: [[UInt8]] = []
    for response in responses {
      let text = try render(prompt + response, asking: false)
      if let name = (prompt + response).flatMap(\.calledTools).first(where: { !text.contains($0) })
      {
        throw .line(
          path: fields.path, line: fields.line,
          problem:
            "\(format.name) does not write the call of `\(name)`, so that responses which differ "
            + "in it would be alike; use another template, or render the texts yourself")
      }
      let whole = Array(text.utf8)
      if !whole.starts(with: asked.utf8) {
        guard whole.starts(with: try render(prompt, asking: false).utf8) else {
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
      texts.map { String(decoding: $0.dropFirst(shared.count), as: UTF8.self) }
    )
  }
}
