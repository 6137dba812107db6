import Formats
import Foundation
import Testing

@testable import LanguageModels

/// The file that `script/make_chat_fixtures.py` made with `transformers`.
private struct Fixtures {
  static let directory = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures")

  let document: JSONObject
  let special: JSONObject

  init() throws {
    let data = try Data(contentsOf: Self.directory.appending(path: "cases.json"))
    document = try #require(try JSONValue(parsing: data).object)
    special = try #require(document["special"]?.object)
  }

  /// The texts, `nil` where `transformers` raises, by what names the case.
  func compare(
    _ template: String, _ row: JSONObject, variables: JSONObject, with expected: JSONValue?
  ) throws {
    var all = special
    for member in variables.members { all[member.key] = member.value }
    let messages = (row["messages"]?.array ?? []).compactMap(\.object)
    let rendered = Result { () throws(ChatTemplateError) in
      try ChatTemplate(template, name: "t").render(
        messages: messages, tools: row["tools"]?.array,
        addGenerationPrompt: row["add_generation_prompt"] == .bool(true), variables: all)
    }
    let text = try? rendered.get()
    #expect(
      text.map { Array($0.utf8) } == expected?.string.map { Array($0.utf8) },
      "\(template.prefix(60)): \(rendered)")
  }
}

@Suite struct ChatTemplateFixtureTests {
  @Test("every construct renders as in transformers")
  func constructs() throws {
    let fixtures = try Fixtures()
    let cases = try #require(fixtures.document["constructs"]?.array)
    let variables = try #require(fixtures.document["variables"]?.object)
    let row: JSONObject = [
      "messages": fixtures.document["messages"] ?? .null, "add_generation_prompt": .bool(true),
    ]
    #expect(cases.count > 80)
    for construct in cases.compactMap(\.object) {
      let template = try #require(construct["template"]?.string)
      try fixtures.compare(template, row, variables: variables, with: construct["text"])
    }
  }

  @Test(
    "templates as models have them render as in transformers, and refuse where it does",
    arguments: [
      "breeze", "gems", "headers", "instructions", "modes", "thinking", "turns",
    ])
  func family(name: String) throws {
    let fixtures = try Fixtures()
    let file = Fixtures.directory.appending(path: "families/\(name).jinja")
    let template = try String(contentsOf: file, encoding: .utf8)
    let cases = try #require(fixtures.document["families"]?.object?[name]?.array)
    #expect(cases.count >= 10)
    for row in cases.compactMap(\.object) {
      try fixtures.compare(
        template, row, variables: row["variables"]?.object ?? [:], with: row["text"])
    }
  }
}
