import Foundation
import Testing

@Suite("Bad input is refused with a code, a place and what to do")
struct BadInputTests {
  struct Refusal: Sendable, CustomTestStringConvertible {
    let arguments: [String]
    var code: Int32 = 65
    let words: [String]
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ arguments: String, _ code: Int32 = 65, says words: String...) {
      self.arguments = arguments.split(separator: " ").map { $0 == "''" ? "" : String($0) }
      self.code = code
      self.words = words
    }
  }

  private static let models = "--policy run/sft --reward run/reward"

  @Test(
    "one line on standard error",
    arguments: [
      // Sizes beyond any machine's memory.
      Refusal(
        "demo --set model.width=65536 --set model.layers=1000", says: "`model`", "GB", "lower"),
      Refusal(
        "demo --set ppo.episodes=1000000 --set ppo.maximum_tokens=60000 "
          + "--set model.maximum_positions=65536", says: "`ppo.episodes`", "GB"),
      Refusal("sft --set fine_tuning.batch_size=9000000000000", says: "`fine_tuning.batch_size`"),
      Refusal("demo --set evaluation.responses=9000000000000", says: "`evaluation.responses`"),
      // A run that would replace what it goes on from.
      Refusal(
        "ppo \(models) --out run --force", says: "which the run goes on from", "--out"),
      Refusal("sft --out ''", 64, says: "--out is empty"),
      // A shape that a checkpoint does not have.
      Refusal("ppo --set model.width=128", says: "--set model.width=128", "keeps its shape"),
      Refusal("train-reward --set model.layers=3", says: "--set model.layers=3"),
      // A missing file.
      Refusal("demo --scenario nowhere.yaml", says: "nowhere.yaml", "check that it exists"),
      Refusal("demo --scenario sentimant", says: "sentimant", "did you mean `sentiment`?"),
      Refusal("scenarios check nowhere.yaml", says: "nowhere.yaml", "cannot be read"),
      Refusal("ppo --policy nowhere", says: "nowhere", "config.json"),
      Refusal("generate --model nowhere --prompt a", says: "nowhere"),
      Refusal("score --model run/reward --input nowhere.jsonl", says: "nowhere.jsonl"),
      Refusal("logprobs --model run/sft --input nowhere.jsonl", says: "nowhere.jsonl"),
      Refusal("ppo \(models) --prompts nowhere.txt", says: "nowhere.txt"),
      Refusal(
        "train-reward --base run/sft --preferences nowhere.jsonl", says: "nowhere.jsonl"),
      Refusal("evaluate --run nowhere", says: "nowhere", "not a run directory"),
      Refusal("report nowhere", says: "nowhere", "not a run directory"),
      // An unknown key, a wrong type, an impossible size.
      Refusal(
        "demo --set ppo.learning_rat=1", says: "--set ppo.learning_rat=1", "unknown key"),
      Refusal("demo --set model.widht=8", says: "`model.widht`", "did you mean `width`?"),
      Refusal("sft --scenario unknown-key.yaml", says: "unknown-key.yaml:2", "`titel`", "title"),
      Refusal(
        "sft --scenario wrong-type.yaml", says: "wrong-type.yaml:", "`model.width`", "whole number"),
      Refusal("demo --set model.heads=5", says: "5 heads do not divide a width of 64", "choose"),
      Refusal("demo --set model.width=wide", says: "`model.width`", "a whole number"),
      Refusal("demo --set model.maximum_positions=17", says: "18 positions", "raise it"),
      Refusal("demo --set ppo.episodes=10", says: "minibatches", "divisor"),
      Refusal("demo --set ppo", says: "key.path=value"),
      // An empty prompt set, and prompts that make no sense.
      Refusal("ppo \(models) --prompts empty.txt", says: "empty.txt", "no usable prompt"),
      Refusal("ppo \(models) --prompts long.txt", says: "long.txt:2", "positions", "shorten"),
      Refusal("ppo \(models) --prompts ids.jsonl", says: "ids.jsonl:1", "9999", "vocabulary"),
      Refusal("ppo \(models) --prompts key.jsonl", says: "key.jsonl:1", "key `promt`", "`prompt`"),
      Refusal("ppo \(models) --prompts text.jsonl", says: "text.jsonl:1", "JSON"),
      Refusal("generate --model run/sft --prompt ''", says: "no tokens", "--prompt"),
      Refusal(
        "generate --model run/sft --prompt a --max-tokens 99", says: "32 positions", "fewer"),
      // Rows that make no sense.
      Refusal("score --model run/reward --input key.jsonl", says: "key.jsonl:1", "key `promt`"),
      Refusal("score --model run/reward --input far.jsonl", says: "far.jsonl:2", "9999"),
      Refusal("logprobs --model run/sft --input none.jsonl", says: "none.jsonl:1", "no tokens"),
      Refusal(
        "train-reward --base run/sft --preferences empty.txt", says: "empty.txt", "no usable row"),
      Refusal(
        "train-reward --base run/sft --preferences same.jsonl", says: "same.jsonl", "--eval"),
      // A checkpoint of another vocabulary, or of another kind.
      Refusal(
        "ppo --policy other/sft --reward run/reward", says: "other/sft", "run/reward",
        "do not share a vocabulary"),
      Refusal(
        "ppo --policy other/sft --reward other/reward", says: "other/sft", "`sentiment`",
        "--prompts"),
      Refusal("train-reward --base other/sft", says: "other/sft", "--preferences"),
      Refusal("annotate --policy other/sft --count 3", says: "other/sft", "vocabulary"),
      Refusal(
        "evaluate --policy run/sft --reference other/sft --reward run/reward",
        says: "run/sft", "other/sft"),
      Refusal("ppo --policy run/reward --reward run/reward", says: "no language head"),
      Refusal("ppo --policy run/sft --reward run/sft", says: "no scalar head"),
      // Something in the way.
      Refusal("sft --out run", says: "run already exists", "--force"),
      Refusal("sft --out empty.txt", says: "not a directory"),
      Refusal("sft --force --out other", says: "is not replaced", "run.json"),
      // Wrong usage is the argument parser's.
      Refusal("demo --threads 0", 64, says: "--threads", "1 to 1024"),
      Refusal("demo --seed many", 64, says: "--seed"),
      Refusal("frobnicate", 64, says: "frobnicate"),
      Refusal("annotate --policy run/sft", 64, says: "--count"),
      Refusal("annotate --count 0", 64, says: "--count", "from 1"),
      Refusal("evaluate", 64, says: "--run"),
      Refusal("train-reward --eval key.jsonl", 64, says: "--preferences"),
      Refusal("generate --model run/sft --prompt a --top-p 0", 64, says: "--top-p"),
      Refusal("generate --model run/sft --prompt a --temperature nan", 64, says: "--temperature"),
      Refusal("generate --model run/sft --prompt a --temperature 1e-300", 64, says: "least 1e-6"),
    ])
  func refusal(_ refusal: Refusal) throws {
    let place = try BadFiles.shared()
    let outcome = try place.run(refusal.arguments)
    #expect(outcome.code == refusal.code, "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    for words in refusal.words {
      #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }
    if refusal.code == 65 {
      #expect(outcome.errors.hasPrefix("error: "))
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
      #expect(!outcome.errors.contains("Error"))
    }
  }

  @Test("a refused command leaves what is in --out, with --force too")
  func untouched() throws {
    let place = try BadFiles.shared()
    _ = try place.run(["sft", "--quiet", "--out", "kept"] + Program.tiny)
    let before = try place.contents(of: "kept")
    #expect(before.count > 5)
    for arguments in [
      ["sft", "--out", "kept"],
      ["sft", "--out", "kept", "--force", "--set", "model.heads=5"],
      ["ppo", "--out", "kept", "--force", "--policy", "nowhere"],
      ["ppo", "--out", "kept", "--force", "--policy", "other/sft", "--reward", "run/reward"],
      [
        "ppo", "--out", "kept", "--force", "--policy", "run/sft", "--reward", "run/reward",
        "--prompts", "long.txt",
      ],
      [
        "train-reward", "--out", "kept", "--force", "--base", "run/sft", "--preferences",
        "unknown.jsonl",
      ],
    ] {
      #expect(try place.run(arguments).code == 65, "\(arguments)")
      #expect(try place.contents(of: "kept") == before, "\(arguments)")
    }
  }

  @Test("a loss that is not finite ends the run with stage, step and tensor, and is recorded")
  func notFinite() throws {
    let run = try TinyRun.shared()
    let outcome = try run.run(
      ["demo", "--quiet", "--out", "not-finite"] + Program.tiny
        + ["--set", "ppo.missing_end_penalty=1e300"])
    #expect(outcome.code == 1)
    for words in ["PPO", "step 1", "is not finite"] {
      #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }
    #expect(outcome.errors.split(separator: "\n").count == 1)
    #expect(try run.text("not-finite/run.json").contains("\"status\" : \"failed\""))
  }
}

