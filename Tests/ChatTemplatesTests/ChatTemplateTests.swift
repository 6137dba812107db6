import Formats
import Foundation
import TestSupport
import Testing

@testable import LanguageModels

private let user: [JSONObject] = [["role": .string("user"), "content": .string("hi")]]

private func render(_ template: String, _ messages: [JSONObject] = user) throws -> String {
  try ChatTemplate(template, name: "t.jinja").render(messages: messages)
}

private func failure(_ template: String) throws -> ChatTemplateError {
  let error = #expect(throws: ChatTemplateError.self) { try render(template) }
  return try #require(error)
}

@Suite struct ChatTemplateTests {
  @Test("errors have the kind, the template and the line")
  func errors() throws {
    let syntax = try failure("a\n{% if x %}\nb")
    #expect(syntax.kind == .syntax)
    #expect("\(syntax)".contains("t.jinja:3: not a chat template: the template ends inside `if`"))
    let unsupported = try failure("\n\n{{ x | groupby('y') }}")
    #expect(unsupported.kind == .unsupported)
    #expect("\(unsupported)".contains("t.jinja:3: the filter `groupby` is not supported"))
    let refused = try failure(
      "{% for m in messages %}\n{{ raise_exception('no ' ~ m.role) }}{% endfor %}")
    #expect(refused.kind == .refused && refused.line == 2 && refused.problem == "no user")
    let failed = try failure("{% macro f(x) %}\n\n{{ x.y.z }}{% endmacro %}\n{{ f({}) }}")
    #expect(failed.kind == .failed && failed.line == 3)
    #expect(failed.problem.contains("no attribute `y`"))
    for tag in ["include 'x'", "extends 'x'", "import 'x' as y", "block b"] {
      #expect(try failure("{% \(tag) %}").kind == .unsupported)
    }
    #expect(try failure("{{ messages[0].update({}) }}").kind == .failed)
    #expect(try failure("{{ [].append(1) }}").kind == .failed)
    #expect(throws: ChatTemplateError.self) { try render("x", []) }
  }

  @Test(
    "hostile templates are refused, on a small stack, without much time or space",
    arguments: [
      "{{ " + String(repeating: "(", count: 5000) + "1",
      "{{ " + String(repeating: "not ", count: 5000) + "1 }}",
      "{{ 1" + String(repeating: "+1", count: 5000) + " }}",
      "{{ x" + String(repeating: ".a", count: 5000) + " }}",
      String(repeating: "{% if 1 %}", count: 5000),
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      "{% macro f(a=f()) %}{% endmacro %}{{ f() }}",
      "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
      "{% macro f() %}{% for i in [1] %}{% set x %}{{ [[[f()]]] }}{% endset %}{% endfor %}"
        + "{% endmacro %}{{ f() }}",
      "{{ range(10**9) }}",
      "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
      "{% set n = namespace(s='a') %}{% for i in range(99) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
      "{% set n = namespace(s=[1]) %}{% for i in range(99) %}{% set n.s = [n.s, n.s] %}{% endfor %}"
        + "{{ n.s }}",
      "{% set n = namespace(s=[1]) %}{% for i in range(9999) %}{% set n.s = [n.s] %}{% endfor %}",
      "{% set n = namespace(s=[1]) %}{% for i in range(9999) %}{% set n.s = n.s|map('int') %}"
        + "{% endfor %}",
      "{% set n = namespace() %}{% set n.s = n %}",
      "{{ 'a' * 10**12 }}", "{{ [1] * 10**10 }}", "{{ 10**100000000 }}", "{{ 'a'|center(10**12) }}",
      "{{ [[1]]|tojson(indent=10**12) }}", "{% set a = 'a' * 999999 %}{{ a|replace('a', a) }}",
      "{{ -9223372036854775807 - 2 }}", "{{ 1 // 0 }}", "{{ '%.9999f' % 1.0 }}", "{{ '\\ud800' }}",
    ])
  func hostile(template: String) async throws {
    let error = await withCheckedContinuation { continuation in
      let thread = Thread {
        let error = #expect(throws: ChatTemplateError.self) { try render(template) }
        continuation.resume(returning: error)
      }
      thread.stackSize = isSanitized ? 4 << 20 : 512 << 10
      thread.start()
    }
    #expect(error != nil)
  }

