import Foundation
import Testing

@testable import Preferences

@Suite("What rows say of their responses")
struct SaidJudgementTests {
  private func survey(
    _ text: String, name: String = "rows.jsonl"
  ) throws -> (rows: [PreferenceRow], report: ReadingReport) {
    let file = try TemporaryFile(text, name: name)
    var rows: [PreferenceRow] = []
    let reports = try PreferenceSource([file.url]).survey { rows.append($0) }
    return (rows, reports[0])
  }

  private func message(_ text: String, name: String = "rows.jsonl") throws -> String {
    let file = try TemporaryFile(text, name: name)
    let error = #expect(throws: PreferenceError.self) {
      try PreferenceSource([file.url]).survey { _ in }
    }
    return "\(try #require(error))"
  }

  private static let good = #"{"prompt":"q","chosen":"a","rejected":"b"}"#

  @Test(
    "two things that exclude each other teach nothing, and are counted by what they are",
    arguments: [
      (
        #""chosen":"a","rejected":"b","score_chosen":3,"score_rejected":8.5"#, "score_chosen",
        "chosen"
      ),
      (#""chosen":"a","rejected":"b","margin":-1"#, "margin", "chosen"),
      (#""chosen":["a","c"],"rejected":["b"],"margin":-1"#, "margin", "chosen"),
      (#""responses":["a","b"],"ranking":[1,0],"scores":[9,2]"#, "scores", "ranking"),
      (#""responses":["a","b","c"],"ranking":[0,1,2],"ranks":[1,3,2]"#, "ranks", "ranking"),
      (#""responses":["a","b"],"ranks":[1,2],"ratings":[1,2]"#, "ratings", "ranks"),
      (
        #""responses":[{"text":"a","rank":1,"score":2},{"text":"b","rank":2,"score":3}]"#,
        "responses", "responses"
      ),
      (
        #""response_1":"a","response_2":"b","preference":1,"preference_strength":2"#,
        "preference_strength", "preference"
      ),
      (
        #""human_ref_A":"a","human_ref_B":"b","labels":1,"score_A":2,"score_B":7"#, "score_A",
        "labels"
      ),
      (
        #""response_a":"a","response_b":"b","winner":"a","winner_model_b":1"#, "winner_model_b",
        "winner"
      ),
    ])
  func contradictions(row: String, later: String, earlier: String) throws {
    let text = #"{"prompt":"q",\#(row)}"#
    let report = try survey([Self.good, text, text].joined(separator: "\n")).report
    #expect(report.contradictions == 2 && report.usable == 1)
    #expect("\(report)".contains("2 that contradict themselves"))
    let note = "in 2 rows `\(later)` contradicts `\(earlier)`"
    #expect(report.columns.notes.contains { $0.contains(note) }, "\(report.columns.notes)")
    let file = try TemporaryFile(text)
    // Neither does anything else judge by it.
    let row = try #require(try ResponseRowReader.rows(of: file.url).first)
    #expect(row.ratings == nil)
    #expect(try DataSurvey(of: file.url, as: RowReading()).kinds[0].kind.contains("contradictory"))
  }

  @Test(
    "what agrees is learned: equal scores leave the order, which is said, and ties beside a rank")
  func agreement() throws {
    let (rows, report) = try survey(
      """
      {"prompt":"q","chosen":"a","rejected":"b","chosen_score":5,"rejected_score":5}
      {"prompt":"q","chosen":"a","rejected":"c","chosen_gold":1,"rejected_gold":2,"chosen_probability":0.2}
      {"prompt":"q","responses":["a","b"],"ranking":[1,0],"ratings":[2,9]}
      {"prompt":"q","responses":["a","b"],"ranking":[1,0],"ratings":[2,2]}
      {"prompt":"q","response_a":"a","response_b":"d","preference":"A","preference_strength":-3}
      """)
    #expect(report.contradictions == 0 && rows.count == 5)
    #expect(
      report.columns.notes.contains {
        $0.hasPrefix("in 1 rows `chosen_score` and `rejected_score` are equal")
      })
    let rankings = rows.compactMap { if case .ranking(let row) = $0 { row } else { nil } }
    #expect(rankings.map(\.ranking) == [[1, 0], [1, 0]])
    #expect(rankings.map(\.ratings) == [[2, 9], nil])
    guard case .comparison(let pair) = rows[4] else {
      Issue.record("no comparison")
      return
    }
    #expect(pair.chosen == "a" && pair.margin == 3)
  }

  @Test(
    "which response is better, in the words of judges",
    arguments: [
      ("A>B", ["a", "b"]), ("[[B>>A]]", ["b", "a"]), ("a < b", ["b", "a"]),
      ("A is slightly better", ["a", "b"]), ("[[B]]", ["b", "a"]),
      ("A=B", []), ("[[A ~ B]]", []),
    ])
  func relations(word: String, order: [String]) throws {
    let row = #"{"prompt":"q","response_A":"a","response_B":"b","label":"\#(word)"}"#
    let (rows, report) = try survey(row + "\n" + Self.good)
    #expect(rows.dropLast().flatMap(\.responses) == order && report.ties == (order.isEmpty ? 1 : 0))
    #expect(try message(row.replacing(word, with: "A>C")).contains("does not say which"))
  }

  @Test("a number between says how likely the second is preferred")
  func soft() throws {
    func row(_ number: String) -> String {
      #"{"prompt":"q","output_1":"a","output_2":"b","preference":\#(number)}"#
    }
    let (rows, report) = try survey(
      [row("1.9998"), row("1.2"), row("1.5")].joined(separator: "\n"))
    #expect(rows.map(\.responses) == [["b", "a"], ["a", "b"]] && report.ties == 1)
    #expect(try message(row("2.1")).contains("does not say which"))
  }

  @Test("only the turns that are judged are read")
  func judgedTurns() throws {
    func talk(_ answer: String) -> String {
      let user = #"{"role":"user","content":"q"}"#
      return "[\(user),{\"role\":\"assistant\",\"content\":\"\(answer)\"},\(user),"
        + "{\"role\":\"assistant\",\"content\":\"later\"}]"
    }
    func row(_ turn: Int) -> String {
      #"{"conversation_a":\#(talk("a")),"conversation_b":\#(talk("b")),"winner":"model_a","turn":\#(turn)}"#
    }
    let rows = try survey(row(1) + "\n" + row(2)).rows
    #expect(rows[0].responses == [" a\n", " b\n"])
    #expect(rows[1].responses[0] == " a\nuser: q\nassistant: later\n")
    #expect(try message(row(3)).contains("key `turn`: is 3.0, and `"))
  }

  @Test("rows that say the opposite of an earlier one are kept and counted")
  func opposite() throws {
    let report = try survey(
      """
      \(Self.good)
      {"prompt":"q","chosen":"b","rejected":"a"}
      {"prompt":"q","completion":"a","label":true}
      {"prompt":"q","completion":"a","label":false}
      """
    ).report
    #expect(report.reversed == 2 && report.usable == 4)
  }

  @Test("marks of the winner are read, as numbers, truth values and cells")
  func winners() throws {
    func row(_ a: String, _ b: String, _ tie: String) -> String {
      #"{"prompt":"q","response_a":"a","response_b":"b","winner_model_a":\#(a),"winner_model_b":\#(b),"#
        + #""winner_tie":\#(tie),"model_a":"x"}"#
    }
    let rows = [
      row("1", "0", "0"), row("0", "1", "0"), row("0", "0", "1"), row("false", "true", "false"),
      row("0", "0", "0"),
    ]
    let (read, report) = try survey(rows.joined(separator: "\n"))
    #expect(read.map(\.responses) == [["a", "b"], ["b", "a"], ["b", "a"]])
    #expect(report.ties == 1 && report.unjudged == 1)
    #expect(
      try message(row("1", "0", "1")).contains("key `winner_tie`: is true, and so is `winner"))
    let table = """
      id,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie
      1,"[""q""]","[""a""]","[""b""]",1,0,0
      2,q,a,b,0.0,1.0,0.0
      3,q,a,b,False,False,True
      """
    let (cells, counts) = try survey(table, name: "arena.csv")
    #expect(cells == Array(read.prefix(2)) && counts.ties == 1)
  }

  @Test("lists of questions and answers are whole conversations, whose beginning is the prompt")
  func turns() throws {
    let (rows, _) = try survey(
      #"{"prompt":["q","r"],"response_a":["a","b"],"response_b":["c","d"],"winner":"model_b"}"#)
    #expect(rows[0].prompt == "user: q\nassistant:")
    #expect(
      rows[0].responses == [" c\nuser: r\nassistant: d\n", " a\nuser: r\nassistant: b\n"])
    #expect(
      try message(#"{"prompt":["q","r"],"response_a":["a"],"response_b":["c"],"winner":"a"}"#)
        .contains("must be a list of 2 texts"))
  }

  @Test(
    "labels are read in every usual spelling",
    arguments: [
      ("1", true), ("0", false), ("1.0", true), ("0.0", false), ("True", true), ("FALSE", false),
    ])
  func labels(cell: String, label: Bool) throws {
    let expected = PreferenceRow.rating(Rating(prompt: "q", response: "a", label: label))
    #expect(
      try survey("prompt,completion,label\nq,a,\(cell)\n", name: "kto.csv").rows == [expected])
    #expect(try survey(#"{"prompt":"q","completion":"a","label":"\#(cell)"}"#).rows == [expected])
  }

  @Test(
    "numbers may be strings in decimal; what float32 cannot hold, or is hexadecimal, is refused")
  func numbers() throws {
    let (rows, _) = try survey(
      """
      {"prompt":"q","responses":["a","b"],"scores":["2","10"]}
      {"prompt":"q","chosen":"a","rejected":"b","score_chosen":"8.5","score_rejected":" 3e0 "}
      """)
    guard case .ranking(let ranking) = rows[0], case .comparison(let pair) = rows[1] else {
      Issue.record("other rows")
      return
    }
    #expect(ranking.ranking == [1, 0] && pair.scores == [8.5, 3])
    for number in ["\"0x10\"", "\"inf\"", "\"nan\"", "1e300", "\"1e39\"", "\"two\"", "true"] {
      let text = try message(#"{"prompt":"q","response":"a","rating":\#(number)}"#)
      #expect(text.contains("key `rating`: is ") && text.contains("decimal number"), "\(text)")
    }
    for label in ["\"0x1\"", "2", "-1", "\"yes\""] {
      #expect(
        try message(#"{"prompt":"q","response":"a","label":\#(label)}"#).contains("true or false"))
    }
    #expect(
      try message(#"{"prompt":"q","responses":["a","b"],"scores":[1,"x"]}"#)
        .contains("key `scores[1]`: is \"x\""))
    #expect(
      try message(#"{"prompt":"q","response_1":"a","response_2":"b","preference":"-1"}"#)
        .contains("does not say which of"))
  }

  @Test("messages with a label are one response for data as for training; judgements are shown")
  func shown() throws {
    let user = #"{"role":"user","content":"q"}"#
    let answer = #"{"role":"assistant","content":"a"}"#
    let file = try TemporaryFile(
      """
      {"messages":[\(user),\(answer)],"label":true}
      {"prompt":"q","chosen":"a","rejected":"b","score_chosen":8,"score_rejected":3}
      {"prompt":"q","responses":["a","b","c"],"ratings":[1,3,2]}
      {"prompt":"q","response_a":"a","response_b":"b","preference":"B"}
      {"prompt":"q","response_a":"a","response_b":"b","preference":"tie"}
      {"prompt":"q","responses":["a","b"],"ranking":[1,0]}
      {"prompt":"q","completions":["a","b"],"labels":[true,false]}
      {"messages":[\(user)]}
      """)
    let survey = try DataSurvey(of: file.url, as: RowReading(), showing: 8)
    #expect(
      survey.shown.map(\.judgement.text) == [
        "label true", "response 0 is better than 1; margin 5.0; rated 8.0, 3.0",
        "rated 1.0, 3.0, 2.0", "response 1 is better than 0", "a tie", "best first 1, 0",
        "steps true, false", nil,
      ])
    #expect(survey.shown[0].kind == "responses with a label" && survey.shown[7].kind == "prompts")
    let trained = try TemporaryFile(#"{"messages":[\#(user),\#(answer)],"label":true}"#)
    let row = try #require(try PreferenceSource(trained.url).all.first)
    #expect(row.prompt == survey.shown[0].prompt && row.responses == survey.shown[0].responses)
  }

  @Test("score reads rows as training does, and refuses the same")
  func oneReading() throws {
    let file = try TemporaryFile(#"{"prompt":"q","chosen":"a","rejected":"b","label":true}"#)
    var messages: [String] = []
    for read in [
      { _ = try PreferenceSource(file.url).all },
      { _ = try DataSurvey(of: file.url, as: RowReading()) },
      { _ = try ResponseRowReader.rows(of: file.url) },
    ] {
      messages.append("\(try #require(#expect(throws: PreferenceError.self) { try read() }))")
    }
    #expect(Set(messages).count == 1 && messages[0].contains("key `label`: looks like"))
  }

  @Test(
    "a preference is a response, its name or a tie, and nothing that only ends or begins like one",
    arguments: [
      ("A", [1.0, 0.0]), ("response_b", [0, 1]), ("Model A", [1, 0]), ("assistant-b", [0, 1]),
      ("tie (bothbad)", [0, 0]), ("both good", [0, 0]), ("neither", [0, 0]),
      ("good vitamin b", [0, 1]), ("same day", [1, 0]), ("A > B", [1, 0]), ("neither A nor B", nil),
      ("A is better than B", nil), ("response_a, not response_b", nil), ("claude-2", nil),
      ("not a", nil), ("both parties", nil), ("B because A", nil),
    ] as [(String, [Double]?)])
  func wholeWords(said: String, expected: [Double]?) throws {
    let row = """
      {"prompt":"q","response_a":"same day","response_b":"good vitamin b","preference":"\(said)"}
      """
    switch expected {
    case nil: #expect(try message(row).contains("does not say which of"))
    case [0, 0]: #expect(try message(row).contains("1 ties"))
    default:
      guard case .comparison(let pair) = try #require(survey(row).rows.first) else {
        throw CancellationError()
      }
      #expect(pair.chosen == (expected == [1, 0] ? "same day" : "good vitamin b"))
    }
  }

  @Test("ratings of a row's responses are of one key: numbers of two are of different scales")
  func oneScale() throws {
    let row = """
      {"prompt":"q","responses":[{"text":"a","rating":3,"score":90},{"text":"b","score":50}]}
      """
    #expect(try message(row).contains("key `responses`"))
  }
}
