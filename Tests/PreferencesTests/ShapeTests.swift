import Formats
import Foundation
import Statistics
import Testing

@testable import Preferences

/// One example in every shape that files write it in.
private struct Original {
  var system: String?
  var earlier: [(user: String, assistant: String)] = []
  let question: String
  let chosen: String
  let rejected: String

  private static let words = ["soup", "was", "warm", "\"fresh\"", "not, cold", "é", "line\nbreak"]

  init(_ generator: inout SeededGenerator) {
    func text() -> String {
      (0..<(1 + generator.index(below: 4))).map { _ in
        Self.words[generator.index(below: Self.words.count)]
      }.joined(separator: " ")
    }
    if generator.index(below: 2) == 0 { system = text() }
    for _ in 0..<generator.index(below: 3) { earlier.append((text(), text())) }
    question = text()
    chosen = "good " + text()
    rejected = "bad " + text()
  }

  private static func message(_ role: String, _ content: String) -> JSONValue {
    .object(["role": .string(role), "content": .string(content)])
  }

  private static func text(_ messages: [JSONValue]) -> String {
    (try? JSONValue.array(messages).text()) ?? ""
  }

  private var opening: [JSONValue] {
    (system.map { [Self.message("system", $0)] } ?? [])
      + earlier.flatMap {
        [Self.message("user", $0.user), Self.message("assistant", $0.assistant)]
      }
  }
  private var prompt: [JSONValue] { opening + [Self.message("user", question)] }
  private func answer(_ text: String) -> [JSONValue] { [Self.message("assistant", text)] }

  /// The row by the name of its shape.
  var shapes: [(name: String, row: JSONObject)] {
    let (good, bad) = (answer(chosen), answer(rejected))
    let history = earlier.map { JSONValue.array([.string($0.user), .string($0.assistant)]) }
    let parts = JSONValue.array([.object(["type": .string("text"), "text": .string(question)])])
    var shapes: [(String, JSONObject)] = [
      ("explicit", ["prompt": .array(prompt), "chosen": .array(good), "rejected": .array(bad)]),
      ("implicit", ["chosen": .array(prompt + good), "rejected": .array(prompt + bad)]),
      (
        "repeated",
        [
          "prompt": .array(prompt), "chosen": .array(prompt + good),
          "rejected": .array(prompt + bad),
        ]
      ),
      (
        "text and messages",
        [
          "prompt": .string(question), "chosen": .array(prompt + good),
          "rejected": .array(prompt + bad),
        ]
      ),
      (
        "messages and texts",
        ["prompt": .array(prompt), "chosen": .string(chosen), "rejected": .string(rejected)]
      ),
      (
        "parts",
        [
          "prompt": .array(
            opening + [.object(["role": .string("user"), "content": parts])]),
          "chosen": .array(good), "rejected": .array(bad),
        ]
      ),
      (
        "sides",
        [
          "prompt": .array(prompt), "response_0": .array(bad), "response_1": .array(good),
          "better_response_id": .int(1),
        ]
      ),
      (
        "conversations",
        [
          "conversation_a": .array(prompt + good), "conversation_b": .array(prompt + bad),
          "winner": .string("model_a"),
        ]
      ),
      (
        "from and value",
        [
          "conversations": .array(
            prompt.compactMap(\.object).map { message in
              let roles = ["user": "human", "assistant": "gpt"]
              let role = message["role"]?.string ?? ""
              return .object([
                "from": .string(roles[role] ?? role), "value": message["content"] ?? .null,
              ])
            }),
          "chosen": .object(["from": .string("gpt"), "value": .string(chosen)]),
          "rejected": .object(["from": .string("gpt"), "value": .string(rejected)]),
        ]
      ),
    ]
    shapes.append(
      (
        "messages in strings",
        [
          "prompt": .string(Self.text(prompt)), "chosen": .string(Self.text(prompt + good)),
          "rejected": .string(" " + Self.text(bad)),
        ]
      ))
    // Of columns that say nothing, plain texts stay plain.
    if system != nil || !earlier.isEmpty {
      shapes.append(
        (
          "columns",
          [
            "system": system.map { .string($0) } ?? .null, "history": .array(history),
            "question": .string(question), "chosen": .string(chosen),
            "rejected": .string(rejected),
          ]
        ))
    } else {
      shapes.append(
        (
          "text and answers",
          [
            "prompt": .string(question), "chosen": .array(good), "rejected": .array(bad),
          ]
        ))
    }
    return shapes
  }

