import Foundation
import Testing

@testable import Preferences

@Suite("Layouts of files")
struct RowReaderTests {
  private func prompts(_ text: String, _ name: String) throws -> [String] {
    let file = try TemporaryFile(text, name: name)
    return try PromptFile.read([file.url]).rows.map {
      if case .text(let text, _) = $0.content { text } else { "ids" }
    }
  }

  @Test(
    "prompts are found in lines of text, lines of JSON, lists and tables, by their content",
    arguments: [
      ("a\n\nb\n", "p.txt"), ("a\r\nb\r\n", "p.txt"), ("\u{FEFF}a\nb", "p"),
      ("{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}", "p.txt"),
      ("\u{FEFF}{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}", "P.JSONL"),
      ("[{\"prompt\":\"a\"},\n\n {\"prompt\":\"b\"}]\n", "p.txt"),
      ("[\n  \"a\",\n  \"b\"\n]", "p.json"), ("[\"a\",\"b\"]", "p.jsonl"),
      ("prompt,id\na,1\nb,2", "p.csv"), ("id;prompt\n1;a\n2;b", "p.csv"),
      ("id\tquestion\n1\ta\n2\tb", "p.tsv"),
      ("{\"instruction\":\"a\",\"answer\":\"x\"}\n{\"instruction\":\"b\"}", "p.jsonl"),
      ("a\rb\r", "p.txt"), ("prompt,id\ra,1\rb,2\r", "p.csv"), ("id,prompt\r1,a\r2,\"b\"", "p"),
      ("{\"prompt\":\"a\"}\r{\"prompt\":\"b\"}\r", "p.jsonl"), ("[\"a\",\r\"b\"]\r", "p.json"),
    ])
  func layouts(text: String, name: String) throws {
    #expect(try prompts(text, name) == ["a", "b"])
  }

  @Test("lines of text that begin with a bracket or white space are texts")
  func texts() throws {
    #expect(try prompts("question, answer it\nb", "p.txt") == ["question, answer it", "b"])
    #expect(try prompts("{a b\nb", "p.txt") == ["{a b", "b"])
    #expect(try prompts("[INST] a\nb", "p.txt") == ["[INST] a", "b"])
    #expect(try prompts("  a \nb", "p.txt") == ["  a ", "b"])
  }

  @Test("the prompt of messages asks for the answer; an answer at their end is not part of it")
  func messages() throws {
    let user = #"{"role":"user","content":"a"}"#
    let answer = #"{"role":"assistant","content":"x"}"#
    for row in [
      #"{"messages":[\#(user)]}"#, #"{"prompt":[\#(user)]}"#,
      #"{"messages":[\#(user),\#(answer)]}"#,
      #"{"chosen":[\#(user),\#(answer)],"rejected":[\#(user),\#(answer)]}"#,
    ] {
      #expect(try prompts(row, "p.jsonl") == ["user: a\nassistant:"], "\(row)")
    }
  }

  @Test(
    "what is broken is refused with its line",
    arguments: [
      ("{\"prompt\": \"a\",}\n", "p.txt", "p.txt:1: "),
      ("a\n{\"prompt\":\"b\"}", "p.txt", "p.txt:2: is a JSON object"),
      ("a\nb", "p.jsonl", "p.jsonl:1: "), ("[{\"prompt\":\"a\"}", "p.json", "line 1: the list"),
      ("[{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}]", "p.json", "p.json:1: something follows"),
      ("[{\"prompt\":\"a\"}] x", "p.json", "something follows the list"),
      ("[{\"prompt\":\"a\"},\n3]", "p.json", "p.json:2: is a number"),
      ("prompt,id\n\"a\n", "p.csv", "line 2: a quoted cell is not closed"),
      ("prompt,id\na\n", "p.csv", "p.csv:2: has 1 cells and the header 2"),
      ("prompt,prompt\na,b\n", "p.csv", "two columns `prompt`"),
      ("PAR1....", "p.parquet", "pandas.read_parquet"), ("PK\u{3}\u{4}..", "p.zip", "unzip"),
      ("ARROW1..", "p.arrow", "from_file"), ("version https://git-lfs.x\n", "p.jsonl", "lfs pull"),
      ("<!DOCTYPE html>", "p.jsonl", "a web page"),
      ("{\n \"prompt\": \"a\"}", "p.json", "p.json:1: is an object that goes on"),
      (
        "{\"data\":[{\"prompt\":\"a\"}]}", "p.json",
        "p.json:1: holds its rows in a list (`jq -c '.data[]'"
      ), ("", "p", "cannot be decompressed"),
    ])
  func broken(text: String, name: String, words: String) throws {
    let file = try TemporaryFile(text, name: name)
    if words.contains("decompressed") { try Data([0x1F, 0x8B, 8, 0]).write(to: file.url) }
    let error = #expect(throws: PreferenceError.self) { try PromptFile.read([file.url]) }
    #expect("\(try #require(error))".contains(words), "\(String(describing: error))")
  }

