import Foundation
import TestSupport
import Testing

@Suite("Commands that run stages")
struct LoopCommandTests {
  @Test("demo writes a whole run directory")
  func demo() throws {
    let run = try TinyRun.shared()
    for path in [
      "run.json", "scenario.yaml", "sft/model.safetensors", "reward/model.safetensors",
      "ppo/policy/model.safetensors", "ppo/value/model.safetensors", "reference/tokenizer.json",
      "preferences/train.jsonl", "preferences/eval.jsonl", "metrics/sft.jsonl",
      "metrics/reward.jsonl", "metrics/ppo.jsonl", "evaluation.json", "report.html",
    ] {
      #expect(run.exists("run/\(path)"), "\(path)")
    }
    #expect(try run.text("run/run.json").contains("\"status\" : \"finished\""))
  }

  @Test("the same seed gives the same bytes at one thread and at two")
  func threads() throws {
    let run = try TinyRun.shared()
    let outcome = try run.run(
      ["demo", "--out", "two-threads", "--quiet", "--threads", "2"] + Program.tiny)
    #expect(outcome.code == 0, "\(outcome.errors)")
    for model in ["sft", "reward", "ppo/policy", "ppo/value"] {
      let path = "\(model)/model.safetensors"
      #expect(try run.bytes("run/\(path)") == run.bytes("two-threads/\(path)"), "\(path)")
    }
  }

