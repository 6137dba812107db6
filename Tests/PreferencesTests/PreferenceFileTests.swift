import Foundation
import Statistics
import Testing

@testable import Preferences

/// A file of one test, removed with its directory when the test is over.
final class TemporaryFile {
  let url: URL

  init(_ text: String = "", name: String = "rows.jsonl") throws {
    let directory = FileManager.default.temporaryDirectory
      .appending(path: "PreferencesTests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    url = directory.appending(path: name)
    try Data(text.utf8).write(to: url)
  }

  deinit { try? FileManager.default.removeItem(at: url.deletingLastPathComponent()) }

  var text: String { get throws { try String(contentsOf: url, encoding: .utf8) } }
}

extension PreferenceFile {
  /// All usable rows in order.
  static func read(_ file: URL) throws(PreferenceError) -> (
    rows: [PreferenceRow], report: ReadingReport
  ) {
    var rows: [PreferenceRow] = []
    let reports = try PreferenceSource(file).survey { rows.append($0) }
    return (rows, reports[0])
  }
}

extension RowStream {
  var all: [Row] {
    get throws {
      var rows: [Row] = []
      try forEachRow { rows.append($0) }
      return rows
    }
  }
}

@Suite struct PreferenceFileTests {
  func rows(_ text: String) throws -> [PreferenceRow] {
    let file = try TemporaryFile(text)
    return try withExtendedLifetime(file) { try PreferenceFile.read(file.url).rows }
  }

  func message(_ text: String) throws -> String {
    let file = try TemporaryFile(text)
    let error = #expect(throws: PreferenceError.self) { try PreferenceFile.read(file.url) }
    let message = "\(try #require(error))"
    #expect(message.hasPrefix(file.url.path))
    return message
  }

  @Test("comparisons and rankings are written and read back, byte for byte")
  func roundTrip() throws {
    let rows: [PreferenceRow] = [
      .comparison(
        Comparison(
          prompt: "p", chosen: "good", rejected: "bad", margin: 0.5, probability: 0.75,
          chosenGold: 1, rejectedGold: -1, annotator: "länge")),
      .comparison(Comparison(prompt: "p", chosen: "x\n", rejected: "y \"z\"")),
      .ranking(Ranking(prompt: "q", responses: ["a", "b", "c"], ranking: [2, 0, 1])),
    ]
    let file = try TemporaryFile("old")
    try PreferenceFile.write(rows, to: file.url)
    let (read, report) = try PreferenceFile.read(file.url)
    #expect(read == rows)
    #expect(report.comparisons == 2 && report.rankings == 1 && report.unusable == 0)
    let text = try file.text
    #expect(
      text.split(separator: "\n")[1] == #"{"prompt":"p","chosen":"x\n","rejected":"y \"z\""}"#)
    try PreferenceFile.write(read, to: file.url)
    #expect(try file.text == text)
    let directory = file.url.deletingLastPathComponent().path
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["rows.jsonl"])
  }