  @Test(
    "a row without an end is refused before it fills the memory",
    arguments: ["", "[\"", "{\"prompt\":\"", "prompt,id\n\"", "prompt,id\n"])
  func endless(start: String) throws {
    let file = try TemporaryFile(
      start + String(repeating: "a", count: 17 << 20), name: start.contains("id") ? "p.csv" : "p")
    let error = #expect(throws: PreferenceError.self) { try PromptFile.read([file.url]) }
    #expect("\(try #require(error))".contains("longer than 16 MiB"))
  }

  @Test("cells hold separators, quotes and line breaks; lines are counted over them")
  func cells() throws {
    let file = try TemporaryFile(
      "prompt,chosen,rejected,margin\r\n\"a \"\"b\"\", c\r\nd\",\"x,\n\ny\",z,0.5\r\n\r\nq,r,s,\r\nq,r,s,much",
      name: "rows.csv")
    let source = try PreferenceSource(file.url)
    var rows: [PreferenceRow] = []
    let error = #expect(throws: PreferenceError.self) {
      try source.forEachRow { rows.append($0) }
    }
    #expect(
      rows == [
        .comparison(
          Comparison(prompt: "a \"b\", c\r\nd", chosen: "x,\n\ny", rejected: "z", margin: 0.5)),
        .comparison(Comparison(prompt: "q", chosen: "r", rejected: "s")),
      ])
    #expect("\(try #require(error))".contains("rows.csv:8: key `margin`"))
    let python = try TemporaryFile(
      "prompt,chosen,rejected\nq,['a'],\"['b', 'c']\"\n", name: "p.csv")
    let refused = #expect(throws: PreferenceError.self) {
      try PreferenceSource([python.url]).survey { _ in }
    }
    #expect("\(try #require(refused))".contains("p.csv:2: key `chosen`: begins as a list"))
  }

  @Test("records may end with CR alone, beside cells that hold line breaks")
  func carriageReturns() throws {
    let text = "prompt,chosen,rejected\r\"p\nq\",a,b\r\"r\",\"c\rd\",e"
    let old = try TemporaryFile(text, name: "rows.csv")
    let rows = try PreferenceSource(old.url).all
    #expect(rows.map(\.prompt) == ["p\nq", "r"] && rows[1].responses == ["c\rd", "e"])
    // A CR within lines that end with LF is a part of them.
    let lines = try TemporaryFile("a\rb\nc\n", name: "p.txt")
    #expect(try PromptFile.read([lines.url]).rows.count == 2)
    let shorter = try TemporaryFile("prompt,chosen,rejected\rp,a,b\rp,a", name: "rows.csv")
    let error = #expect(throws: PreferenceError.self) { try PreferenceSource(shorter.url).all }
    #expect("\(try #require(error))".contains("rows.csv:3: has 2 cells"))
  }

  @Test("elements and cells are found across the pieces in which a file is read")
  func pieces() throws {
    let long = String(repeating: "ä\\\"]", count: 60_000)
    let element = "{\"prompt\":\"\(long)\",\"chosen\":\"a\",\"rejected\":\"b\"}"
    let list = try TemporaryFile(
      "[" + Array(repeating: element, count: 3).joined(separator: ",\n") + "]", name: "rows.json")
    let cell = "\"" + String(repeating: "ä\"\"]", count: 60_000) + "\""
    let table = try TemporaryFile(
      "prompt,chosen,rejected\n" + String(repeating: "\(cell),a,b\n", count: 3), name: "rows.csv")
    let rows = try PreferenceSource(list.url).all
    #expect(rows.count == 3 && rows[2].prompt == String(repeating: "ä\"]", count: 60_000))
    #expect(try PreferenceSource(table.url).all == rows)
  }

  @Test("several files are read one after the other and counted apart")
  func several() throws {
    let first = try TemporaryFile(RowSourceTests.line + RowSourceTests.line)
    let second = try TemporaryFile(
      RowSourceTests.line + "{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"c\"}")
    let source = try PreferenceSource([first.url, second.url])
    let reports = try source.survey { _ in }
    #expect(reports.map(\.comparisons) == [2, 1])
    #expect(reports.map(\.repeated) == [1, 1] && reports[1].identicalResponses == 1)
    #expect(try source.all.count == 3)
  }
}
