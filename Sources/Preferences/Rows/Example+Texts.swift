import Formats

/// Prompt and responses from texts and messages, however they are mixed.
extension Example {
  /// - Parameter values: key and value of each response.
  mutating func readTexts(
    _ values: [(key: String, value: JSONValue)], _ fields: RowFields, _ format: ChatFormat
  ) throws(PreferenceError) {
    var given = try givenPrompt(fields)
    if given == nil { given = try promptMessages(values, fields) }
    let isConversation =
      try !opening(fields).isEmpty || fields.hasTools || fields.has("messages")
      || (given != nil && given?.string == nil) || values.contains { $0.value.string == nil }
    guard isConversation else {
      if let key = ["system", "history"].first(where: fields.isNamed), historyText(fields) == nil {
        remarks.append("`\(fields.name(key))` says nothing, and the texts are no messages")
      }
      return try readPlain(given?.string, values, fields)
    }
    var conversation = try conversation(given, values, fields)
    if fields.hasTools {
      conversation.tools = .array(try fields.list("tools", of: "tools"))
    } else if let tools = try request(fields)?["tools"]?.array, !tools.isEmpty {
      conversation.tools = .array(tools)
    }
    guard let last = conversation.prompt.last else {
      throw fields.failure("prompt", "is missing; add it with a text or messages")
    }
    if last.role == "assistant" {
      throw fields.failure(
        "prompt", "ends with a message of `assistant`; end it with the one that is answered")
    }
    let rendered = try conversation.rendered(by: format, fields)
    (prompt, responses) = (rendered.prompt, rendered.responses)
    remarks += rendered.unwritten.map { "\($0) is not written by \(format.name)" }
    hasEmptyResponse = conversation.responses.contains { $0.allSatisfy(\.isEmpty) }
    isRendered = format.isTemplate
    usesPlainFormat = !format.isTemplate
  }

  /// The prompt as the row gives it, its second part behind a blank line.
  private func givenPrompt(_ fields: RowFields) throws(PreferenceError) -> JSONValue? {
    var prompt = try fields.content("prompt")
    if let request = try request(fields) { prompt = request["messages"] ?? request["full_text"] }
    if let text = historyText(fields) {
      guard prompt == nil else {
        throw fields.failure(
          "history", "is a text and stands beside a prompt; write it as a list of turns")
      }
      prompt = .string(text)
    }
    guard let input = try fields.string("input"), !input.allSatisfy(\.isWhitespace) else {
      return prompt
    }
    guard let text = prompt?.string else {
      throw fields.failure("input", "stands beside messages; put it into them")
    }
    return .string(text.isEmpty ? input : "\(text)\n\n\(input)")
  }

  /// A prompt that is an object: with `messages` and `tools`, as a request to a server holds them, or with
  /// its `full_text` (WebGPT).
  private func request(_ fields: RowFields) throws(PreferenceError) -> JSONObject? {
    guard let object = try fields.content("prompt")?.object, object["role"] == nil,
      object["messages"]?.array != nil || object["full_text"]?.string != nil
    else { return nil }
    return object
  }

  /// Messages beside responses are the prompt, unless they end with an answer.
  private func promptMessages(
    _ values: [(key: String, value: JSONValue)], _ fields: RowFields
  ) throws(PreferenceError) -> JSONValue? {
    guard let key = values.first?.key, key != "messages",
      let messages = try fields.content("messages"), messages.array?.isEmpty == false
    else { return nil }
    let last = try Message.list("messages", messages, fields).last
    return last?.role == "assistant" ? nil : messages
  }

  /// A history that is no list of turns, but a text: it is the prompt.
  private func historyText(_ fields: RowFields) -> String? {
    guard let text = fields.value("history")?.string else { return nil }
    let isList = fields.isOfTable && text.hasPrefix("[")
    return isList || (try? JSONValue(parsing: text.utf8))?.array != nil ? nil : text
  }

  // MARK: - Texts

  private mutating func readPlain(
    _ prompt: String?, _ values: [(key: String, value: JSONValue)], _ fields: RowFields
  ) throws(PreferenceError) {
    let texts = values.compactMap(\.value.string)
    if let prompt {
      (self.prompt, responses) = (prompt, texts)
    } else if values.count == 2, form == .pair {
      // What two answers have in common is no prompt that somebody left out.
      guard !fields.isNamed("prompt") else {
        throw fields.failure(
          "prompt",
          "is null; write a text, or leave it out where the responses begin with the prompt")
      }
      let prompt = ImplicitPrompt.of(texts[0], texts[1])
      if !prompt.isEmpty, !ImplicitPrompt.isMarked(texts[0], texts[1]) {
        remarks.append("there is no prompt, and what both responses begin with is taken for it")
      }
      let length = prompt.unicodeScalars.count
      self.prompt = prompt
      responses = texts.map { String($0.unicodeScalars.dropFirst(length)) }
    } else {
      throw fields.failure("prompt", "is missing; add it with a text or messages")
    }
    if self.prompt.isEmpty { remarks.append("the prompt is empty") }
    hasEmptyResponse = responses.contains { $0.allSatisfy(\.isWhitespace) }
  }

