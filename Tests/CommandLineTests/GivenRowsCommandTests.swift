import Foundation
import Testing

@Suite("Rows as people have them")
struct GivenRowsCommandTests {
  private static let user = #"{"role":"user","content":"the soup"}"#
  private static func answer(_ text: String) -> String {
    #"{"role":"assistant","content":"\#(text)"}"#
  }

  /// One comparison in five shapes.
  private static let shapes = { () -> [String] in
    let (good, bad) = (answer("was good"), answer("was bad"))
    return [
      #"{"id":1,"prompt":[\#(user)],"chosen":[\#(good)],"rejected":[\#(bad)]}"#,
      #"{"id":2,"chosen":[\#(user),\#(good)],"rejected":[\#(user),\#(bad)]}"#,
      #"{"id":3,"prompt":"the soup","chosen":[\#(user),\#(good)],"rejected":[\#(user),\#(bad)],"messages":[\#(user),\#(good)],"score_chosen":8.5,"score_rejected":3.0}"#,
      #"{"id":4,"prompt":"the soup","chosen":[\#(good)],"rejected":[\#(bad)]}"#,
      #"{"id":5,"prompt":[\#(user)],"chosen":[\#(user),\#(good)],"rejected":[\#(user),\#(bad)]}"#,
    ]
  }()

  @Test("one example gets one reward in every shape; the plain format is named once")
  func oneExample() throws {
    let run = try TinyRun.shared()
    let file = try run.file("shapes.jsonl", Self.shapes.joined(separator: "\n"))
    let outcome = try run.run(["score", "--model", "run/reward", "--input", file])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let rows = try outcome.rows()
    #expect(Set(rows.compactMap { $0["chosen_reward"] as? Double }).count == 1)
    #expect(Set(rows.compactMap { $0["rejected_reward"] as? Double }).count == 1)
    #expect(rows.count == 5 && outcome.errors.ranges(of: "no chat template").count == 1)
  }