  @Test("stage by stage gives the same models as demo")
  func stages() throws {
    let run = try TinyRun.shared()
    let steps: [[String]] = [
      ["sft", "--out", "stage-sft"],
      ["train-reward", "--base", "stage-sft/sft", "--out", "stage-reward"],
      [
        "ppo", "--policy", "stage-sft/sft", "--reward", "stage-reward/reward", "--out", "stage-ppo",
      ],
    ]
    for step in steps {
      let outcome = try run.run(step + ["--quiet"] + Program.tiny)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.errors.isEmpty)
      guard step[0] == "train-reward" else { continue }
      let lines = outcome.output.split(separator: "\n").map(String.init)
      for start in [
        "reward model on 1000 held-out pairs", "accuracy", "  the annotators' noise allows",
        "calibration error", "pairs ordered as gold does", "correlation with gold",
        "correlation with length", "worst probe, ", "Alert", "All figures: --verbose",
      ] {
        #expect(lines.contains { $0.hasPrefix(start) }, "\(start): \(outcome.output)")
      }
      #expect(lines.count <= 24 && lines.dropLast().allSatisfy { $0.count <= 80 })
      let whole = try run.run(["evaluate", "--run", "stage-reward"])
      let figures = whole.output.split(separator: "\n").map(String.init)
      for start in [
        "reward model on 1000 held-out pairs", "accuracy", "  the annotators' noise allows",
        "  on as many training pairs", "  where length says nothing", "  gold difference",
        "pairs ordered as gold does", "  of ranks", "loss", "calibration error", "  predicted 0.",
        "margin, chosen − rejected", "correlation with length", "filler: change of reward",
        "swapped prompt: change of reward",
      ] {
        #expect(figures.contains { $0.hasPrefix(start) }, "\(start): \(whole.output)")
      }
      #expect(figures.allSatisfy { $0.count <= 80 }, "\(whole.output)")
    }
    for (stage, model) in [
      ("stage-sft", "sft"), ("stage-reward", "reward"), ("stage-ppo", "ppo/policy"),
      ("stage-ppo", "ppo/value"), ("stage-ppo", "reference"),
    ] {
      let path = "\(model)/model.safetensors"
      #expect(try run.bytes("\(stage)/\(path)") == run.bytes("run/\(path)"), "\(path)")
    }
    #expect(run.exists("stage-reward/preferences/eval.jsonl"))
    #expect(run.exists("stage-ppo/samples/before_after.jsonl"))
    for stage in ["stage-sft", "stage-reward", "stage-ppo"] {
      #expect(run.exists("\(stage)/report.html") && run.exists("\(stage)/evaluation.json"))
    }
  }

  @Test("evaluate prints the figures of the run's evaluation.json again")
  func evaluate() throws {
    let run = try TinyRun.shared()
    let outcome = try run.run(["evaluate", "--run", "run", "--json"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let kept = try JSONSerialization.jsonObject(with: run.bytes("run/evaluation.json"))
    let said = try JSONSerialization.jsonObject(with: Data(outcome.output.utf8))
    #expect((kept as? NSDictionary) == (said as? NSDictionary))
    let models = [
      "--policy", "run/ppo/policy", "--reference", "run/reference", "--reward", "run/reward",
    ]
    let table = try run.run(["evaluate", "--quiet"] + models + Program.tiny)
    #expect(table.code == 0 && table.errors.isEmpty)
    for words in [
      "gold (sd of SFT)", "exact KL", "reward model's score (sd of SFT)", "\nVerdict: ",
      "The policy beats SFT",
      "of 24 prompts",
    ] {
      #expect(table.output.contains(words), "\(words)")
    }
  }

  @Test("train-reward takes rankings, and prints no ceiling where none is known")
  func givenPreferences() throws {
    let run = try TinyRun.shared()
    let annotated = try run.run(
      [
        "annotate", "--policy", "run/sft", "--count", "30", "--responses", "3", "--output",
        "rankings.jsonl", "--quiet",
      ])
    #expect(annotated.code == 0 && annotated.output.isEmpty, "\(annotated.errors)")
    let outcome = try run.run(
      [
        "train-reward", "--base", "run/sft", "--preferences", "rankings.jsonl", "--out",
        "from-rankings",
      ] + Program.tiny)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("held-out pairs") && !outcome.output.contains("allows"))
    #expect(outcome.errors.contains("30 rankings"))
    // Rankings are trained on as they are, and judged by as three pairs each.
    let rows = try run.text("from-rankings/preferences/train.jsonl").split(separator: "\n").count
    let heldOut = try run.text("from-rankings/preferences/eval.jsonl").split(separator: "\n").count
    #expect(3 * rows + heldOut == 90 && heldOut >= 3)
  }

  @Test("ppo on given prompts has no gold, and says which words it does not know")
  func givenPrompts() throws {
    let run = try TinyRun.shared()
    let prompts = try run.file("prompts.txt", "the soup\n\nwe frobnicated\n")
    let outcome = try run.run(
      [
        "ppo", "--policy", "run/sft", "--reward", "run/reward", "--prompts", prompts, "--out",
        "given-prompts", "--json",
      ] + Program.tiny)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("note: 1 words of the prompts are not in the vocabulary"))
    #expect(outcome.output.contains("\"score\"") && !outcome.output.contains("\"gold\""))
    let again = try run.run(["evaluate", "--run", "given-prompts", "--json"])
    #expect(again.output == outcome.output, "the run has saved its prompts: \(again.errors)")
    #expect(!(try run.text("given-prompts/metrics/ppo.jsonl").contains("objective/gold")))
    #expect(try run.text("run/metrics/ppo.jsonl").contains("objective/gold"))
  }

  @Test("a temperature that would enlarge rounding to the size of the clip range is refused")
  func lowestTemperature() throws {
    let run = try TinyRun.shared()
    let lower = try run.run(["ppo", "--set", "ppo.temperature=0.009", "--out", "lower"])
    #expect(lower.code == 65 && lower.errors.contains("`ppo.temperature`"))
  }

  @Test("without --out a run goes to the first free place")
  func freePlace() throws {
    let run = try TinyRun.shared()
    for place in ["runs/sft", "runs/sft-2"] {
      let outcome = try run.run(["sft", "--quiet"] + Program.tiny)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(run.exists("\(place)/sft/model.safetensors"), "\(place)")
    }
  }

  @Test("report writes report.html again")
  func report() throws {
    let run = try TinyRun.shared()
    let outcome = try run.run(["report", "stage-free"])
    #expect(outcome.code == 65)
    _ = try run.run(["sft", "--quiet", "--out", "to-report"] + Program.tiny)
    try FileManager.default.removeItem(at: run.directory.appending(path: "to-report/report.html"))
    #expect(try run.run(["report", "to-report"]).code == 0)
    #expect(try run.text("to-report/report.html").hasPrefix("<!DOCTYPE html>"))
  }

  @Test("scenario.yaml has the shape of the checkpoint that a run goes on from")
  func adoptedShape() throws {
    let run = try TinyRun.shared()
    let outcome = try run.run(
      ["ppo", "--policy", "run/sft", "--reward", "run/reward", "--out", "adopted"]
        + ["--set", "ppo.iterations=1", "--set", "ppo.episodes=16"]
        + ["--set", "evaluation.responses=16"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("has its shape"), "\(outcome.errors)")
    #expect(try run.text("adopted/scenario.yaml").contains("width: 16"))
  }

  @Test("trace shows a rollout whose numbers belong together")
  func trace() throws {
    let run = try TinyRun.shared()
    let outcome = try run.run(["trace", "--run", "run", "--sample", "1"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.contains("iteration 1, episode 1"), "\(outcome.output)")
    let row = try #require(
      run.run(["trace", "--run", "run", "--sample", "1", "--json"]).rows().first)
    func numbers(_ name: String) throws -> [Double] { try #require(row[name] as? [Double]) }
    let tokens = try #require(row["tokens"] as? [String])
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 6 + tokens.count)
    #expect(lines.last?.split(separator: " ").first == tokens.last.map { $0[...] })

    // The KL penalty, and the score minus it.
    let (kl, rewards) = (try numbers("kl"), try numbers("rewards"))
    let (policy, reference) = (
      try numbers("log_probabilities"), try numbers("reference_log_probabilities")
    )
    let (score, beta) = (try #require(row["score"] as? Double), 0.2)
    #expect(row["coefficient"] as? Double == beta)
    for token in tokens.indices {
      #expect(abs(kl[token] - (policy[token] - reference[token])) < .float64Solutions)
      let expected = -beta * kl[token] + (token == tokens.count - 1 ? score : 0)
      #expect(abs(rewards[token] - expected) < .float64Solutions)
    }
    let (values, returns) = (try numbers("values"), try numbers("returns"))
    #expect(
      abs(returns[tokens.count - 1] - rewards[tokens.count - 1]) < .float64Solutions,
      "V is 0 at the end")
    #expect(values.count == tokens.count)
    #expect(try numbers("ratios").contains { abs($0 - 1) > 1e-4 }, "the policy has moved")

    let beyond = try run.run(["trace", "--run", "run", "--sample", "99"])
    #expect(beyond.code == 65 && beyond.errors.contains("--sample from 0 to 15"))
    let last = try run.run(["trace", "--run", "run"]).output
    #expect(last.contains("iteration 2, episode 0") && !last.contains("-0.000"))
  }

  @Test("a corpus of the best of many is shown at once", .timeLimit(.minutes(1)))
  func shownBest() throws {
    let shown = try TinyRun.shared().run([
      "scenarios", "show", "arithmetic", "--count", "2", "--set", "world.response.best_of=1000",
    ])
    let lines = shown.output.split(separator: "\n")
    try #require(lines.count > 3, "\(shown.errors)")
    #expect(lines[0] == "Responses of the corpus, each the best by gold of 1000:")
    #expect(lines[3].hasPrefix("Two responses of the grammar to "))
  }

  @Test("scenarios show prints texts with gold, its parts and the opinions of the annotators")
  func shownScenario() throws {
    let run = try TinyRun.shared()
    let shown = try run.run(["scenarios", "show", "guard", "--count", "7", "--json"])
    let row = try #require(try shown.rows().first)
    let texts = try #require(row["texts"] as? [[String: Any]])
    let compared = try #require(row["compared"] as? [[String: Any]])
    #expect(texts.count == 7 && compared.count == 2)
    for text in texts + compared {
      let parts = try #require(text["parts"] as? [[String: Any]])
      let sum = parts.reduce(0) { $0 + ($1["value"] as? Double ?? .nan) }
      #expect(text["gold"] as? Double == sum)
      #expect(parts.compactMap { $0["feature"] as? String }.prefix(2) == ["help", "needless"])
    }
    #expect(compared[0]["prompt"] as? String == compared[1]["prompt"] as? String)
    let opinions = try #require(row["opinions"] as? [[String: Any]])
    let names = opinions.compactMap { $0["annotator"] as? String }
    #expect(names == ["helpful", "harmless"])
    let lines = try run.run(["scenarios", "show", "guard", "--count", "7"]).output
      .split(separator: "\n")
    #expect(lines.count == 7 + 3 + 2 && lines[0].contains(" | "))
    #expect(lines.suffix(2).allSatisfy { $0.contains("prefers A with probability 0.") })
    #expect(try run.run(["scenarios", "show", "gaurd"]).code == 65)
    #expect(try run.run(["scenarios", "show", "guard", "--count", "0"]).code == 64)
  }

  @Test("scenarios diff names the keys in which presets differ, and no other")
  func difference() throws {
    let run = try TinyRun.shared()
    let rows = try run.run(["scenarios", "diff", "openai-2019", "trl"]).output
      .split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(rows.contains(["ppo.kl.coefficient", "0.15", "0.05"]))
    #expect(rows.contains(["ppo.kl.controller", "adaptive", "fixed"]))
    #expect(!rows.contains { $0.first == "ppo.lambda" }, "both have 0.95")
    let long = try run.run(["scenarios", "diff", "sentiment", "goodhart"])
    #expect(long.output.split(separator: "\n").allSatisfy { $0.count <= 100 }, "\(long.output)")
    #expect(long.output.contains("The whole") && long.output.contains("…"))
    #expect(long.errors.contains("--json prints all of it"))
    let whole = try run.run(["scenarios", "diff", "sentiment", "goodhart", "--json"]).output
    #expect(whole.contains("stays grammatical."))
    let same = try run.run(["scenarios", "diff", "sentiment", "sentiment"])
    #expect(same.code == 0 && same.output.contains("do not differ"))
    #expect(try run.run(["scenarios", "diff", "sentiment", "trlxx"]).code == 65)
  }

  @Test("dpo and best-of-n end in the figures that ppo ends in")
  func otherMethods() throws {
    let run = try TinyRun.shared()
    let models = ["--policy", "run/sft", "--reward", "run/reward"]
    for (pairs, length) in [("offline", "dpo.epochs=2"), ("on-policy", "dpo.rounds=2")] {
      let outcome = try run.run(
        ["dpo", "--out", "dpo-\(pairs)", "--json", "--set", "dpo.pairs=\(pairs)"]
          + ["--set", length] + models + Program.tiny)
      #expect(outcome.code == 0, "\(outcome.errors)")
      let figures = try #require(outcome.rows().first)
      #expect((figures["ppo"] as? [String: Any])?["kl_exact"] != nil)
      #expect((figures["best_of_n"] as? [Any])?.count == 5)
      #expect(try run.text("dpo-\(pairs)/metrics/dpo.jsonl").contains("dpo/margin"))
      #expect(run.exists("dpo-\(pairs)/ppo/policy/model.safetensors"))
      #expect(run.exists("dpo-\(pairs)/preferences/train.jsonl") == (pairs == "offline"))
    }
    let best = try run.run(["best-of-n", "--out", "best"] + models + Program.tiny)
    #expect(best.code == 0 && best.output.contains("score (sd of SFT)"), "\(best.errors)")
    let refused = try run.run(
      ["dpo", "--preferences", "run/preferences/train.jsonl", "--set", "dpo.pairs=on-policy"])
    #expect(refused.code == 65 && refused.errors.contains("--preferences"))
  }
}