  @Test("nesting within the bounds fits on a small stack")
  func deepest() async {
    let template =
      "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(30) }}"
      + String(repeating: "{% if 1 %}", count: 31) + "{{ " + String(repeating: "[", count: 30)
      + String(repeating: "]", count: 30) + " }}" + String(repeating: "{% endif %}", count: 31)
    let result = await withCheckedContinuation { continuation in
      let thread = Thread { continuation.resume(returning: Result { try render(template) }) }
      thread.stackSize = isSanitized ? 4 << 20 : 512 << 10
      thread.start()
    }
    let text = try? result.get()
    #expect(text?.hasSuffix(String(repeating: "]", count: 30)) == true, "\(result)")
  }

  @Test("the time is that of the call")
  func time() throws {
    let template = try ChatTemplate("{{ strftime_now('%Y %j') }}", name: "t")
    let noon = Date(timeIntervalSince1970: 86_400 * 100.5)
    #expect(try template.render(messages: user, now: noon) == "1970 101")
  }

  @Test("null is absent, and thoughts go by each of their names, as in transformers")
  func messages() throws {
    let message: JSONObject = [
      "role": .string("assistant"), "content": .null, "reasoning": .string("why"),
    ]
    #expect(
      try render("{{ messages[0] | tojson }}", [message])
        == #"{"thinking": "why", "role": "assistant", "reasoning": "why", "reasoning_content": "why"}"#
    )
  }
}

@Suite struct ChatTemplateFileTests {
  private func withDirectory(_ files: [String: String], _ body: (URL) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory
      .appending(path: "ChatTemplatesTests-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    for (name, text) in files {
      let file = directory.appending(path: name)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
    try body(directory)
  }

  private func source(_ files: [String: String], forTools: Bool = false) throws -> String {
    var source = ""
    try withDirectory(files) {
      source = try ChatTemplates(directory: $0).template(forTools: forTools).source
    }
    return source
  }

  @Test("files come before tokenizer_config.json, whose template is a text or a list")
  func precedence() throws {
    let listed =
      #"{"chat_template": [{"name": "default", "template": "D"}, {"name": "tool_use", "template": "T"}]}"#
    #expect(try source(["tokenizer_config.json": #"{"chat_template": "S"}"#]) == "S")
    #expect(try source(["tokenizer_config.json": listed]) == "D")
    #expect(try source(["tokenizer_config.json": listed], forTools: true) == "T")
    let file = ["tokenizer_config.json": listed, "chat_template.jinja": "F"]
    #expect(try source(file) == "F")
    #expect(try source(file, forTools: true) == "F", "the list is not read beside a file")
    let both = ["chat_template.jinja": "F", "chat_templates/tool_use.jinja": "U"]
    #expect(try source(both, forTools: true) == "U")
    #expect(try source(both) == "F")
  }

  @Test("what is missing or wrong is said with the file and the key")
  func wrong() throws {
    try withDirectory(["tokenizer_config.json": "{}"]) {
      let templates = try ChatTemplates(directory: $0)
      #expect(templates.isEmpty)
      let error = #expect(throws: ChatTemplateError.self) { try templates.template() }
      #expect("\(try #require(error))".contains("has no chat template"))
    }
    try withDirectory(["chat_templates/rag.jinja": "R"]) {
      let templates = try ChatTemplates(directory: $0)
      let error = #expect(throws: ChatTemplateError.self) { try templates.template() }
      #expect("\(try #require(error))".contains("rag"))
    }
    for (settings, expected) in [
      (#"{"chat_template": 5}"#, "key `chat_template`: is a number"),
      (#"{"chat_template": [{"name": "default"}]}"#, "key `chat_template[0]`"),
      ("{", "is not JSON"),
    ] {
      try withDirectory(["tokenizer_config.json": settings]) { directory in
        let error = #expect(throws: ChatTemplateError.self) {
          try ChatTemplates(directory: directory)
        }
        let message = "\(try #require(error))"
        #expect(message.contains(expected) && message.contains("tokenizer_config.json"))
      }
    }
  }
}