  @Test("a checkpoint's chat template renders messages, and nothing is put before or behind")
  func chatTemplate() throws {
    let run = try TinyRun.shared()
    for name in ["sft", "reward"] {
      let place = run.directory.appending(path: "chat-\(name)")
      try FileManager.default.copyItem(at: run.directory.appending(path: "run/\(name)"), to: place)
      try Data(
        #"""
        {% for m in messages %}{{ m.content }}{{ ' <eos>\n' if m.role == 'assistant' else ' ' }}{% endfor %}
        """#.utf8
      ).write(to: place.appending(path: "chat_template.jinja"))
    }
    let file = try run.file(
      "chat.jsonl",
      """
      {"prompt":"the soup ","response":"was good <eos>\\n"}
      {"prompt":"the soup","response":[\(Self.user),\(Self.answer("was good"))]}
      {"messages":[\(Self.user),\(Self.answer("was good"))]}
      """)
    let outcome = try run.run(["logprobs", "--model", "chat-sft", "--input", file])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(!outcome.errors.contains("chat template"))
    let rows = try outcome.rows()
    try #require(rows.count == 3)
    for key in ["prompt_ids", "response_ids"] {
      let ids = try rows.map { try #require($0[key] as? [Int]) }
      #expect(ids[0] == ids[1] && ids[1] == ids[2], "\(ids)")
    }
    // The end that the template writes is the only one.
    #expect((rows[1]["response_ids"] as? [Int])?.last == 1)
    let rewards = try run.run(["score", "--model", "chat-reward", "--input", file]).rows()
      .compactMap { $0["reward"] as? Double }
    #expect(rewards.count == 3 && Set(rewards).count == 1)
  }

  @Test("explicit and implicit prompts make the same split and the same model, byte for byte")
  func implicitPrompts() throws {
    let run = try TinyRun.shared()
    var (explicit, implicit): ([String], [String]) = ([], [])
    for noun in ["soup", "bed", "tea", "view", "room", "pool"] {
      let user = #"{"role":"user","content":"the \#(noun)"}"#
      for (good, bad) in [("very good", "very bad"), ("good", "bad"), ("not bad", "not good")] {
        let (good, bad) = (Self.answer("was " + good), Self.answer("was " + bad))
        explicit.append(#"{"prompt":[\#(user)],"chosen":[\#(good)],"rejected":[\#(bad)]}"#)
        implicit.append(#"{"chosen":[\#(user),\#(good)],"rejected":[\#(user),\#(bad)]}"#)
      }
    }
    for (name, rows) in [("explicit", explicit), ("implicit", implicit)] {
      let file = try run.file("\(name).jsonl", rows.joined(separator: "\n"))
      let outcome = try run.run(
        ["train-reward", "--base", "run/sft", "--preferences", file, "--out", name] + Program.tiny
          + ["--set", "preferences.pairs=4000"])
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    for name in ["preferences/train.jsonl", "preferences/eval.jsonl", "reward/model.safetensors"] {
      #expect(try run.bytes("explicit/\(name)") == run.bytes("implicit/\(name)"))
    }
    func prompts(_ name: String) throws -> Set<String> {
      Set(
        try run.text("implicit/preferences/\(name).jsonl").split(separator: "\n").compactMap {
          let row = try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
          return row?["prompt"] as? String
        })
    }
    let (training, heldOut) = try (prompts("train"), prompts("eval"))
    #expect(!heldOut.isEmpty && training.isDisjoint(with: heldOut))
    #expect(training.union(heldOut).count == 6)
  }

  @Test("from standard input make the same run as from a file, and several files as one")
  func standardInput() throws {
    let run = try TinyRun.shared()
    let rows = try run.text("run/preferences/train.jsonl")
    let lines = rows.split(separator: "\n")
    let file = try run.file("given-rows.jsonl", rows)
    let parts = try [
      run.file("part-1.jsonl", lines.prefix(100).joined(separator: "\n")),
      run.file("part-2.json", "[" + lines.dropFirst(100).joined(separator: ",\n") + "]"),
    ]
    func train(_ preferences: [String], _ out: String, input: String? = nil) throws -> String {
      let outcome = try Program.run(
        ["train-reward", "--base", "run/sft", "--out", out]
          + preferences.flatMap { ["--preferences", $0] } + Program.tiny, in: run.directory,
        input: input)
      #expect(outcome.code == 0, "\(outcome.errors)")
      return outcome.errors
    }
    #expect(try train([file], "given-file").contains("120 comparisons"))
    #expect(try train(["-"], "given-input", input: rows).contains("120 comparisons"))
    let several = try train(parts, "given-parts")
    #expect(several.contains("part-1.jsonl: 100 comparisons"))
    #expect(several.contains("part-2.json: 20 comparisons"))
    for name in ["preferences/train.jsonl", "preferences/eval.jsonl", "reward/model.safetensors"] {
      for out in ["given-input", "given-parts"] {
        #expect(try run.bytes("\(out)/\(name)") == run.bytes("given-file/\(name)"))
      }
    }
    let saved = try ["train", "eval"].flatMap {
      try run.text("given-file/preferences/\($0).jsonl").split(separator: "\n")
    }
    #expect(saved.sorted() == lines.sorted())
    let twice = try run.run(["train-reward", "--preferences", "-", "--eval", "-"])
    #expect(twice.code == 64 && twice.errors.contains("read once"))
  }

  @Test("a reward depends on its own text alone; equal ones are ties everywhere")
  func neighbours() throws {
    let run = try TinyRun.shared()
    func row(_ text: String) -> String { #"{"prompt":"the soup","response":"\#(text)"}"# }
    let texts = ["was good", "was", "was not very good", "was bad", "was very very very bad"]
    func rewards(_ rows: [String], _ name: String) throws -> [[String: Any]] {
      let file = try run.file(name, rows.joined(separator: "\n"))
      let outcome = try run.run(["score", "--model", "run/reward", "--input", file, "--quiet"])
      #expect(outcome.code == 0, "\(outcome.errors)")
      return try outcome.rows()
    }
    let alone: [Double?] = try texts.map {
      try rewards([row($0)], "alone.jsonl")[0]["reward"] as? Double
    }
    for count in [2, 5, 40] {
      let order: [Int] = (0..<count).map { $0 * 3 % 5 }
      let many = try rewards(order.map { row(texts[$0]) }, "together.jsonl")
      let together: [Double?] = many.map { $0["reward"] as? Double }
      #expect(together == order.map { alone[$0] })
    }
    let list = Array(repeating: "\"was good\"", count: 8).joined(separator: ",")
    let file = try run.file(
      "ties.jsonl",
      """
      {"prompt":"the soup","responses":[\(list)],"ranking":[0,1,2,3,4,5,6,7]}
      {"prompt":"the soup","chosen":"was zebra","rejected":"was quokka","subset":"ties"}
      {"prompt":"the soup","chosen":"was good","rejected":"was good","subset":"ties"}
      """)
    let arguments = ["score", "--model", "run/reward", "--input", file, "--output", "tied.jsonl"]
    let outcome = try run.run(arguments)
    #expect(outcome.output.contains("accuracy by subset: ties 50.0 % of 2"))
    #expect(outcome.output.contains("order 50.0 %"))
    #expect(try run.text("tied.jsonl").contains(#""order":[0,1,2,3,4,5,6,7]"#))
    let figures = try #require(try run.run(arguments + ["--json"]).rows().first)
    let subset = (figures["subsets"] as? [String: Any])?["ties"] as? [String: Any]
    #expect(subset?["n"] as? Int == 2 && subset?["value"] as? Double == 0.5)
  }

  @Test("lists of right and wrong responses get a reward each")
  func lists() throws {
    let run = try TinyRun.shared()
    let file = try run.file(
      "lists.jsonl",
      #"{"prompt":"the soup","chosen":["was good"],"rejected":["was bad","was cold"],"subset":"x"}"#
    )
    let outcome = try run.run(["score", "--model", "run/reward", "--input", file])
    let row = try #require(try outcome.rows().first)
    #expect((row["chosen_rewards"] as? [Double])?.count == 1)
    #expect((row["rejected_rewards"] as? [Double])?.count == 2)
    #expect(outcome.errors.contains("accuracy by subset: x "))
  }

  @Test("columns come back as they are written; --output leaves a file its permissions")
  func passedThrough() throws {
    let run = try TinyRun.shared()
    let kept =
      #""id":18446744073709551615,"p":0.10,"e":1e5,"n":-0.0,"big":123456789012345678901234567890"#
    let row = #"{\#(kept),"prompt":"the soup","response":"was good","a\/b":"caf\u00e9"}"#
    let file = try run.file("numbers.jsonl", row)
    let output = try run.file("numbers-out.jsonl", "old")
    let place = run.directory.appending(path: output).path
    #expect(chmod(place, 0o600) == 0)
    let outcome = try run.run(
      ["score", "--model", "run/reward", "--input", file, "--output", output])
    #expect(outcome.errors.contains("not read: `id`, `p`, `e`, `n`, `big`, `a/b`"))
    #expect(try run.text(output).hasPrefix(row.dropLast() + ",\"reward\":"))
    var status = stat()
    #expect(stat(place, &status) == 0 && status.st_mode & 0o777 == 0o600)
  }

  @Test("a column that is called as a result is stays, and the result gets a number, which is said")
  func taken() throws {
    let run = try TinyRun.shared()
    let row = #"{"prompt":"the soup","response":"was good","reward":0.50}"#
    let file = try run.file("taken.jsonl", row + "\n" + row)
    let first = try run.run(["score", "--model", "run/reward", "--input", file])
    #expect(first.errors.ranges(of: "have `reward` keep it").count == 1)
    #expect(first.output.hasPrefix(row.dropLast() + ",\"reward_2\":"))
    let again = try run.file("taken-again.jsonl", first.output)
    let second = try run.run(["score", "--model", "run/reward", "--input", again])
    let scored = try #require(try second.rows().first)
    #expect(scored["reward_2"] as? Double == scored["reward_3"] as? Double)
    #expect(scored["reward"] as? Double == 0.5 && scored["reward_3"] != nil)

    let others = #"{"response_ids":[3, 4],"prompt_ids":[3],"logprobs":"mine"}"#
    let texts = #"{"prompt":"the soup","response":"was good","prompt_ids":null,"logprobs":[1.50]}"#
    let mixed = try run.file("taken-logs.jsonl", others + "\n" + texts)
    let logs = try run.run(["logprobs", "--model", "run/sft", "--input", mixed])
    #expect(logs.errors.contains("have `logprobs` keep it; what is added to them is `logprobs_2`"))
    let lines = logs.output.split(separator: "\n")
    try #require(lines.count == 2)
    let kept = #"{"response_ids":[3,4],"prompt_ids":[3],"logprobs":"mine","logprobs_2":["#
    #expect(lines[0].hasPrefix(kept) && !lines[0].contains("ids_2"))
    #expect(lines[1].hasPrefix(texts.dropLast() + ",\"logprobs_2\":["))
    #expect(lines[1].contains("\"prompt_ids_2\":[") && lines[1].contains("\"response_ids\":["))
  }

  @Test("--skip passes over rows that cannot be scored, and counts them")
  func skipping() throws {
    let run = try TinyRun.shared()
    let good = #"{"prompt":"the soup","response":"was good"}"#
    let file = try run.file(
      "faults.jsonl",
      [
        good, #"{"prompt":"the soup","response":"\udc00"}"#, #"{"prompt":"the soup"}"#,
        #"{"prompt":"","response":"was good"}"#, good,
      ].joined(separator: "\n"))
    let arguments = ["score", "--model", "run/reward", "--input", file]
    let refused = try run.run(arguments)
    #expect(refused.code == 65 && refused.errors.contains("faults.jsonl:2: half of a surrogate"))
    let skipped = try run.run(arguments + ["--skip"])
    #expect(skipped.code == 0 && skipped.output.split(separator: "\n").count == 2)
    #expect(skipped.errors.contains("3 rows are passed over, the first: "))
  }

  @Test("prompts are read from lists, tables, gzip, pipes and lines of text")
  func prompts() throws {
    let run = try TinyRun.shared()
    func generate(_ prompts: String, input: String? = nil) throws -> [String] {
      let outcome = try Program.run(
        [
          "generate", "--model", "run/sft", "--prompts", prompts, "--json", "--max-tokens", "3",
          "--quiet",
        ], in: run.directory, input: input)
      #expect(outcome.code == 0, "\(outcome.errors)")
      return try outcome.rows().compactMap { $0["prompt"] as? String }
    }
    let expected = ["the soup", "the bed"]
    let list = #"[{"prompt":"the soup"},{"prompt":"the bed"}]"#
    for (name, text) in [
      ("list.txt", list), ("lines.txt", "the soup\r\n\r\nthe bed\r\n"),
      ("table.csv", "id,question\n1,the soup\n2,\"the bed\"\n"),
    ] {
      #expect(try generate(run.file("prompts-\(name)", text)) == expected, "\(name)")
    }
    #expect(try generate("-", input: list) == expected)
    let pipe = run.directory.appending(path: "prompts.fifo")
    #expect(mkfifo(pipe.path, 0o600) == 0)
    let writer = Thread { try? Data(list.utf8).write(to: pipe) }
    writer.start()
    #expect(try generate("prompts.fifo") == expected)
    let messages = try run.file("prompts-messages.jsonl", #"{"messages":[\#(Self.user)]}"#)
    #expect(try generate(messages) == ["user: the soup\nassistant:"])
    let chat = try run.run([
      "generate", "--model", "run/sft", "--prompt", "the soup", "--chat", "--json",
    ])
    #expect(chat.errors.contains("no chat template"))
    #expect(try chat.rows().first?["prompt"] as? String == "user: the soup\nassistant:")
    #expect(try run.run(["generate", "--model", "run/sft"]).code == 64)
  }

  @Test("dpo takes rows and models of any vocabulary, and measures on held-out prompts")
  func directPreference() throws {
    let run = try BadFiles.shared()
    let rows = ["we", "they", "nobody", "I"].map {
      #"{"prompt":"\#($0) never","chosen":"liked","rejected":"hated"}"#
    }
    let file = try run.file("own.jsonl", rows.joined(separator: "\n"))
    let arguments = [
      "dpo", "--policy", "other/sft", "--preferences", file, "--out", "own-dpo", "--set",
      "preferences.held_out_pairs=1000", "--set", "preferences.pairs=3000", "--set",
      "evaluation.responses=24", "--set", "evaluation.best_of=16",
    ]
    let refused = try run.run(arguments)
    #expect(refused.code == 65 && refused.errors.contains("train-reward --base"))
    let outcome = try run.run(arguments + ["--reward", "other/reward"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("measured on 1 prompts of held-out rows, without gold"))
    #expect(try run.text("own-dpo/samples/prompts.jsonl").contains("prompt_ids"))
  }

  @Test("responses may be as long as the checkpoint's positions allow, whatever the scenario has")
  func positions() throws {
    let run = try TinyRun.shared()
    let checkpoint = run.directory.appending(path: "long-sft")
    try FileManager.default.copyItem(at: run.directory.appending(path: "run/sft"), to: checkpoint)
    let config = checkpoint.appending(path: "config.json")
    let text = try String(contentsOf: config, encoding: .utf8)
    let key = "\"max_position_embeddings\": "
    try Data(text.replacing("\(key)32", with: "\(key)256").utf8).write(to: config)
    let prompts = try run.file("long-prompts.txt", "the soup was\nthe bed was\n")
    let arguments = [
      "ppo", "--policy", "long-sft", "--prompts", prompts, "--out", "long-ppo", "--set",
      "ppo.reward.source=command", "--set", "ppo.reward.command=while read -r row; do echo 1; done",
    ]
    func tokens(_ count: Int) -> [String] { ["--set", "ppo.maximum_tokens=\(count)"] }
    let outcome = try run.run(arguments + Program.tiny.dropLast(2) + tokens(80))
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(try run.text("long-ppo/scenario.yaml").contains("maximum_positions: 256"))
    let refused = try run.run(arguments + Program.tiny.dropLast(2) + tokens(300) + ["--force"])
    #expect(refused.code == 65 && refused.errors.contains("maximum_positions"))
  }

  @Test("labels alone are learned as labels, which is said where pairs are wanted, and are judged")
  func labels() throws {
    let run = try TinyRun.shared()
    let rows = ["soup", "bed", "tea", "view"].map {
      #"{"prompt":"the \#($0)","completion":"was good","label":true}"#
    }
    let file = try run.file("labels.jsonl", rows.joined(separator: "\n"))
    let arguments =
      ["train-reward", "--base", "run/sft", "--preferences", file, "--out", "labels"]
      + Program.tiny
    let refused = try run.run(arguments)
    #expect(refused.code == 65 && refused.errors.contains("--set reward.objective=binary"))
    let outcome = try run.run(arguments + ["--set", "reward.objective=binary"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let scored = try run.run(["score", "--model", "labels/reward", "--input", file])
    #expect(
      scored.errors.contains("the label says in") && scored.errors.contains("of 4 rows"),
      "\(scored.errors)")
  }

  @Test("a file that may not grow is an error of writing, and nothing is left over")
  func fileSizeLimit() throws {
    let run = try TinyRun.shared()
    let row = #"{"prompt":"the soup","response":"was good"}"#
    _ = try run.file("growing.jsonl", Array(repeating: row, count: 200).joined(separator: "\n"))
    let outcome = try Program.run(
      ["score", "--model", "run/reward", "--input", "growing.jsonl", "--output", "limited.jsonl"],
      in: run.directory, after: "ulimit -f 2")
    #expect(outcome.code == 74, "\(outcome.errors)")
    #expect(outcome.errors.contains("limited.jsonl"))
    let names = try FileManager.default.contentsOfDirectory(atPath: run.directory.path)
    #expect(!names.contains { $0.contains("limited") })
  }

  @Test("a run in the place of a model names the checkpoints that will do, the likeliest first")
  func runAsModel() throws {
    let run = try TinyRun.shared()
    func place(_ name: String) -> String { "--model run/\(name)" }
    let policies =
      "run is a run; its policies are "
      + ["ppo/policy", "sft", "reference"].map(place).joined(separator: ", ")
    let reward = "run is a run; its reward model is " + place("reward")
    let rows = try run.file("one.jsonl", #"{"prompt":"the soup","response":"was good"}"#)
    for (arguments, words) in [
      (["generate", "--prompt", "the soup"], policies), (["logprobs", "--input", rows], policies),
      (["score", "--input", rows], reward),
    ] {
      let outcome = try run.run(arguments + ["--model", "run"])
      #expect(outcome.code == 65 && outcome.errors == "error: \(words)\n", "\(outcome.errors)")
    }
    let without = try run.run(["generate", "--model", "run"])
    #expect(without.code == 64)
    #expect(
      without.errors.contains("A prompt is missing: give --prompt or --prompts. And \(policies)."))
    let model = try run.run(["generate", "--model", "run/sft"])
    #expect(model.errors.contains("give --prompt or --prompts.\n"), "\(model.errors)")
    let both = try run.run([
      "generate", "--model", "run/sft", "--prompt", "a", "--prompts", rows,
    ])
    #expect(both.code == 64 && both.errors.contains("not both"))
  }

  @Test("ratings of single responses make pairs where pairs are learned")
  func ratings() throws {
    let run = try TinyRun.shared()
    let rows = ["soup", "bed", "tea", "view"].flatMap { noun in
      [("good", 4), ("bad", 1)].map {
        #"{"prompt":"the \#(noun)","response":"was \#($0.0)","helpfulness":\#($0.1),"verbosity":2}"#
      }
    }
    let file = try run.file("helpful.jsonl", rows.joined(separator: "\n"))
    let outcome = try run.run(
      ["train-reward", "--base", "run/sft", "--preferences", file, "--out", "helpful"]
        + Program.tiny)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(
      outcome.errors.contains("8 ratings") && outcome.errors.contains("`helpfulness` as rating"))
  }
}

@Suite("data")
struct DataCommandTests {
  @Test("says kinds, columns and examples, as text and as JSON")
  func description() throws {
    let run = try TinyRun.shared()
    let file = try run.file(
      "described.jsonl",
      """
      {"question":"the soup","chosen":"was good","rejected":"was bad","id":1}
      {"question":"the soup","chosen":"was good","rejected":"was good","id":2}
      {"question":"the bed","response_a":"was good","response_b":"was bad","preference":"tie","id":3}
      """)
    let outcome = try run.run(["data", file, "--model", "run/sft"])
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    for words in [
      "described.jsonl: 3 rows", "1 comparisons", "1 left out: identical responses",
      "1 left out: ties", "read `question` as prompt", "not read: `id`",
      "prompt (2 tokens): ⟦the soup⟧", "response 0 (2 tokens): ⟦was good⟧",
      "    response 0 is better than 1\n", "    a tie\n",
    ] {
      #expect(outcome.output.contains(words), "\(words) in \(outcome.output)")
    }
    let json = try #require(try run.run(["data", file, "--json"]).rows().first)
    let report = try #require((json["files"] as? [[String: Any]])?.first)
    #expect((report["kinds"] as? [String: Int])?["comparisons"] == 1)
    #expect((report["examples"] as? [[String: Any]])?.count == 3)
    #expect(report["unread"] as? [String] == ["id"])
    let judgements = (report["examples"] as? [[String: Any]])?.map {
      $0["judgement"] as? [String: Any]
    }
    #expect(judgements?.first??["better"] as? [Int] == [0])
    #expect(judgements?.last??["tie"] as? Bool == true)
  }

  @Test("refuses what it cannot read as the other commands do")
  func refusals() throws {
    let run = try TinyRun.shared()
    let typo = try run.file("typo.jsonl", #"{"promt":"the soup","chosen":"a","rejected":"b"}"#)
    let refused = try run.run(["data", typo])
    #expect(refused.code == 65 && refused.errors.contains("typo.jsonl:1: key `promt`: looks like"))
    #expect(try run.run(["data", typo, "--column", "prompt=promt"]).code == 0)
    let wrong = try run.run(["data", typo, "--column", "promt=prompt"])
    #expect(wrong.code == 64 && wrong.errors.contains("one of these roles: prompt, "))
  }
}
