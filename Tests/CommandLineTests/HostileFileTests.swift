import Foundation
import TestSupport
import Testing

/// Files of every reader that are made to crash it, to hang it or to fill the memory, read by the program
/// in little more memory than it needs itself.
@Suite("Hostile files end with code 65, in bounded memory and time")
struct HostileFileTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// What the message must contain.
    let words: String
    /// Writes files into a copy of the tiny run's reward model, or beside it.
    let make: @Sendable (_ model: URL, _ rows: URL) throws -> Void

    init(
      _ name: String, says words: String, _ make: @escaping @Sendable (URL, URL) throws -> Void
    ) {
      (testDescription, self.words, self.make) = (name, words, make)
    }

    /// A file of the model with this text.
    init(_ file: String, _ name: String, says words: String, _ text: @autoclosure () -> String) {
      let text = text()
      self.init("\(file): \(name)", says: words) { model, _ in
        try Data(text.utf8).write(to: model.appending(path: file))
      }
    }

    /// The rows have this text.
    init(rows name: String, says words: String, _ text: @autoclosure () -> String) {
      let text = text()
      self.init("rows: \(name)", says: words) { _, rows in try Data(text.utf8).write(to: rows) }
    }
  }

  private static let message =
    #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#
  private static let nested = String(repeating: "[", count: 100_000)

  private static func tokenizer(_ vocabulary: String, _ rest: String = "") -> String {
    #"{"model":{"type":"WordLevel","vocab":{\#(vocabulary)},"unk_token":"<unk>"}\#(rest)}"#
  }

  /// Changes `config.json` of the model.
  private static func edit(_ model: URL, _ old: String, _ new: String) throws {
    let file = model.appending(path: "config.json")
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text.contains(old))
    try Data(text.replacing(old, with: new).utf8).write(to: file)
  }

  /// Moves the weights into a shard, which an index names so.
  private static func shard(_ model: URL, named name: String) throws {
    let weights = model.appending(path: "model.safetensors")
    try FileManager.default.moveItem(
      at: weights, to: model.appending(path: "../outside.safetensors"))
    try Data(#"{"weight_map":{"score.weight":"\#(name)"}}"#.utf8)
      .write(to: model.appending(path: "model.safetensors.index.json"))
  }

  /// An adapter in the place of the model, which becomes its base.
  private static func adapter(_ model: URL, _ settings: String) throws {
    try FileManager.default.moveItem(at: model, to: model.appendingPathExtension("base"))
    try FileManager.default.createDirectory(at: model, withIntermediateDirectories: true)
    try Data(settings.utf8).write(to: model.appending(path: "adapter_config.json"))
    let header =
      #"{"x.lora_A.weight":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}"#
    var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    bytes.append(contentsOf: header.utf8)
    try bytes.write(to: model.appending(path: "adapter_model.safetensors"))
  }

  private static let lora =
    #"{"peft_type":"LORA","base_model_name_or_path":"../model.base","r":1099511627776,"lora_alpha":1}"#

  private static let cases = [
    // Rows.
    Case(rows: "a row without an end", says: "16 MiB", String(repeating: "a", count: 20 << 20)),
    Case(rows: "deep nesting", says: "deeper than 256", #"{"prompt":\#(nested)"#),
    Case(
      rows: "a list without an end", says: "16 MiB", "[" + String(repeating: "[", count: 20 << 20)),
    Case("rows: a gzip bomb", says: "16 MiB") { _, rows in
      let bomb = rows.deletingLastPathComponent().appending(path: "bomb.gz")
      let shell = Process()
      shell.executableURL = URL(filePath: "/bin/sh")
      // Members that follow each other: 4 GB of zeros in 4 MB.
      shell.arguments = [
        "-c",
        "head -c 16777216 /dev/zero | gzip -9 > \"$0\"; for i in 1 2 3 4 5 6 7 8; do "
          + "cat \"$0\" \"$0\" > \"$0.2\"; mv \"$0.2\" \"$0\"; done", bomb.path,
      ]
      try shell.run()
      shell.waitUntilExit()
      try FileManager.default.moveItem(at: bomb, to: rows.appendingPathExtension("gz"))
    },
    Case("rows: CSV of cells without an end", says: "more than 10000 cells") { _, rows in
      try Data(("prompt,response\n" + String(repeating: "a,", count: 8 << 20)).utf8)
        .write(to: rows.appendingPathExtension("csv"))
    },
    Case("rows: CSV whose cell has no end", says: "16 MiB") { _, rows in
      try Data(("prompt,response\n\"" + String(repeating: "\"\"", count: 10 << 20)).utf8)
        .write(to: rows.appendingPathExtension("csv"))
    },
    // Chat templates.
    Case(
      "chat_template.jinja", "a loop without an end", says: "chat template",
      "{% for a in range(99999999) %}{% for b in range(99999999) %}{{ b }}{% endfor %}{% endfor %}"),
    Case(
      "chat_template.jinja", "a text without an end", says: "chat template",
      "{{ 'abcdefgh' * 99999999 * 99999999 }}"),
    Case(
      "chat_template.jinja", "deep nesting", says: "chat template",
      String(repeating: "{% if true %}", count: 100_000)),
    Case(
      "chat_template.jinja", "a macro that calls itself", says: "chat template",
      "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}"),
    // Tokenizers.
    Case("tokenizer.json", "deep nesting", says: "tokenizer.json", nested),
    Case(
      "tokenizer.json", "a token of a number without a row", says: "tokenizer.json",
      tokenizer(#""<unk>":0,"a":2147483647"#)),
    Case(
      "tokenizer.json", "a pattern that backtracks", says: "tokenizer.json",
      tokenizer(
        #""<unk>":0"#,
        #","pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a+)+$"},"behavior":"Isolated"}"#)),
    Case(
      "tokenizer.json", "merges that are a number", says: "key `model.merges`: is a number",
      #"{"model":{"type":"WordLevel","vocab":{"<unk>":0},"unk_token":"<unk>","merges":5}}"#),
    Case("tokenizer_config.json", "no object", says: "tokenizer_config.json", nested),
    Case("special_tokens_map.json", "no object", says: "special_tokens_map.json", "[[]]"),
    // Configurations.
    Case(
      "generation_config.json", "tokens beyond all numbers", says: "eos_token_id",
      #"{"eos_token_id":[99999999999999999999]}"#),
    Case(
      "generation_config.json", "a negative token", says: "eos_token_id", #"{"eos_token_id":-1}"#),
    Case("generation_config.json", "deep nesting", says: "generation_config.json", nested),
    Case("config.json: layers that the file does not have", says: "layers.2.") { model, _ in
      try edit(model, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 100000")
    },
    Case("config.json: a vocabulary beyond the tensors", says: "[16777216, 16] is needed") {
      model, _ in
      let file = model.appending(path: "config.json")
      let text = try String(contentsOf: file, encoding: .utf8)
      let changed = text.replacing(/"vocab_size": \d+/, with: "\"vocab_size\": 16777216")
      #expect(changed != text)
      try Data(changed.utf8).write(to: file)
    },
    Case("config.json: a feed-forward width beyond the tensors", says: "is needed") { model, _ in
      try edit(model, "\"intermediate_size\": ", "\"intermediate_size\": 16777216, \"x\": ")
    },
    Case(
      "config.json", "a message of 70 kB that would clear the terminal",
      says: "which is not computed",
      "{\"num_labels\":1,\"model_type\":\"\\u001b[2J\(String(repeating: "x", count: 70_000))\"}"),
    Case("config.json: a device without an end", says: "larger than 64 MiB") { model, _ in
      let file = model.appending(path: "config.json")
      try FileManager.default.removeItem(at: file)
      try FileManager.default.createSymbolicLink(
        at: file, withDestinationURL: URL(filePath: "/dev/zero"))
    },
    Case("config.json: layers without an end", says: "layers") { model, _ in
      try edit(model, "\"num_hidden_layers\": ", "\"num_hidden_layers\": 1000000000")
    },
    // Weights.
    Case(
      "model.safetensors", "a header of all memory", says: "model.safetensors",
      "\u{7F}\u{7F}\u{7F}\u{7F}\u{7F}\u{0}\u{0}\u{0}{}"),
    Case("an index that names a file outside", says: "not a file of this directory") { model, _ in
      try shard(model, named: "../outside.safetensors")
    },
    Case("an index that names a file by its path", says: "not a file of this directory") {
      model, _ in
      try shard(model, named: "/etc/passwd")
    },
    Case("an adapter of a rank beyond all memory", says: "adapter") { model, _ in
      try adapter(model, lora)
    },
    Case("an adapter whose base is itself", says: "base_model_name_or_path") { model, _ in
      try adapter(model, lora.replacing("../model.base", with: "."))
    },
  ]

  #if os(Linux)
    @Test("one line on standard error", arguments: cases)
    func refused(_ hostile: Case) throws {
      let run = try TinyRun.shared()
      let place = run.directory.appending(path: "hostile-\(UUID().uuidString)")
      let (model, rows) = (place.appending(path: "model"), place.appending(path: "rows"))
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: place) }
      try FileManager.default.copyItem(at: run.directory.appending(path: "run/reward"), to: model)
      try Data(Self.message.utf8).write(to: rows)
      try hostile.make(model, rows)
      let input =
        try FileManager.default.contentsOfDirectory(atPath: place.path)
        .filter { $0.hasPrefix("rows.") }.first ?? "rows"
      let outcome = try Program.run(
        ["score", "--model", "model", "--input", input], in: place,
        after: "ulimit -v 1000000; ulimit -t 60")
      #expect(outcome.code == 65, "\(outcome.code): \(outcome.errors.prefix(500))")
      #expect(outcome.errors.contains(hostile.words), "\(outcome.errors.prefix(500))")
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors.prefix(500))")
      #expect(outcome.errors.utf8.count < 5000, "\(outcome.errors.utf8.count) bytes")
      #expect(!outcome.errors.contains("\u{1B}"))
    }

    @Test("a token with a terminal's control sequence is generated as it is, and shown harmless")
    func generatedControls() throws {
      let run = try TinyRun.shared()
      let model = run.directory.appending(path: "controls")
      try FileManager.default.copyItem(at: run.directory.appending(path: "run/sft"), to: model)
      defer { try? FileManager.default.removeItem(at: model) }
      let file = model.appending(path: "tokenizer.json")
      let text = try String(contentsOf: file, encoding: .utf8)
      #expect(text.contains("\"soup\""))
      try Data(text.replacing("\"soup\"", with: "\"so\\u001b]0;up\"").utf8).write(to: file)
      let arguments = ["generate", "--model", "controls", "--prompt", "the so\u{1B}]0;up"]
      let shown = try Program.run(arguments, in: run.directory)
      #expect(shown.code == 0, "\(shown.errors)")
      #expect(shown.output.hasPrefix("the so\\u{1B}]0;up"), "\(shown.output)")
      let row = try #require(
        try Program.run(arguments + ["--json"], in: run.directory).rows().first)
      #expect(row["prompt"] as? String == "the so\u{1B}]0;up")
    }

    @Test("an argument in other bytes than UTF-8 is refused, before it names another file")
    func argumentBytes() throws {
      let run = try TinyRun.shared()
      let outcome = try Program.run(
        ["data"], in: run.directory, after: "set -- \"$@\" \"$(printf 'r\\377.jsonl')\"")
      #expect(outcome.code == 64)
      #expect(outcome.errors.contains("Argument 2, `r\u{FFFD}.jsonl`, is not UTF-8"))
    }

    @Test(
      "a small address space takes fewer threads, and too small a one ends the program at once",
      .disabled(if: isSanitized))
    func addressSpace() throws {
      let run = try TinyRun.shared()
      let file = try run.file("address-rows.jsonl", #"{"prompt":"the soup","response":"was good"}"#)
      var codes: Set<Int32> = []
      for kibibytes in stride(from: 300_000, through: 900_000, by: 100_000) {
        let outcome = try Program.run(
          ["score", "--model", "run/reward", "--input", file, "--threads", "8"], in: run.directory,
          after: "ulimit -v \(kibibytes); ulimit -t 20")
        codes.insert(outcome.code)
        #expect(
          outcome.code == 0 || outcome.errors.contains("raise `ulimit -v`"), "\(outcome.errors)")
      }
      #expect(codes == [0, 1])
    }

    @Test("a model card may be anything: it is not read for what the model is")
    func modelCard() throws {
      let run = try TinyRun.shared()
      for (index, card) in [
        Data([0xFF, 0xFE, 0x00]), Data(repeating: 0x61, count: 30 << 20),
        Data("Trained with rlhf-sim\nbase_model: a\u{1B}[2J\n".utf8),
      ].enumerated() {
        let model = run.directory.appending(path: "card-\(index)")
        try FileManager.default.copyItem(at: run.directory.appending(path: "run/sft"), to: model)
        try card.write(to: model.appending(path: "README.md"))
        let outcome = try Program.run(
          ["generate", "--model", "card-\(index)", "--prompt", "the soup", "--max-tokens", "2"],
          in: run.directory, after: "ulimit -v 1000000")
        #expect(outcome.code == 0, "\(outcome.errors)")
      }
    }
  #endif
}