  // MARK: - Messages

  /// Turns as arena files write them, a list of questions and of each side its answers: they become
  /// whole conversations, and lists of one turn texts.
  func readTurns(
    _ values: inout [(String, JSONValue)], _ fields: inout RowFields
  ) throws(PreferenceError) {
    func texts(_ key: String, _ value: JSONValue?) throws(PreferenceError) -> [String]? {
      var value = value
      if let text = value?.string, text.trimmingSpace.hasPrefix("[\"") {
        value = try? JSONValue(parsing: text.utf8)
      }
      guard let list = value?.array, let first = list.first, first.object == nil else { return nil }
      let texts = list.compactMap { $0 == .null ? "" : $0.string }
      guard texts.count == list.count else { throw fields.failure(key, "must be a list of texts") }
      return texts
    }
    guard let questions = try texts("prompt", fields.content("prompt")) else { return }
    var turns: [[String]] = []
    for (key, value) in values {
      guard let answers = try texts(key, value) else { return }
      guard answers.count == questions.count else {
        throw fields.failure(key, "must be a list of \(questions.count) texts, an answer to each")
      }
      turns.append(answers)
    }
    guard questions.count > 1 else {
      fields.object["prompt"] = .string(questions[0])
      for place in values.indices { values[place].1 = .string(turns[place][0]) }
      return
    }
    fields.object["prompt"] = nil
    for place in values.indices {
      values[place].1 = .array(
        zip(questions, turns[place]).flatMap {
          [Message(role: "user", content: $0).json, Message(role: "assistant", content: $1).json]
        })
    }
  }

  /// Leaves out what follows the first turns of the user and the answers to them.
  func cut(
    _ values: inout [(String, JSONValue)], behind turns: Double, _ fields: RowFields
  ) throws(PreferenceError) {
    for (place, (key, value)) in values.enumerated() where value.array != nil {
      let messages = try Message.list(key, value, fields)
      let starts = messages.indices.filter { messages[$0].role == "user" }
      guard turns >= 1, turns <= Double(starts.count) else {
        throw fields.failure(
          "turn", "is \(turns), and `\(key)` has \(starts.count); name one of them")
      }
      let end = Int(turns) < starts.count ? starts[Int(turns)] : messages.count
      values[place].1 = .array(messages[..<end].map(\.json))
    }
  }

  private func conversation(
    _ given: JSONValue?, _ values: [(key: String, value: JSONValue)], _ fields: RowFields
  ) throws(PreferenceError) -> Conversation {
    let opening = try opening(fields)
    var responses: [[Message]] = []
    for (key, value) in values {
      if let text = value.string {
        responses.append([Message(role: "assistant", content: text)])
      } else {
        responses.append(try Message.list(key, value, fields))
      }
    }
    let keys = values.map(\.key)
    var conversation: Conversation
    switch given {
    case .string(let text):
      guard !ImplicitPrompt.isRendered(text) else {
        throw fields.failure(
          "prompt",
          "ends where an answer begins, and is a message here, beside messages, `system`, `history` or "
            + "`tools`; leave those out, or give it as messages, too")
      }
      conversation = try split(responses, keys, behind: text, fields)
    case let messages?:
      let prompt = try Message.list("prompt", messages, fields)
      conversation = Conversation(
        prompt: prompt,
        responses: responses.map {
          $0.starts(with: prompt) ? Array($0.dropFirst(prompt.count)) : $0
        })
    case nil:
      if values.isEmpty, let messages = try fields.content("messages") {
        conversation = try promptAlone(Message.list("messages", messages, fields))
      } else if values.isEmpty {
        conversation = Conversation(prompt: [], responses: [])
      } else {
        conversation = split(responses)
      }
    }
    for (key, response) in zip(keys, conversation.responses) {
      if let role = response.last?.role, role == "user" || role == "system" {
        throw fields.failure(
          key, "ends with a message of `\(role)`; end it with the answer that is judged")
      }
      guard response.first?.role != "assistant" else { continue }
      throw fields.failure(
        key,
        response.isEmpty
          ? "holds no response behind the prompt; end it with a message of `assistant`"
          : "has a message of `\(response[0].role)` where the response begins; begin it with one of "
            + "`assistant`, or repeat exactly the messages of the prompt before it")
    }
    if !opening.isEmpty {
      if opening[0].role == "system", conversation.prompt.first?.role == "system" {
        guard opening[0] == conversation.prompt[0] else {
          throw fields.failure(
            "system", "stands beside another message of `system`; give one of them")
        }
        conversation.prompt.removeFirst()
      }
      conversation.prompt = opening + conversation.prompt
    }
    return conversation
  }