  /// A row as a line of CSV, with its header; lists are JSON in their cells.
  static func csv(_ row: JSONObject) throws -> String {
    let cells = try row.members.map { member in
      let text = try member.value.string ?? (member.value == .null ? "" : member.value.text())
      return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
    return row.keys.joined(separator: ",") + "\r\n" + cells.joined(separator: ",") + "\r\n"
  }
}

@Suite("One example in many shapes")
struct ShapeTests {
  /// A template in the manner of ChatML.
  private static let template = ChatFormat(name: "a template") { messages, _, asks in
    messages.compactMap(\.object).map {
      "<|im_start|>\($0["role"]?.string ?? "")\n\($0["content"]?.string ?? "")<|im_end|>\n"
    }.joined() + (asks ? "<|im_start|>assistant\n" : "")
  }

  private func rows(
    _ text: String, _ name: String = "rows.jsonl", _ reading: RowReading = RowReading()
  ) throws -> [PreferenceRow] {
    let file = try TemporaryFile(text, name: name)
    return try PreferenceSource([file.url], as: reading).all
  }

  @Test("gives the same texts, in lines, lists and tables", arguments: [false, true])
  func shapes(isRendered: Bool) throws {
    let reading = RowReading(format: isRendered ? Self.template : .plain)
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<60 {
      let original = Original(&generator)
      var expected: [PreferenceRow]?
      for (name, row) in original.shapes {
        let text = try JSONValue.object(row).text()
        let list = try JSONValue.array([.object(row)]).text(.indented)
        let read = try [
          rows(text, "rows.jsonl", reading), rows(list, "rows.json", reading),
          rows(Original.csv(row), "rows.csv", reading),
        ]
        for (rows, kind) in zip(read, ["lines", "list", "table"]) {
          #expect(rows.count == 1)
          #expect(rows == expected ?? rows, "\(name), \(kind)")
          expected = expected ?? rows
        }
      }
      guard case .comparison(let pair) = try #require(expected?.first) else {
        Issue.record("no comparison")
        continue
      }
      #expect(pair.isRendered == isRendered)
      #expect(pair.prompt.hasSuffix(isRendered ? "<|im_start|>assistant\n" : "\nassistant:"))
      #expect(
        pair.chosen == (isRendered ? "\(original.chosen)<|im_end|>\n" : " \(original.chosen)\n"))
      #expect(pair.prompt.contains(original.question))
    }
  }

  @Test("a string that is an answer in JSON stays a text; messages that are not JSON are refused")
  func strings() throws {
    for answer in [
      #"{\"value\":3}"#, #"[{\"a\":1}]"#, #"{\"role\":\"cook\"}"#, "{content} is", "[{",
    ] {
      let read = try rows(#"{"prompt":"q","chosen":"\#(answer)","rejected":"b"}"#)
      #expect(read[0].prompt == "q" && read[0].responses[0].first == answer.first, "\(answer)")
    }
    let messages = #"[{\"role\":\"user\",\"content\":\"q\"}]"#
    let file = try TemporaryFile(#"{"messages":"\#(messages)"}"#)
    #expect(
      try PromptFile.read([file.url]).rows[0].content
        == .text("user: q\nassistant:", isRendered: false))
    let python = #"{"prompt":"[{'role': 'user', 'content': 'q'}]","chosen":"a","rejected":"b"}"#
    let error = #expect(throws: PreferenceError.self) { try rows(python) }
    #expect("\(try #require(error))".contains("key `prompt`: begins as a list or an object"))
    let tools = #"[{"name":"taste"}]"#
    let escaped = tools.replacing("\"", with: "\\\"")
    let both = try [tools, "\"\(escaped)\""].map {
      try rows(#"{"prompt":"q","chosen":"a","rejected":"b","tools":\#($0)}"#)
    }
    #expect(both[0] == both[1] && both[0][0].prompt.hasPrefix("tools: [{"))
  }

  @Test(
    "keys of messages that are not written are named, with their rows; the template gets them all")
  func messageKeys() throws {
    func row(_ more: String) -> String {
      #"{"prompt":[{"role":"system","content":"s"},{"role":"user","content":"q","name":"Ann"}],"#
        + #""chosen":[{"role":"assistant","content":"a"\#(more)}],"rejected":"b"}"#
    }
    let text = [row(""), row(#","reasoning_content":"so""#), row(#","reasoning_content":null"#)]
      .joined(separator: "\n")
    let thinking = ChatFormat(name: "a template") { messages, _, asks in
      messages.compactMap(\.object).filter { $0["role"] != .string("system") }.map {
        "[\($0["reasoning_content"]?.string ?? "")|\($0["content"]?.string ?? "")]"
      }.joined() + (asks ? "[" : "")
    }
    func notes(_ format: ChatFormat) throws -> [String] {
      let file = try TemporaryFile(text)
      var read: [PreferenceRow] = []
      let reports = try PreferenceSource([file.url], as: RowReading(format: format)).survey {
        read.append($0)
      }
      #expect(read[1].responses[0].contains("so") == format.isTemplate)
      return reports[0].columns.notes
    }
    #expect(
      try notes(thinking) == [
        "in 3 rows what `system` says is not written by a template",
        "in 3 rows the key `name` of messages is not written by a template",
      ])
    #expect(
      try notes(.plain) == [
        "in 3 rows the key `name` of messages is not written by the plain format, `role: content`",
        "in 1 rows the key `reasoning_content` of messages is not written by the plain format, "
          + "`role: content`",
      ])
  }

  @Test("a template that does not write the answer is refused; one that changes it is not")
  func droppedAnswers() throws {
    func template(_ answer: @escaping @Sendable (String) -> String) -> ChatFormat {
      ChatFormat(name: "a template") { messages, _, asks in
        messages.compactMap(\.object).map { message in
          let content = message["content"]?.string ?? ""
          let isAnswer = message["role"] == .string("assistant")
          return "<\(isAnswer ? answer(content) : content)>"
        }.joined() + (asks ? "<" : "")
      }
    }
    let row =
      #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a word"}],"label":1}"#
    for reading in [template { _ in "" }, template { _ in "yes" }] {
      let error = #expect(throws: PreferenceError.self) {
        try rows(row, "rows.jsonl", RowReading(format: reading))
      }
      #expect(
        "\(try #require(error))".contains("a template does not write what the assistant says"))
    }
    for answer in [{ $0.uppercased() }, { "\n\($0) " }] as [@Sendable (String) -> String] {
      #expect(try rows(row, "rows.jsonl", RowReading(format: template(answer))).count == 1)
    }
  }

  @Test("texts alone stay as they are, whatever their columns are called")
  func texts() throws {
    let expected = PreferenceRow.comparison(
      Comparison(prompt: "q", chosen: "a", rejected: "b"))
    for row in [
      #"{"prompt":"q","chosen":"a","rejected":"b"}"#,
      #"{"instruction":"q","input":"","chosen":"a","rejected":"b"}"#,
      #"{"question":"q","chosen":"a","rejected":"b","id":7}"#,
      #"{"prompt":"q","response_a":"a","response_b":"b","preference":"A"}"#,
      #"{"prompt":"q","response_1":"b","response_2":"a","preference":2}"#,
      #"{"history":"q","human_ref_A":"a","human_ref_B":"b","labels":1,"score_A":9,"score_B":3}"#,
      #"{"input":"q","answer_0":"b","answer_1":"a","label":1}"#,
      "prompt,chosen,rejected\nq,a,b\n", "rejected\tchosen\tquery\r\nb\ta\tq",
    ] {
      #expect(try rows(row, "rows") == [expected], "\(row)")
    }
    let joined = try rows(
      #"{"instruction":"do","input":"this","chosen":"a","rejected":"b"}"#)
    #expect(joined.map(\.prompt) == ["do\n\nthis"])
  }

  @Test("the prompt of messages ends behind the user's turn, also where answers begin alike")
  func implicitPrompt() throws {
    let user = #"{"role":"user","content":"q"}"#
    let call = #"{"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f"}}]}"#
    let tool = #"{"role":"tool","content":"t"}"#
    func answer(_ text: String) -> String { #"{"role":"assistant","content":"\#(text)"}"# }
    let pairs = try rows(
      """
      {"chosen":[\(user),\(answer("very good"))],"rejected":[\(user),\(answer("very bad"))]}
      {"chosen":[\(user),\(call),\(tool),\(answer("a"))],"rejected":[\(user),\(call),\(tool),\(answer("b"))]}
      {"chosen":[\(user),\(answer("a")),\(user),\(answer("b"))],"rejected":[\(user),\(answer("a")),\(user),\(answer("c"))]}
      """)
    #expect(
      pairs.map(\.prompt) == [
        "user: q\nassistant:", "user: q\nassistant:",
        "user: q\nassistant: a\nuser: q\nassistant:",
      ])
    #expect(pairs[0].responses == [" very good\n", " very bad\n"])
    #expect(
      pairs[1].responses[0]
        == " <tool_call>{\"name\":\"f\"}</tool_call>\ntool: t\nassistant: a\n")
  }

  @Test("roles of other tools are the usual ones, and an empty list of tool calls is none")
  func roles() throws {
    func row(_ user: String, _ calls: String) -> String {
      let answer = #"{"role":"gpt","content":"a"\#(calls)}"#
      let empty = #"{"role":"assistant","content":null\#(calls)}"#
      return #"{"prompt":[{"role":"\#(user)","content":"q"}],"chosen":[\#(answer)],"rejected":"#
        + "[\(empty)]}"
    }
    func survey(_ text: String) throws -> DataSurvey {
      let file = try TemporaryFile(text)
      return try DataSurvey(of: file.url, as: RowReading())
    }
    for user in ["user", "human", "prompter"] {
      let survey = try survey(row(user, ""))
      #expect(survey.kinds.map(\.kind) == ["left out: an empty response"])
      #expect(survey.shown.map(\.prompt) == ["user: q\nassistant:"])
    }
    #expect(
      try survey(row("user", #","tool_calls":[]"#)).kinds.map(\.kind)
        == ["left out: an empty response"])
  }

  @Test("a conversation that ends with the user has no answer to judge")
  func endsWithUser() throws {
    let user = #"{"role":"user","content":"q"}"#
    let answer = #"{"role":"assistant","content":"a"}"#
    for row in [
      #"{"messages":[\#(user),\#(answer),\#(user)],"label":true}"#,
      #"{"prompt":[\#(user)],"completion":[\#(answer),\#(user)],"rating":1}"#,
      #"{"chosen":[\#(user),\#(answer),\#(user)],"rejected":[\#(user),\#(answer)]}"#,
    ] {
      let error = #expect(throws: PreferenceError.self, "\(row)") { try rows(row) }
      #expect("\(try #require(error))".contains("ends with a message of `user`"))
    }
  }

  @Test("a prompt that a template has written is no message, and an empty list of tools is none")
  func renderedPromptAsMessage() throws {
    let rest = #""chosen":"a","rejected":"b""#
    for prompt in [
      #"\n\nHuman: q\n\nAssistant:"#, #"<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n"#,
    ] {
      #expect(try rows(#"{"prompt":"\#(prompt)","tools":[],\#(rest)}"#).count == 1)
      let error = #expect(throws: PreferenceError.self) {
        try rows(#"{"prompt":"\#(prompt)","system":"s",\#(rest)}"#)
      }
      #expect("\(try #require(error))".contains("ends where an answer begins"))
    }
    let user = #"{"role":"user","content":"q"}"#
    #expect(
      try rows(#"{"prompt":[\#(user)],"tools":"[]",\#(rest)}"#)
        == rows(#"{"prompt":[\#(user)],\#(rest)}"#))
    // What says nothing changes nothing.
    for nothing in [
      #""system":null"#, #""system":" ""#, #""history":[]"#, #""system":"","history":null"#,
    ] {
      let row = #"{"prompt":"q",\#(nothing),\#(rest)}"#
      #expect(try rows(row) == rows(#"{"prompt":"q",\#(rest)}"#))
      let file = try TemporaryFile(row)
      let notes = try DataSurvey(of: file.url, as: RowReading()).columns.notes
      #expect(
        notes.count == 1 && notes[0].contains("` says nothing, and the texts are no messages"))
    }
  }

  @Test("calls and results of tools in ShareGPT's roles are those of messages")
  func sharedRoles() throws {
    func row(_ call: String, _ result: String) -> String {
      #"{"conversations":[{"from":"human","value":"q"},\#(call),\#(result)],"chosen":{"from":"gpt","#
        + #""value":"a"},"rejected":{"from":"gpt","value":"b"}}"#
    }
    let shared = row(
      #"{"from":"function_call","value":"{\"name\":\"f\",\"arguments\":{}}"}"#,
      #"{"from":"observation","value":"t"}"#)
    let usual = row(
      #"{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{}}}]}"#,
      #"{"role":"tool","content":"t"}"#)
    #expect(try rows(shared) == rows(usual))
    let error = #expect(throws: PreferenceError.self) {
      try rows(shared.replacing(#"\"name\""#, with: #"\"call\""#))
    }
    #expect("\(try #require(error))".contains("no call in JSON"))
  }

  @Test(
    "the prompt of rendered texts ends where the answer is asked for, however alike answers begin",
    arguments: [
      "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant", "<s>[INST] q [/INST]",
      "\nHuman: q\nAssistant:", "\r\n\r\nHuman: q\r\n\r\nAssistant:", "POST: q\nTL;DR:",
      "USER: q ASSISTANT:", "<｜User｜>q<｜Assistant｜>", "Q: q\nA:",
    ])
  func renderedPrompt(prompt: String) throws {
    for start in ["\nIt was", " It was"] {
      #expect(ImplicitPrompt.of("\(prompt)\(start) good", "\(prompt)\(start) bad") == prompt)
    }
    #expect(ImplicitPrompt.of(prompt + "(a)", prompt + "(b)") == prompt)
  }

  @Test("tool calls count: a call beside an empty content is not nothing")
  func toolCalls() throws {
    func call(_ name: String, _ content: String) -> String {
      #"[{"role":"assistant",\#(content)"tool_calls":[{"id":"1","function":{"name":"\#(name)"}}]}]"#
    }
    let contents = [#""content":"","#, #""content":null,"#, ""]
    var read: [[PreferenceRow]] = []
    for content in contents {
      read.append(
        try rows(
          #"{"prompt":"q","chosen":\#(call("taste", content)),"rejected":\#(call("smell", content))}"#
        ))
    }
    #expect(read[0].count == 1 && read[0] == read[1] && read[1] == read[2])
    #expect(read[0][0].responses[0].contains("taste"))
    // A template that does not write them would make the two alike.
    let row =
      #"{"prompt":"q","chosen":\#(call("taste", "")),"rejected":\#(call("smell", ""))}"# + "\n"
    let error = try #require(throws: PreferenceError.self) {
      try rows(row, "rows", RowReading(format: Self.template))
    }
    #expect("\(error)".contains("a template does not write the call of `taste`"))
    let old =
      #"{"prompt":"q","chosen":[{"role":"assistant","content":"a","function_call":{"name":"f"}}],"rejected":"b"}"#
    let refused = try #require(throws: PreferenceError.self) { try rows(old) }
    #expect("\(refused)".contains("`function_call`"))
  }

  @Test(
    "messages that say something else than the prompt are refused with their key",
    arguments: [
      (
        #"{"prompt":"x","chosen":[{"role":"user","content":"y"},{"role":"assistant","content":"a"}],"rejected":"b"}"#,
        "chosen", "is not `prompt`"
      ),
      (
        #"{"instruction":"x","chosen":[{"role":"user","content":"x"},{"role":"assistant","content":"a"},{"role":"user","content":"y"},{"role":"assistant","content":"a"}],"rejected":"b"}"#,
        "chosen", "is not `instruction`"
      ),
      (
        #"{"prompt":[{"role":"user","content":"x"}],"chosen":[{"role":"user","content":"y"},{"role":"assistant","content":"a"}],"rejected":"b"}"#,
        "chosen", "`user` where the response begins"
      ),
      (
        #"{"chosen":[{"role":"user","content":"x"},{"role":"assistant","content":"a"}],"rejected":[{"role":"user","content":"y"},{"role":"assistant","content":"a"}]}"#,
        "chosen", "`user` where the response begins"
      ),
      (
        #"{"prompt":[{"role":"assistant","content":"x"}],"chosen":"a","rejected":"b"}"#, "prompt",
        "ends with a message of `assistant`"
      ),
      (
        #"{"prompt":[{"role":"user","content":[{"type":"image_url"}]}],"chosen":"a","rejected":"b"}"#,
        "prompt[0].content[0]", "of type `image_url`"
      ),
      (
        #"{"prompt":"x","chosen":[{"role":"assistant"}],"rejected":"b"}"#, "chosen[0]",
        "has neither `content` nor `tool_calls`"
      ),
      (#"{"prompt":[],"chosen":"a","rejected":"b"}"#, "prompt", "is an empty list"),
      (
        #"{"system":"s","prompt":[{"role":"system","content":"t"},{"role":"user","content":"x"}],"chosen":"a","rejected":"b"}"#,
        "system", "another message of `system`"
      ),
      (
        #"{"prompt":"p","history":"h","chosen":"a","rejected":"b"}"#, "history", "is a text"
      ),
    ])
  func contradictions(row: String, key: String, words: String) throws {
    let file = try TemporaryFile(row)
    let error = #expect(throws: PreferenceError.self) { try PreferenceSource(file.url).all }
    let message = "\(try #require(error))"
    #expect(
      message.contains("rows.jsonl:1: key `\(key)`: ") && message.contains(words), "\(message)")
  }

  @Test(
    "the prompt is what the template writes before every answer; one that rewrites it is refused")
  func templates() throws {
    let row = #"{"prompt":[{"role":"user","content":"q"}],"chosen":"a","rejected":"b"}"#
    // Asks for an answer without thoughts, and writes answers without them.
    let thinking = ChatFormat(name: "t") { messages, _, asks in
      messages.compactMap(\.object).map { "[\($0["content"]?.string ?? "")]" }.joined()
        + (asks ? "[<none>" : "")
    }
    guard case .comparison(let pair) = try rows(row, "rows", RowReading(format: thinking))[0] else {
      Issue.record("no comparison")
      return
    }
    #expect([pair.prompt, pair.chosen, pair.rejected] == ["[q][", "a]", "b]"])
    let rewriting = ChatFormat(name: "the template of t") { messages, _, asks in
      "\(messages.count)" + messages.compactMap { $0.object?["content"]?.string }.joined()
        + (asks ? ":" : "")
    }
    let file = try TemporaryFile(row)
    let error = #expect(throws: PreferenceError.self) {
      try PreferenceSource([file.url], as: RowReading(format: rewriting)).all
    }
    #expect("\(try #require(error))".contains("the template of t writes the prompt otherwise"))
  }
}