/// What is said at the end, and what stops before PPO.
@Suite struct VerdictCommandTests {
  @Test("an alert stops a strict run before PPO with exit code 3, and resume goes on")
  func strict() throws {
    let run = try TinyRun.shared()
    // Six steps on 120 pairs teach a reward model nothing.
    let command = ["demo", "--scenario", "sentiment", "--quiet"] + Program.tiny
    let stopped = try run.run(command + ["--out", "stopped", "--strict"])
    #expect(stopped.code == 3 && stopped.output.isEmpty, "\(stopped.output)\(stopped.errors)")
    #expect(stopped.errors.contains("--strict"), "\(stopped.errors)")
    func has(_ path: String) -> Bool {
      FileManager.default.fileExists(atPath: run.directory.appending(path: path).path)
    }
    #expect(has("stopped/reward/model.safetensors") && !has("stopped/ppo"))
    let resumed = try run.run(["resume", "stopped", "--quiet"])
    #expect(resumed.code == 0 && has("stopped/ppo/policy"), "\(resumed.errors)")
    #expect(resumed.output.contains("Verdict: "), "\(resumed.output)")
    #expect(resumed.output.contains("Alerts: Unrelated to gold; Far below"), "\(resumed.output)")
  }

  @Test("what train-reward prints fits a terminal of 80 by 24, alerts once; --verbose prints more")
  func fits() throws {
    let run = try TinyRun.shared()
    let command = ["train-reward", "--scenario", "sentiment", "--base", "run/sft"]
    let short = try run.run(command + ["--out", "short-figures"] + Program.tiny)
    #expect(short.code == 0, "\(short.errors)")
    let lines = short.output.split(separator: "\n", omittingEmptySubsequences: false)
    // A path of the test's own directory may be longer.
    #expect(lines.count <= 24 && lines.allSatisfy { $0.count <= 80 || $0.contains("/") })
    #expect(lines.count { $0.hasPrefix("Alert: Far below its ceiling") } == 1, "\(short.output)")
    #expect(!short.errors.contains("lert"), "\(short.errors)")
    // No policy was optimized, by no algorithm.
    #expect(try !run.text("short-figures/run.json").contains("\"method\""))
    let long = try run.run(command + ["--out", "long-figures", "--verbose"] + Program.tiny)
    #expect(long.code == 0 && long.output.count > short.output.count, "\(long.errors)")
  }
}