  /// What the columns `system` and `history` say comes first.
  private func opening(_ fields: RowFields) throws(PreferenceError) -> [Message] {
    var messages: [Message] = []
    if let system = try fields.string("system"), !system.allSatisfy(\.isWhitespace) {
      messages.append(Message(role: "system", content: system))
    }
    guard fields.has("history"), historyText(fields) == nil else { return messages }
    for (index, turn) in try fields.list("history", of: "turns").enumerated() {
      guard let pair = turn.array else {
        messages += try Message.list("history[\(index)]", turn, fields)
        continue
      }
      let texts = pair.compactMap(\.string)
      guard texts.count == pair.count, texts.count == 2 else {
        throw fields.failure("history[\(index)]", "must be a question and its answer, both texts")
      }
      messages.append(Message(role: "user", content: texts[0]))
      messages.append(Message(role: "assistant", content: texts[1]))
    }
    return messages
  }

  /// Conversations behind a text, which is the user's last turn.
  private func split(
    _ whole: [[Message]], _ keys: [String], behind text: String, _ fields: RowFields
  ) throws(PreferenceError) -> Conversation {
    var prompt: [Message]?
    var responses: [[Message]] = []
    for (messages, key) in zip(whole, keys) {
      var before: [Message]?
      if let last = messages.lastIndex(where: { $0.role == "user" }) {
        guard messages[last].content.trimmingSpace.utf8.elementsEqual(text.trimmingSpace.utf8)
        else {
          throw fields.failure(
            key,
            "its last message of `user` is not `\(fields.name("prompt"))`; make them "
              + "the same, or leave one of them out")
        }
        before = Array(messages[...last])
        responses.append(Array(messages[(last + 1)...]))
      } else if messages.first?.role == "system" {
        before = [messages[0], Message(role: "user", content: text)]
        responses.append(Array(messages.dropFirst()))
      } else {
        responses.append(messages)
      }
      if let before {
        guard prompt == nil || prompt == before else {
          throw fields.failure(
            key, "has other messages before the response than `\(keys[0])`; give both one prompt")
        }
        prompt = before
      }
    }
    return Conversation(
      prompt: prompt ?? [Message(role: "user", content: text)], responses: responses)
  }

  /// Whole conversations without a prompt of their own: it is what they have in common, up to a
  /// message of `assistant`; of one, all but its last answer.
  private func split(_ whole: [[Message]]) -> Conversation {
    let shortest = whole.map(\.count).min() ?? 0
    var count = 0
    if whole.count > 1 {
      while count < shortest, whole.allSatisfy({ $0[count] == whole[0][count] }) { count += 1 }
    } else {
      count = shortest
    }
    func isBeginning(_ place: Int) -> Bool {
      whole.allSatisfy { place < $0.count && $0[place].role == "assistant" }
        && (place == 0 || whole[0][place - 1].role != "assistant")
    }
    // An answer may call a tool before it speaks: it begins behind the user's turn.
    while count > 0, !isBeginning(count) || isAnswered(whole[0][..<count]) { count -= 1 }
    return Conversation(
      prompt: Array((whole.first ?? [])[..<count]),
      responses: whole.map { Array($0[count...]) })
  }

  /// Whether an answer has begun at the end of some messages.
  private func isAnswered(_ messages: ArraySlice<Message>) -> Bool {
    messages.last.map { $0.role == "assistant" || $0.role == "tool" } ?? false
  }

  /// A conversation as a prompt: without an answer at its end.
  private func promptAlone(_ messages: [Message]) -> Conversation {
    let end = messages.lastIndex { $0.role != "assistant" && $0.role != "tool" } ?? -1
    return Conversation(prompt: Array(messages.prefix(end + 1)), responses: [])
  }
}

extension RowFields {
  /// Whether messages end with an answer, or are judged as if they did.
  var endsWithAnswer: Bool {
    get throws(PreferenceError) {
      guard let messages = try content("messages"), messages.array?.isEmpty == false else {
        return false
      }
      if has("rating") || has("label") { return true }
      return try Message.list("messages", messages, self).last?.role == "assistant"
    }
  }
}
