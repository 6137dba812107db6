import Foundation
import Testing

@testable import Preferences

@Suite("Columns of public data sets")
struct ColumnTests {
  private func survey(
    _ text: String, _ columns: String..., name: String = "rows.jsonl", skips: Bool = false
  ) throws -> (rows: [PreferenceRow], report: ReadingReport) {
    let file = try TemporaryFile(text, name: name)
    let reading = RowReading(columns: columns.compactMap { NamedColumn($0) }, skips: skips)
    var rows: [PreferenceRow] = []
    let reports = try PreferenceSource([file.url], as: reading).survey { rows.append($0) }
    return (rows, reports[0])
  }

  private func message(_ text: String, _ columns: String...) throws -> String {
    let file = try TemporaryFile(text)
    let reading = RowReading(columns: columns.compactMap { NamedColumn($0) })
    let error = #expect(throws: PreferenceError.self) {
      try PreferenceSource([file.url], as: reading).survey { _ in }
    }
    return "\(try #require(error))"
  }

  private let pair = #""chosen":"a","rejected":"b""#

  @Test("mappings and unread columns are said once")
  func notes() throws {
    let row = #"{"instruction":"q","input":"i","\#("prompt_id")":"x",\#(pair),"meta":{"k":1}}"#
    let report = try survey(row + "\n" + row).report
    #expect(
      report.columns.notes == [
        "read `instruction` as prompt, `input` as the second part of the prompt, after a blank line",
        "not read: `prompt_id`, `meta`",
      ])
  }

  @Test("scores of both responses are kept, and the written row reads the same again")
  func scores() throws {
    let read = try survey(
      #"{"prompt":"q",\#(pair),"score_chosen":8.5,"score_rejected":3,"messages":[]}"#)
    guard case .comparison(let row) = read.rows[0] else {
      Issue.record("no comparison")
      return
    }
    #expect(row.scores == [8.5, 3] && row.margin == nil)
    #expect(read.report.columns.notes[0].contains("`score_chosen` as chosen_score (the difference"))
    #expect(try survey(try read.rows[0].line()).rows == read.rows)
  }

  @Test(
    "a key that looks like a prompt, a response or a label is refused, unless it is passed over",
    arguments: [
      "promt", "Prompt", "prompts", "questions", "instructions", "chosen_", "choosen", "rejcted",
      "respones", "Completion", "query", "prefernce", "ratings", "label", "response_c",
      "rejected_messages", "prompt_text", "user_prompt", "text-response", "response_3",
      "rejected_2",
      "images",
    ])
  func lookAlikes(key: String) throws {
    let row = #"{"prompt":"q",\#(pair),"\#(key)":"x"}"#
    let text = try message(row)
    #expect(text.contains("rows.jsonl:1: key `\(key)`: "), "\(text)")
    #expect(text.contains("--column ignore=\(key)"), "\(text)")
    #expect(try survey(row, "ignore=\(key)").rows.count == 1)
  }

  @Test(
    "a text that is perhaps a part of the prompt is refused, a word is not",
    arguments: [
      "answer_prefix", "chat-context", "the_history", "functions", "initial_reason_steps",
    ])
  func parts(key: String) throws {
    let row = #"{"prompt":"q",\#(pair),"\#(key)":["so far"]}"#
    #expect(try message(row).contains("key `\(key)`: looks like `"))
    #expect(try survey(row.replacing("so far", with: "x")).report.columns.unread == [key])
  }

  @Test("a pair of texts without a prompt is refused where another column may hold it")
  func otherPrompt() throws {
    let rest = #""chosen":"so it was good","rejected":"so it was bad""#
    for value in [#""the whole question""#, #"[{"from":"user","value":"the question"}]"#] {
      let row = #"{"post":\#(value),\#(rest)}"#
      #expect(try message(row).contains("key `post`: may hold the prompt"))
      #expect(try survey(row, "ignore=post").rows.map(\.prompt) == ["so it was"])
    }
    #expect(try survey(#"{"source":"web",\#(rest)}"#).rows.map(\.prompt) == ["so it was"])
    let dialogue =
      #""chosen":"\n\nHuman: q\n\nAssistant: a","rejected":"\n\nHuman: q\n\nAssistant: b""#
    #expect(
      try survey(#"{"post":"the question",\#(dialogue)}"#).rows.map(\.prompt)
        == ["\n\nHuman: q\n\nAssistant:"])
    let note = "there is no prompt, and what both responses begin with is taken for it"
    let notes = try survey(#"{\#(rest)}"#).report.columns.notes
    #expect(notes == ["in 1 rows \(note)"])
    #expect(
      try survey(#"{"chosen":"a","rejected":"b"}"#).report.columns.notes
        == ["in 1 rows the prompt is empty"])
  }

  @Test("a column that repeats another is not read; in a row where it does not, it is refused")
  func repeating() throws {
    func row(_ question: String, _ more: String) -> String {
      #"{"prompt":"q","question":"\#(question)",\#(pair)\#(more)}"#
    }
    for more in [#","response":"a""#, #","generations":["b","a"]"#] {
      let text = row("q", more)
      #expect(try survey(text + "\n" + text).report.columns.unread.count == 2)
    }
    #expect(
      try message(row("q", "") + "\n" + row("r", "")).contains("rows.jsonl:2: key `question`"))
    #expect(
      try message(row("q", #","response":"a""#) + "\n" + row("q", #","response":"c""#))
        .contains("rows.jsonl:2: key `response`: stands beside `chosen`"))
    #expect(
      try message(row("q", #","generations":["a","b"],"ratings":[9,7]"#)).contains("key `ratings`"))
    let system = #"[{"role":"system","content":"s"},{"role":"user","content":"q"}]"#
    #expect(try survey(#"{"prompt":"q","user_message":"q",\#(pair)}"#).rows.count == 1)
    #expect(
      try message(#"{"prompt":"q","prompt_messages":\#(system),\#(pair)}"#).contains(
        "`prompt_messages`"))
  }

  @Test("where nothing says how good responses are, a column that perhaps does is named")
  func perhapsJudgement() throws {
    for (rest, isSaid) in [(#""gt_label":1"#, true), (#""source":"x""#, false)] {
      let file = try TemporaryFile(#"{"prompt":"q","response":"a",\#(rest)}"#)
      let notes = try DataSurvey(of: file.url, as: RowReading()).columns.notes
      #expect(notes.contains { $0.contains("`--column ROLE=gt_label`") } == isSaid, "\(notes)")
    }
  }

  @Test("names of other tools: a conversation and a worse answer, sides with their ratings")
  func otherTools() throws {
    let expected = [["a", "b"]]
    #expect(
      try survey(#"{"prompt":"q","win":"a","lose":"b"}"#).rows.map(\.responses) == expected)
    let talk = #"[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]"#
    let other = talk.replacing(#""a""#, with: #""b""#)
    #expect(
      try survey(#"{"prompt":"q","output":"a","rejected":"b"}"#).rows.map(\.responses) == expected)
    #expect(
      try survey(
        #"{"prompt":"q","option_a":"b","option_b":"a","rating_a":1,"rating_b":2}"#
      ).rows.map(\.responses) == expected)
    #expect(
      try message(#"{"prompt":"q","option_a":"b","option_b":"a","answer":"A"}"#).contains(
        "`answer`"))
    let answers = [[" a\n", " b\n"]]
    #expect(
      try survey(#"{"messages":\#(talk),"rejected_response":"b"}"#).rows.map(\.responses) == answers
    )
    #expect(
      try survey(
        #"{"conv_A":\#(other),"conv_B":\#(talk),"conv_A_rating":1,"conv_B_rating":2}"#
      ).rows.map(\.responses) == answers)
  }

  @Test("many columns cost time in proportion")
  func manyColumns() throws {
    let columns = (0..<20_000).map { "\"k\($0)\":1" }.joined(separator: ",")
    let start = ContinuousClock.now
    let unread = try survey(#"{"prompt":"q",\#(pair),\#(columns)}"#).report.columns.unread
    #expect(unread.count == 20_000 && ContinuousClock.now - start < .seconds(20))
  }

  @Test(
    "other keys are no news",
    arguments: [
      "id", "prompt_id", "chosen_model", "source", "store", "turn", "text", "content_rating",
    ])
  func unread(key: String) throws {
    let report = try survey(#"{"prompt":"q",\#(pair),"\#(key)":"x"}"#).report
    #expect(report.columns.unread == [key])
  }

  @Test("--column says what a column is, and a name that no row has is refused")
  func named() throws {
    #expect(try survey(#"{"ask":"q",\#(pair)}"#, "prompt=ask").rows.map(\.prompt) == ["q"])
    // Of two that may be the prompt, the one that is named.
    let both = #"{"prompt":"p","question":"q",\#(pair)}"#
    #expect(try message(both).contains("key `question`: looks like"))
    let read = try survey(both, "prompt=question")
    #expect(read.rows.map(\.prompt) == ["q"] && read.report.columns.unread == ["prompt"])
    #expect(
      try message(#"{"prompt":"q",\#(pair)}"#, "prompt=ask")
        .contains("has no column `ask`, which --column prompt=ask names"))
    #expect(NamedColumn("promt=ask") == nil && NamedColumn("prompt") == nil)
    #expect(NamedColumn("prompt=") == nil && NamedColumn("prompt=a=b")?.name == "a=b")
  }

  @Test(
    "a named column that the reading of its row has no place for is refused with what is read",
    arguments: [
      (
        #""completion":"a","l":true"#, "preference=l",
        ["one response", "belongs to two responses side"]
      ),
      (#""chosen":"a","rejected":"b","l":1"#, "ratings=l", ["a better and a worse"]),
      (#""chosen":"a","rejected":"b","l":1"#, "label=l", ["`chosen`, `prompt`, `rejected` are"]),
      (#""chosen":"a","rejected":"b","l":1"#, "step_labels=l", ["`step_labels` belongs to steps"]),
      (#""responses":["a","b"],"ranking":[0,1],"l":1"#, "margin=l", ["several responses"]),
      (#""response_a":"a","response_b":"b","winner":"a","l":1"#, "margin=l", ["side by side"]),
      (#""completions":["a"],"labels":[true],"l":1"#, "margin=l", ["steps of one response"]),
      (#""completion":"a","label":true,"l":1"#, "ranks=l", ["(columns: `prompt`, `completion`"]),
      (#""completion":"a","score":1,"l":1"#, "preference=l", ["one response"]),
      (#""completion":"a","rating":1,"l":true"#, "label=l", ["key `rating`"]),
      (#""chosen":"a","rejected":"b","l":1"#, "chosen_score=l", ["without `rejected_score`"]),
      (#""chosen":"a","rejected":"b","l":[1]"#, "response_ids=l", ["belongs to token ids"]),
      (#""chosen":"a","rejected":"b","l":"x""#, "messages=l", ["`prompt` is read in its place"]),
    ])
  func useless(rest: String, column: String, words: [String]) throws {
    let text = try message(#"{"prompt":"q",\#(rest)}"#, column)
    #expect(text.contains("rows.jsonl:1: key"), "\(text)")
    for word in words { #expect(text.contains(word), "\(text)") }
  }

  @Test("a score without the other is said")
  func alone() throws {
    let report = try survey(
      #"{"prompt":"q",\#(pair),"score_chosen":1}"# + "\n"
        + #"{"prompt":"q","response_a":"a","response_b":"b","winner":"a","score_B":1}"#
    ).report
    let notes = report.columns.notes
    #expect(notes.contains("in 1 rows `score_chosen` says nothing without `rejected_score`"))
    #expect(notes.contains("in 1 rows `score_B` says nothing without `score_A`"))
  }

  @Test("a named column is of use where its row says nothing in it, and where it is read")
  func useful() throws {
    let text = """
      {"prompt":"q","response_1":"a","response_2":"b","l":2}
      {"prompt":"q","completion":"a","label":true,"l":null}
      """
    let rows = try survey(text, "preference=l").rows
    #expect(rows.count == 2)
    let ids = #"{"ask":"q","prompt_ids":[1],\#(pair)}"#
    #expect(try survey(ids, "prompt=ask").rows.count == 1)
    let talk = try TemporaryFile(#"{"talk":[{"role":"user","content":"q"}],"l":1}"#)
    func prompts(_ columns: String...) throws -> [PromptRow] {
      let reading = RowReading(columns: columns.compactMap { NamedColumn($0) })
      return try PromptFile.read([talk.url], as: reading).rows
    }
    #expect(try prompts("messages=talk").count == 1)
    #expect(throws: PreferenceError.self) { try prompts("messages=talk", "label=l") }
    let marked = #"{"prompt":"q","completion":"a","rating":0.5,"l":true}"#
    #expect(
      try survey(marked, "label=l", "ignore=rating").rows
        == [.rating(Rating(prompt: "q", response: "a", label: true))])
  }

  @Test("token ids in the place of a prompt are refused where texts are learned from")
  func ids() throws {
    #expect(try message(#"{"prompt_ids":[1],\#(pair)}"#).contains("key `prompt_ids`: token ids"))
    #expect(try survey(#"{"prompt":"q","prompt_ids":[1],\#(pair)}"#).rows.count == 1)
  }

  @Test("token ids of a prompt alone say nothing beside texts; `data` finds damaged ones")
  func idsBesideTexts() throws {
    func kinds(_ text: String) throws -> [String] {
      let file = try TemporaryFile(text)
      return try DataSurvey(of: file.url, as: RowReading()).kinds.map(\.kind)
    }
    #expect(try kinds(#"{"prompt":"q","prompt_ids":[1],\#(pair)}"#) == ["comparisons"])
    let single = try TemporaryFile(#"{"prompt":"q","response":"a","prompt_ids":[1]}"#)
    let row = try #require(try ResponseRowReader([single.url]).nextRow())
    #expect(row.content == .text(prompt: "q", responses: ["a"], isRendered: false))
    #expect(try kinds(#"{"prompt_ids":[1],"response_ids":[2]}"#) == ["rows of token ids"])
    #expect(throws: PreferenceError.self) { try kinds(#"{"prompt_ids":[1],"response_ids":"b"}"#) }
    // Of a file of prompts they are what is asked for.
    let prompts = try TemporaryFile(#"{"prompt":"q","prompt_ids":[1]}"#)
    #expect(try PromptFile.read([prompts.url]).rows.map(\.content) == [.ids([1])])
  }

  @Test("what is suggested for a look-alike is what its row has a place for")
  func suggestion() throws {
    #expect(
      try message(#"{"prompt":"q","response":"a","rating":1,"score":2}"#)
        .contains("looks like `score` and is not read; say what it is with `--column rating=score`")
    )
    let pair = try message(#"{"prompt":"q",\#(pair),"ratings":[1,2]}"#)
    #expect(pair.contains("is not read; pass over it with `--column ignore=ratings`"), "\(pair)")
  }

  @Test("ratings order responses; equal ones are ties, and objects carry their own")
  func rated() throws {
    let rows = try survey(
      """
      {"prompt":"q","responses":["a","b","c"],"ratings":[1,3,1]}
      {"instruction":"q","completions":[{"response":"a","overall_score":1},{"response":"b","overall_score":"3"}],"models":["x","y"]}
      {"prompt":"q","answers":[{"answer":"a","model":"m","rank":2},{"answer":"b","rank":1.0}]}
      {"prompt":"q","completions":["a","b"],"scores":[0.5,0.25]}
      """
    ).rows
    let rankings = rows.compactMap { row in
      if case .ranking(let ranking) = row { ranking } else { nil }
    }
    #expect(rankings.map(\.ranking) == [[1, 0, 2], [1, 0], [1, 0], [0, 1]])
    #expect(rankings[0].pairs.map { [$0.better, $0.worse] } == [[1, 0], [1, 2]])
    #expect(rankings[2].ratings == [-2, -1])
    #expect(try survey(rows.map { try $0.line() }.joined(separator: "\n")).rows == rows)
  }

  @Test(
    "more names of public data sets are mapped, and give what the row says",
    arguments: [
      (
        #"{"problem":"q","steps":["a","b"],"labels":[1,0]}"#,
        #"{"prompt":"q","completions":["a","b"],"labels":[true,false]}"#
      ),
      (
        #"{"prompt":"q","steps":["a","b"],"step_labels":[true,false]}"#,
        #"{"prompt":"q","completions":["a","b"],"labels":[true,false]}"#
      ),
      (
        #"{"instruction":"q","output":"a","kto_tag":true}"#,
        #"{"prompt":"q","completion":"a","label":true}"#
      ),
      (
        #"{"prompt":"q","response":"a","is_safe":false}"#,
        #"{"prompt":"q","completion":"a","label":false}"#
      ),
      (
        #"{"question":"q","answer_a":"a","answer_b":"b","preferred":"b"}"#,
        #"{"prompt":"q","chosen":"b","rejected":"a"}"#
      ),
      (
        #"{"instruction":"q","generation":"a","rating":4}"#,
        #"{"prompt":"q","response":"a","rating":4}"#
      ),
      (
        #"{"question":"q","response_j":"a","response_k":"b"}"#,
        #"{"prompt":"q","chosen":"a","rejected":"b"}"#
      ),
      (
        #"{"prompt":"q","chosen":"a","rejected":"b","chosen_avg_rating":5,"rejected_avg_rating":3}"#,
        #"{"prompt":"q","chosen":"a","rejected":"b","chosen_score":5,"rejected_score":3}"#
      ),
      (
        #"{"prompt":"q","chosen":"a","rejected":"b","chosen_prob":0.75}"#,
        #"{"prompt":"q","chosen":"a","rejected":"b","chosen_probability":0.75}"#
      ),
      (
        #"{"question":{"id":"1","full_text":"q"},"answer_0":"a","answer_1":"b","score_0":-1,"score_1":0.5}"#,
        #"{"prompt":"q","chosen":"b","rejected":"a"}"#
      ),
      (
        #"{"prompt":"q","response_1":"a","response_2":"b","score_1":2,"score_2":1}"#,
        #"{"prompt":"q","chosen":"a","rejected":"b"}"#
      ),
      (
        #"{"question":"q","answers":[{"text":"a","pm_score":1},{"text":"b","pm_score":4}]}"#,
        #"{"prompt":"q","responses":["a","b"],"ratings":[1,4]}"#
      ),
      (
        #"{"input":{"messages":[{"role":"user","content":"q"}],"tools":[]},"preferred_output":[{"role":"assistant","content":"a"}],"non_preferred_output":[{"role":"assistant","content":"b"}]}"#,
        #"{"prompt":[{"role":"user","content":"q"}],"chosen":"a","rejected":"b"}"#
      ),
    ])
  func publicNames(row: String, plain: String) throws {
    #expect(try survey(row).rows == survey(plain).rows)
  }

  @Test("tools of a request are written as those of a row are")
  func request() throws {
    let tools = #""tools":[{"type":"function","function":{"name":"f"}}]"#
    let messages = #"[{"role":"user","content":"q"}]"#
    #expect(
      try survey(#"{"prompt":{"messages":\#(messages),\#(tools)},\#(pair)}"#).rows
        == survey(#"{"prompt":\#(messages),\#(tools),\#(pair)}"#).rows)
  }

  @Test("what responses hold beside their text and number is said")
  func keysOfResponses() throws {
    let objects = #"{"text":"a","score":1,"model":"m"},{"text":"b","score":2,"system":"s"}"#
    let report = try survey(#"{"prompt":"q","completions":[\#(objects)]}"#).report
    #expect(
      report.columns.notes.contains(
        "in 1 rows these keys of `completions` are not read: `model`, `system`"))
  }

  @Test("a response that repeats the prompt is said wherever rows are read")
  func promptInResponse() throws {
    let row = #"{"prompt":"ask","chosen":"ask yes","rejected":"ask no"}"#
    let note = "in 1 rows a response begins with the prompt, which is not taken off"
    let file = try TemporaryFile(row)
    #expect(try DataSurvey(of: file.url, as: RowReading()).columns.notes == [note])
    let reader = ResponseRowReader([file.url])
    while try reader.nextRow() != nil {}
    #expect(reader.columns.notes == [note])
    #expect(try survey(row).report.columns.notes == [note])
  }

  @Test("a prompt that is null is not made of what the responses have in common")
  func nullPrompt() throws {
    let row = #"{"prompt":null,"chosen":"It is hot","rejected":"It is cold"}"#
    #expect(try message(row).contains("key `prompt`: is null; write a text"))
    let messages = #"[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]"#
    #expect(
      try survey(
        #"{"prompt":null,"chosen":\#(messages),"rejected":\#(messages.replacing("\"a\"", with: "\"b\""))}"#
      ).rows.count == 1)
  }

  @Test("a label beside a prompt alone is no label of a response, and is said to be unread")
  func labelOfNothing() throws {
    let file = try TemporaryFile(#"{"input":"q","label":"2 +","task":"t"}"#)
    let survey = try DataSurvey(of: file.url, as: RowReading())
    #expect(survey.kinds.map(\.kind) == ["prompts"])
    #expect(survey.columns.unread == ["label", "task"])
  }

  @Test("steps need a label each, texts beside them, and something in every one")
  func steps() throws {
    let labels = try message(#"{"prompt":"q","completions":["a","b"],"labels":[true]}"#)
    #expect(labels.contains("1 labels of 2 steps"))
    let messages = try message(
      #"{"prompt":[{"role":"user","content":"q"}],"completions":["a"],"labels":[true]}"#)
    #expect(messages.contains("stand beside messages"))
    let report = try survey(
      #"{"prompt":"q","completions":["a"," "],"labels":[true,false]}"# + "\n"
        + #"{"prompt":"q","completions":["a","a"],"labels":[true,false]}"#
    ).report
    #expect(report.emptyResponses == 1 && report.stepwise == 1)
  }

  @Test("per-row ratings, strengths, lists of right and wrong, ties, labels and steps are counted")
  func kinds() throws {
    let (rows, report) = try survey(
      """
      {"prompt":"q","response":"a","helpfulness":4,"correctness":3,"verbosity":2}
      {"prompt":"q","response_1":"a","response_2":"b","preference_strength":-2}
      {"prompt":"q","response_1":"a","response_2":"b","preference_strength":0}
      {"context":"q","response1":"a","response2":"b","overall_preference":1}
      {"prompt":"q","chosen":["a","b"],"rejected":["c"],"num_correct":2,"subset":"Ties"}
      {"prompt":"q","completion":"a","label":true}
      {"prompt":"q","completions":["a","b"],"labels":[true,false]}
      {"prompt":"q","answer_a":"a","answer_b":"b","winner":"tie (bothbad)"}
      {"prompt":"q","response_a":"a","response_b":"b"}
      """)
    #expect(report.ratings == 1 && report.comparisons == 4 && report.usable == 7)
    #expect(report.ties == 2 && report.labels == 1 && report.stepwise == 1)
    #expect(report.unjudged == 1)
    let comparisons = rows.compactMap { row in
      if case .comparison(let pair) = row { pair } else { nil }
    }
    #expect(comparisons.map { $0.chosen + $0.rejected } == ["ab", "ba", "ac", "bc"])
    #expect(rows.contains(.rating(Rating(prompt: "q", response: "a", label: true))))
    #expect(
      rows.contains(.steps(StepLabels(prompt: "q", steps: ["a", "b"], labels: [true, false]))))
    #expect(try survey(rows.map { try $0.line() }.joined(separator: "\n")).rows == rows)
    #expect(comparisons[0].margin == 2)
    for words in ["2 ties", "1 without a judgement", "1 with labelled steps"] {
      #expect("\(report)".contains(words))
    }
  }

  @Test(
    "a preference that does not say which is refused",
    arguments: [
      #""response_a":"a","response_b":"b","preference":1"#,
      #""response_0":"a","response_1":"b","preference":2"#,
      #""response_1":"a","response_2":"b","preference":0"#,
      #""response_a":"a","response_b":"b","winner":"gpt-4""#,
      #""human_ref_A":"a","human_ref_B":"b","labels":2"#,
    ])
  func unclear(row: String) throws {
    #expect(try message(#"{"prompt":"q",\#(row)}"#).contains("does not say which of"))
  }

  @Test("texts that look alike and differ in bytes are not the same")
  func normalization() throws {
    let report = try survey(
      #"{"prompt":"q","chosen":"caf\u00e9","rejected":"cafe\u0301"}"# + "\n"
        + #"{"prompt":"q","chosen":"caf\u00e9","rejected":"caf\u00e9"}"#
    ).report
    #expect(report.comparisons == 1 && report.identicalResponses == 1)
  }

  @Test("rows at fault end reading, or are passed over and counted")
  func skipping() throws {
    let good = #"{"prompt":"q",\#(pair)}"#
    let text = [good, #"{"prompt":"\ud800",\#(pair)}"#, "{", good, #"{"prompt":"q"}"#]
      .joined(separator: "\n")
    #expect(try message(text).contains("rows.jsonl:2: half of a surrogate pair stands alone"))
    let report = try survey(text, skips: true).report
    #expect(report.comparisons == 2 && report.skipped == 3)
    #expect("\(report)".contains("3 at fault, the first: "))
    #expect("\(report)".contains("rows.jsonl:2: "))
  }

  @Test("rows of two kinds are refused")
  func twoKinds() throws {
    #expect(
      try message(#"{"prompt":"q",\#(pair),"output":"x"}"#)
        .contains("key `output`: stands beside `chosen`"))
  }

  @Test("what the first row leaves empty is looked at in the next")
  func laterValues() throws {
    let empty = #"{"prompt":"q",\#(pair),"responses":null,"ratings":null,"promt":null}"#
    func second(_ rest: String) throws -> String {
      try message(empty + "\n" + #"{"prompt":"p",\#(pair),\#(rest)}"#)
    }
    #expect(
      try second(#""responses":["u","v"],"ratings":[1,2],"promt":null"#)
        .contains(":2: key `responses`: stands beside `chosen`"))
    #expect(
      try second(#""responses":null,"ratings":null,"promt":"Is it?""#)
        .contains(":2: key `promt`: looks like `prompt`"))
    // Rows of two sets in one file: each has what it says.
    let rows = try survey(
      #"{"prompt":"q","response":"a","rating":3,"label":null}"# + "\n"
        + #"{"prompt":"q","response":"b","rating":null,"label":false}"#
    ).rows
    #expect(
      rows == [
        .rating(Rating(prompt: "q", response: "a", rating: 3)),
        .rating(Rating(prompt: "q", response: "b", label: false)),
      ])
  }

  @Test("messages are the same whatever the order of their keys, and with a key that is null")
  func sameMessages() throws {
    let prompt = #"[{"role":"user","content":"q"}]"#
    func side(_ message: String, _ answer: String) -> String {
      #"[\#(message),{"role":"assistant","content":"\#(answer)"}]"#
    }
    let turned = #"{"content":"q","name":null,"role":"user"}"#
    let plain = #"{"role":"user","content":"q"}"#
    let sides = #""chosen":\#(side(turned, "a")),"rejected":\#(side(plain, "b"))"#
    #expect(
      try survey(#"{"prompt":\#(prompt),\#(sides)}"#).rows
        == survey(#"{"prompt":\#(prompt),"chosen":"a","rejected":"b"}"#).rows)
  }
}