/// The tiny run, with bad files and a run of another vocabulary beside it.
enum BadFiles {
  static func shared() throws -> TinyRun { try made.get() }

  private static let made = Result<TinyRun, any Error> {
    let run = try TinyRun.shared()
    let row = #"{"prompt":"the soup","response":"was good"}"#
    for (name, text) in [
      ("empty.txt", "\n  \n"),
      ("long.txt", "the soup\n" + String(repeating: "the ", count: 40)),
      ("ids.jsonl", #"{"prompt_ids":[3,9999]}"#), ("key.jsonl", #"{"promt":"the soup"}"#),
      ("text.jsonl", "the soup\n"),
      ("far.jsonl", row + "\n" + #"{"prompt_ids":[3],"response_ids":[9999]}"#),
      ("none.jsonl", #"{"prompt":"","response":"was good"}"#),
      ("same.jsonl", #"{"prompt":"the soup","chosen":"was good","rejected":"was bad"}"#),
      (
        "unknown.jsonl",
        #"{"prompt":"x","chosen":"aa","rejected":"bb"}"# + "\n"
          + #"{"prompt":"y","chosen":"cc","rejected":"dd"}"#
      ),
      ("unknown-key.yaml", "name: mine\ntitel: wrong\n"),
      (
        "wrong-type.yaml",
        try run.text("run/scenario.yaml").replacing("width: 16", with: "width: wide")
      ),
    ] {
      _ = try run.file(name, text)
    }
    let outcome = try run.run(
      ["demo", "--quiet", "--out", "other-run"] + Program.tiny
        + ["--set", "world.grammar.rules.person=[i, we, they, nobody]"])
    guard outcome.code == 0 else { throw TinyRun.Failed(description: outcome.errors) }
    let files = FileManager.default
    let other = run.directory.appending(path: "other")
    try files.createDirectory(at: other, withIntermediateDirectories: true)
    for name in ["sft", "reward"] {
      try files.copyItem(
        at: run.directory.appending(path: "other-run/\(name)"), to: other.appending(path: name))
    }
    return run
  }
}
