package import Formats
package import Foundation

/// A chat template as `transformers`' `apply_chat_template` renders it: Jinja2 in an immutable
/// sandbox with `trim_blocks`, `lstrip_blocks`, `break` and `continue`.
///
/// A part of Jinja2 that is not implemented is refused with its line, so that a text that is
/// rendered equals that of `transformers`. Work, nesting and size are bounded.
package struct ChatTemplate: Sendable {
  /// The file, or what else messages call the template.
  package let name: String
  package let source: String
  private let statements: [TemplateStatement]

  /// - Throws: ``ChatTemplateError`` with the line of what cannot be read.
  package init(_ source: String, name: String) throws(ChatTemplateError) {
    self.name = name
    self.source = source
    do {
      var parser = try TemplateParser(source)
      statements = try parser.template()
    } catch {
      throw error.located(in: name, line: nil)
    }
  }

  /// The conversation as text, special tokens included.
  ///
  /// As in `transformers`, keys of a message whose value is null are absent, and `reasoning_content`
  /// and `thinking` stand for each other.
  ///
  /// - Parameters:
  ///   - messages: at least one, each with `role` and mostly `content`.
  ///   - tools: the JSON schemas of functions that the model may call.
  ///   - addGenerationPrompt: whether the text ends where the assistant begins.
  ///   - variables: what else the template may name, such as `bos_token`.
  ///   - now: the time of `strftime_now`.
  /// - Throws: ``ChatTemplateError``, of kind `refused` when the template raises an exception itself.
  package func render(
    messages: [JSONObject], tools: [JSONValue]? = nil, addGenerationPrompt: Bool = false,
    variables: JSONObject = [:], now: Date = Date()
  ) throws(ChatTemplateError) -> String {
    if messages.isEmpty {
      throw ChatTemplateError.failed("a conversation needs at least one message")
        .located(in: name, line: nil)
    }
    let conversation = JSONValue.array(messages.map { .object(Self.normalized($0)) })
    let tools = tools.map(JSONValue.array) ?? .null
    let size = Self.size(conversation) + Self.size(tools) + Self.size(.object(variables))
    let renderer = TemplateRenderer(work: 5_000_000 + 400 * size, now: now)
    let scope = TemplateScope()
    defer { scope.variables = [:] }  // macros refer to it, and it to them
    do {
      for member in variables.members {
        scope.variables[member.key] = try TemplateValue(member.value)
      }
      scope.variables["messages"] = try TemplateValue(conversation)
      scope.variables["tools"] = try TemplateValue(tools)
      scope.variables["documents"] = TemplateValue.none
      scope.variables["add_generation_prompt"] = .bool(addGenerationPrompt)
      var output: TemplateText = []
      _ = try renderer.run(statements, in: scope, into: &output)
      return String(output)
    } catch {
      throw error.located(in: name, line: renderer.line)
    }
  }

  private static func normalized(_ message: JSONObject) -> JSONObject {
    var members = message.members.filter { $0.value != .null }.map { ($0.key, $0.value) }
    let names = ["reasoning_content", "thinking", "reasoning"]
    let reasoning = names.lazy.compactMap { name in members.first { $0.0 == name }?.1 }.first
    guard let reasoning else { return JSONObject(members) }
    if let index = members.firstIndex(where: { $0.0 == "thinking" }) {
      members.insert(members.remove(at: index), at: 0)
    } else {
      members.insert(("thinking", reasoning), at: 0)
    }
    var object = JSONObject(members)
    object["reasoning_content"] = reasoning
    return object
  }

  /// About the number of code points of a value as text.
  private static func size(_ value: JSONValue) -> Int {
    switch value {
    case .string(let text): text.utf8.count
    case .array(let values): values.reduce(values.count) { $0 + size($1) }
    case .object(let object):
      object.members.reduce(0) { $0 + $1.key.utf8.count + 1 + size($1.value) }
    default: 1
    }
  }
}

/// The chat templates of a checkpoint's directory by name.
///
/// As in `transformers`, `chat_template.jinja` is `default`, each `chat_templates/NAME.jinja` is
/// NAME, and only where there is neither, `chat_template` of `tokenizer_config.json` counts: a text,
/// or a list of `name` and `template`.
package struct ChatTemplates: Sendable, Equatable {
  private struct Entry: Equatable {
    let place: String
    let source: String
  }

  private let directory: String
  private var entries: [String: Entry] = [:]

  /// - Throws: ``ChatTemplateError`` when a file cannot be read or is not UTF-8.
  package init(directory: URL) throws(ChatTemplateError) {
    self.directory = directory.path
    let single = directory.appending(path: "chat_template.jinja")
    if let text = try Self.text(of: single) {
      entries["default"] = Entry(place: single.path, source: text)
    }
    let folder = directory.appending(path: "chat_templates")
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for file in files.sorted() where file.hasSuffix(".jinja") {
      let url = folder.appending(path: file)
      if let text = try Self.text(of: url) {
        entries[String(file.dropLast(6))] = Entry(place: url.path, source: text)
      }
    }
    if entries.isEmpty { try readSettings(directory.appending(path: "tokenizer_config.json")) }
  }

  package var isEmpty: Bool { entries.isEmpty }
  package var names: [String] { entries.keys.sorted() }

  /// The template that `apply_chat_template` takes: with tools `tool_use` if there is one, else
  /// `default`.
  package func template(forTools: Bool = false) throws(ChatTemplateError) -> ChatTemplate {
    guard let entry = (forTools ? entries["tool_use"] : nil) ?? entries["default"] else {
      let problem =
        isEmpty
        ? "has no chat template; add chat_template.jinja, or give prompts as text"
        : "has the chat templates \(names.joined(separator: ", ")) and no `default`; name one so"
      throw ChatTemplateError(.file, problem).located(in: directory, line: nil)
    }
    return try ChatTemplate(entry.source, name: entry.place)
  }

  private mutating func readSettings(_ file: URL) throws(ChatTemplateError) {
    guard let text = try Self.text(of: file) else { return }
    func invalid(_ problem: String) -> ChatTemplateError {
      ChatTemplateError(.file, problem).located(in: file.path, line: nil)
    }
    let settings: JSONObject?
    do { settings = try JSONValue(parsing: text.utf8).object } catch {
      throw invalid("is not JSON: \(error); copy or save it again")
    }
    switch settings?["chat_template"] {
    case nil, .null?: return
    case .string(let source)?:
      entries["default"] = Entry(place: "\(file.path), chat_template", source: source)
    case .array(let templates)?:
      for (index, template) in templates.enumerated() {
        guard let name = template.object?["name"]?.string,
          let source = template.object?["template"]?.string
        else {
          throw invalid("key `chat_template[\(index)]`: needs `name` and `template`, both strings")
        }
        entries[name] = Entry(place: "\(file.path), chat_template \(name)", source: source)
      }
    case .some(let other):
      throw invalid(
        "key `chat_template`: is \(other.kind); write a string, or a list of name and template")
    }
  }

  /// `nil` when there is no such file.
  private static func text(of file: URL) throws(ChatTemplateError) -> String? {
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    let data: Data
    do { data = try readFile(file, atMost: LargestFile.ofModel) } catch {
      throw ChatTemplateError(.file, "\(error); check the file and its permissions")
        .located(in: file.path, line: nil)
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw ChatTemplateError(.file, "is not UTF-8; save it again").located(
        in: file.path, line: nil)
    }
    return text
  }
}