  @Test("ratings are read and written; without a number or a response they are refused")
  func ratings() throws {
    let rows = [
      PreferenceRow.rating(Rating(prompt: "p", response: "good", rating: 4.5)),
      .rating(Rating(prompt: "p", response: "poor", rating: -1)),
    ]
    let file = try TemporaryFile()
    try PreferenceFile.write(rows, to: file.url)
    let (read, report) = try PreferenceFile.read(file.url)
    #expect(read == rows)
    #expect(report.ratings == 2 && report.usable == 2 && report.comparisons == 0)
    let empty = #"{"prompt":"p","response":" ","rating":1}"# + "\n"
    try Data((empty + #"{"prompt":"p","response":"a","rating":3}"#).utf8).write(to: file.url)
    #expect(try PreferenceFile.read(file.url).report.emptyResponses == 1)
    #expect(try message(#"{"prompt":"p","response":"a"}"#).contains("key `rating`: is missing"))
    #expect(try message(#"{"prompt":"p","rating":1}"#).contains("key `response`: is missing"))
    #expect(try message(#"{"prompt":"p","response":"a","rating":"five"}"#).contains("key `rating`"))
  }

  @Test("rows that teach nothing are left out and counted by kind")
  func unusable() throws {
    let file = try TemporaryFile(
      """
      {"prompt": "p", "chosen": "a", "rejected": "a"}
      {"prompt": "p", "chosen": "a", "rejected": " "}

      {"prompt": "p", "chosen": "a", "rejected": "b"}
      {"prompt": "p", "responses": ["a", "b", "a"], "ranking": [0, 1, 2]}
      """)
    let (rows, report) = try PreferenceFile.read(file.url)
    #expect(rows == [.comparison(Comparison(prompt: "p", chosen: "a", rejected: "b"))])
    #expect(report.identicalResponses == 2)
    #expect(report.emptyResponses == 1)
    #expect(report.usable == 1)
  }

  @Test("a conversation becomes text by the plain template, and repeated openings are taken off")
  func conversations() throws {
    let opening = #"[{"role":"user","content":"hi"}]"#
    let full = #"{"role":"user","content":"hi"},{"role":"assistant","content":"#
    let expected = PreferenceRow.comparison(
      Comparison(prompt: "user: hi\nassistant:", chosen: " yes\n", rejected: " no\n"))
    let repeated = try rows(
      #"{"prompt":\#(opening),"chosen":[\#(full)"yes"}],"rejected":[\#(full)"no"}]}"#)
    #expect(repeated == [expected])
    let answer = #"[{"role":"assistant","content":"#
    let plain = try rows(
      #"{"prompt":\#(opening),"chosen":\#(answer)"yes"}],"rejected":\#(answer)"no"}]}"#)
    #expect(plain == [expected])
  }

  @Test(
    "without a prompt, the common beginning is cut where no token straddles",
    arguments: [
      (
        "\n\nHuman: hi\n\nAssistant: Yes.", "\n\nHuman: hi\n\nAssistant: No.",
        "\n\nHuman: hi\n\nAssistant:"
      ),
      ("Assistant: good thing", "Assistant: goodness", "Assistant:"),
      ("the end", "the end of it", "the end"),
      ("wait...", "wait..!", "wait"),
      ("a  b", "a  c", "a"),
      ("e\u{301}x", "e\u{300}x", ""),
      ("x", "y", ""),
      ("Q:yes", "Q:no", "Q:"),
    ])
  func commonPrefix(first: String, second: String, expected: String) {
    #expect(ImplicitPrompt.commonPrefix(first, second) == expected)
    #expect(ImplicitPrompt.commonPrefix(second, first) == expected)
  }

  @Test("a row without prompt gets the common beginning as its prompt and loses nothing")
  func implicitPrompt() throws {
    let row = try rows(
      #"{"chosen":"Human: hi Assistant: a b","rejected":"Human: hi Assistant: a c"}"#)
    #expect(
      row == [
        .comparison(Comparison(prompt: "Human: hi Assistant: a", chosen: " b", rejected: " c"))
      ])
  }

  @Test("a dialogue's prompt ends where its last common response begins, however alike they begin")
  func dialoguePrompt() throws {
    let question = "\n\nHuman: hi\n\nAssistant: yes\n\nHuman: how?\n\nAssistant:"
    for (first, second) in [(" was good", " was bad"), (" yes", " no"), (" a b", " a")] {
      #expect(ImplicitPrompt.of(question + first, question + second) == question)
    }
    #expect(ImplicitPrompt.of("Q: a b", "Q: a c") == "Q: a")
  }

  @Test("malformed rows are named with file, line, key and what to do")
  func malformed() throws {
    let good = #"{"prompt":"p","chosen":"a","rejected":"b"}"# + "\n"
    #expect(
      try message(#"{"prompt":"p","chosen":"a","rejected":"b","response":"c","rating":1}"#)
        .contains("key `response`: stands beside `chosen`, and a row is"))
    #expect(
      try message(#"{"prompt":"p","responses":["a","b"],"ranking":[0,1],"margin":1}"#)
        .contains("key `margin`: looks like `margin` and is not read"))
    #expect(try message(good + "{").contains("rows.jsonl:2: "))
    #expect(try message(good + "\n[1]").contains(":3: is a list; write one JSON object a line"))
    #expect(try message(#"{"prompt":"p","chosen":"a"}"#).contains("key `rejected`: is missing"))
    #expect(try message(#"{"prompt":1,"chosen":"a","rejected":"b"}"#).contains("key `prompt`"))
    #expect(
      try message(#"{"prompt":"p","chosen":"a","rejected":"b","margin":"x"}"#)
        .contains("key `margin`: is \"x\"; write a decimal number"))
    #expect(
      try message(#"{"prompt":"p","chosen":"a","rejected":"b","chosen_probability":1.5}"#)
        .contains("between 0 and 1"))
    #expect(
      try message(#"{"prompt":"p","chosen":[{"role":"x"}],"rejected":"b"}"#)
        .contains("key `chosen[0]`: has neither `content` nor `tool_calls`"))
    for ranking in ["[0,0]", "[1,2]", "[0]", "[0,1,2]", "[0.5,1]", "\"a\""] {
      #expect(
        try message(#"{"prompt":"p","responses":["a","b"],"ranking":\#(ranking)}"#)
          .contains("key `ranking`"))
    }
    #expect(
      try message(#"{"prompt":"p","responses":["a"],"ranking":[0]}"#).contains("at least two"))
    #expect(try message("\n").contains("holds no usable row"))
    #expect(throws: PreferenceError.self) {
      try PreferenceFile.read(URL(fileURLWithPath: "/nonexistent/rows.jsonl"))
    }
  }

  @Test("lines are found across the pieces in which a file is read")
  func pieces() throws {
    let long = String(repeating: "ä", count: 200_000)
    let rows = (0..<5).map {
      PreferenceRow.comparison(
        Comparison(prompt: "\($0)", chosen: long, rejected: "b\($0)"))
    }
    let file = try TemporaryFile()
    try PreferenceFile.write(rows, to: file.url)
    #expect(try PreferenceFile.read(file.url).rows == rows)
  }

  @Test("random damage is read or refused, and never more than that")
  func damage() throws {
    let text = Array(
      (#"{"prompt":"p","chosen":"a","rejected":"b","margin":1}"# + "\n"
        + #"{"prompt":"p","responses":["a","b"],"ranking":[1,0]}"#).utf8)
    let file = try TemporaryFile()
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<1000 {
      var bytes = text
      bytes[generator.index(below: bytes.count)] = UInt8(generator.index(below: 256))
      try Data(bytes.dropLast(generator.index(below: 5))).write(to: file.url)
      _ = try? PreferenceFile.read(file.url)
    }
  }
}

extension ResponseRowReader {
  /// All rows of a file.
  static func rows(of file: URL) throws -> [ResponseRow] {
    let reader = ResponseRowReader([file])
    var rows: [ResponseRow] = []
    while let row = try reader.nextRow() { rows.append(row) }
    return rows
  }
}

@Suite struct ResponseRowTests {
  @Test("rows keep their other keys in order, as they are written, and get one more")
  func keys() throws {
    let file = try TemporaryFile(
      #"""
      {"z":1, "prompt" : "p","response":"r","a":{"y": null, "x":[1.50]}, "id":18446744073709551615}
      {"response_ids":[3,1],"prompt_ids":[0,2147483647],"reward":9,"t":"caf\u00e9\/","n":-0.0}
      """#)
    var rows = try ResponseRowReader.rows(of: file.url)
    try #require(rows.count == 2)
    #expect(rows[0].content == .text(prompt: "p", responses: ["r"], isRendered: false))
    #expect(rows[1].content == .ids(prompt: [0, 2_147_483_647], response: [3, 1]))
    #expect(rows[1].place == "\(file.url.path):2")
    try rows[0].set(logProbabilities: [-0.5, -1.0], promptIDs: [4], responseIDs: [5, 6])
    try rows[1].set(rewards: [0.25], order: [0])
    #expect(
      rows.map(\.line) == [
        #"{"z":1,"prompt":"p","response":"r","a":{"y":null,"x":[1.50]},"id":18446744073709551615,"#
          + #""logprobs":[-0.5,-1.0],"prompt_ids":[4],"response_ids":[5,6]}"#,
        #"{"response_ids":[3,1],"prompt_ids":[0,2147483647],"reward":9,"t":"caf\u00e9\/","n":-0.0,"#
          + #""reward_2":0.25}"#,
      ])
    #expect(throws: PreferenceError.self) { try rows[0].set(rewards: [.nan], order: [0]) }
  }

  @Test(
    "ids that are no ids, and missing parts, are refused with their key",
    arguments: [
      (#"{"prompt_ids":[1]}"#, "response_ids"), (#"{"prompt":"p"}"#, "response"),
      (#"{"prompt_ids":[-1],"response_ids":[1]}"#, "prompt_ids"),
      (#"{"prompt_ids":[4294967296],"response_ids":[1]}"#, "prompt_ids"),
      (#"{"prompt_ids":["a"],"response_ids":[1]}"#, "prompt_ids"),
    ])
  func refused(text: String, key: String) throws {
    let file = try TemporaryFile(text)
    let error = #expect(throws: PreferenceError.self) { try ResponseRowReader.rows(of: file.url) }
    #expect("\(try #require(error))".contains("rows.jsonl:1: key `\(key)`"))
  }
}
