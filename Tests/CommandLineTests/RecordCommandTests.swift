import Foundation
import Testing

@Suite("Commands about records")
struct RecordCommandTests {
  @Test("compare puts runs on one page, and names the place of what is no run")
  func compare() throws {
    let run = try TinyRun.shared()
    let outcome = try run.run(["compare", "run", "run/../run", "--out", "side-by-side"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.hasSuffix("side-by-side/compare.html\n"))
    let page = try run.text("side-by-side/compare.html")
    #expect(page.contains("Gold against √KL") && page.contains("run/../run"))
    let wrong = try run.run(["compare", "run", "run/sft"])
    #expect(wrong.code == 65 && wrong.errors.contains("is not a run directory"))
    #expect(try run.run(["compare"] + Array(repeating: "run", count: 9)).code == 0)
    try FileManager.default.removeItem(at: run.directory.appending(path: "compare.html"))
  }

  @Test("export writes every record as CSV, once")
  func export() throws {
    let run = try TinyRun.shared()
    let outcome = try run.run(["export", "run", "--csv", "--out", "tables"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let names = ["sft", "reward", "ppo", "evaluation", "samples", "tokens"]
    #expect(outcome.output.split(separator: "\n").count == names.count)
    for name in names { #expect(run.exists("tables/\(name).csv"), "\(name)") }
    let lines = try run.text("tables/ppo.csv").split(separator: "\n")
    #expect(lines.count == 3 && lines[0].hasPrefix("step,seconds,") && lines[1].hasPrefix("1,"))
    let tokens = try run.text("tables/tokens.csv").split(separator: "\n")
    #expect(tokens[0].split(separator: ",").count == 18)
    #expect(try run.text("tables/evaluation.csv").contains("\nppo.gold.n,24\n"))
    let again = try run.run(["export", "run", "--csv", "--out", "tables"])
    #expect(again.code == 65 && again.errors.contains("already exists"))
    #expect(try run.run(["export", "run", "--csv", "--out", "tables", "--force"]).code == 0)
    #expect(try run.run(["export", "run"]).code == 64)
  }

  @Test("export writes a checkpoint in 16-bit numbers, and what reads it says what it is")
  func exportCheckpoint() throws {
    let run = try TinyRun.shared()
    let outcome = try run.run([
      "export", "run/reward", "--dtype", "bfloat16", "--out", "reward-bfloat16",
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.hasSuffix("reward-bfloat16\n"))
    let configuration = try run.text("reward-bfloat16/config.json")
    #expect(configuration.contains(#""dtype": "bfloat16""#))
    #expect(configuration.contains("reward_normalization"))
    #expect(
      try run.bytes("reward-bfloat16/tokenizer.json") == run.bytes("run/reward/tokenizer.json"))
    let file = try run.file("row.jsonl", #"{"prompt":"the soup","response":"was good"}"#)
    func reward(_ model: String) throws -> Double {
      let outcome = try run.run(["score", "--model", model, "--input", file])
      #expect(!outcome.errors.contains("pad_token_id"))
      return try #require(outcome.rows().first?["reward"] as? Double)
    }
    let (exact, rounded) = (try reward("run/reward"), try reward("reward-bfloat16"))
    #expect(exact != rounded && abs(exact - rounded) < 0.05)

    // Padding that ends a response is read otherwise by transformers.
    _ = try run.file(
      "reward-bfloat16/config.json",
      configuration.replacing(#""pad_token_id": 0"#, with: #""pad_token_id": 1"#))
    let noted = try run.run(["score", "--model", "reward-bfloat16", "--input", file])
    #expect(noted.code == 0)
    #expect(noted.errors.contains("pad_token_id and eos_token_id of the reward model are both 1"))

    #expect(try run.run(["export", "run/sft", "--dtype", "float16"]).code == 64)
    #expect(try run.run(["export", "run/sft", "--csv", "--dtype", "float16"]).code == 64)
    let taken = try run.run(["export", "run/sft", "--dtype", "float16", "--out", "run"])
    #expect(taken.code == 65 && taken.errors.contains("exists"), "\(taken.errors)")
  }

  @Test("a completion script is made for each shell", arguments: ["bash", "zsh", "fish"])
  func completion(shell: String) throws {
    let run = try TinyRun.shared()
    let outcome = try run.run(["--generate-completion-script", shell])
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    for word in ["rlhf-sim", "train-reward", "label", "--scenario"] {
      let shown = shell == "fish" ? word.replacing("--", with: "") : word
      #expect(outcome.output.contains(shown), "\(word)")
    }
    guard shell == "bash" else { return }
    let script = try run.file("completion.bash", outcome.output)
    let check = Process()
    check.executableURL = URL(filePath: "/bin/bash")
    check.arguments = ["-n", run.directory.appending(path: script).path]
    try check.run()
    check.waitUntilExit()
    #expect(check.terminationStatus == 0)
  }

  @Test("the manual page names every command and option that there is")
  func manual() throws {
    let page = try String(
      contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../documentation/rlhf-sim.1"), encoding: .utf8)
    let dump = try TinyRun.shared().run(["--experimental-dump-help"]).output
    let root = try #require(
      try JSONSerialization.jsonObject(with: Data(dump.utf8)) as? [String: Any])
    let command = try #require(root["command"] as? [String: Any])
    let names = Self.names(of: command)
    #expect(names.contains("train-reward") && names.contains("--scenario"))
    for name in names {
      // mdoc writes the first dash of an option as the macro Fl.
      let written = name.hasPrefix("--") ? "Fl \(name.dropFirst())" : "It Em \(name)\n"
      #expect(
        name == "rlhf-sim" || page.contains(written), "\(name): see documentation/README.md")
    }
  }

  /// The names of a command, of its options and of everything below it.
  private static func names(of command: [String: Any]) -> Set<String> {
    var names: Set<String> = []
    if let name = command["commandName"] as? String { names.insert(name) }
    for argument in command["arguments"] as? [[String: Any]] ?? [] {
      for name in argument["names"] as? [[String: Any]] ?? [] {
        guard name["kind"] as? String == "long", let text = name["name"] as? String else {
          continue
        }
        names.insert("--\(text)")
      }
    }
    for below in command["subcommands"] as? [[String: Any]] ?? [] {
      names.formUnion(Self.names(of: below))
    }
    return names
  }
}
