import Foundation
import TestSupport
import Testing

@Suite("Commands that use models")
struct ModelCommandTests {
  @Test("score gives text and its ids the same reward, with one end behind the text")
  func score() throws {
    let run = try TinyRun.shared()
    let generated = try run.run([
      "generate", "--model", "run/sft", "--prompt", "the soup", "--count", "1", "--json", "--quiet",
      "--max-tokens", "6", "--seed", "5",
    ])
    let row = try #require(try generated.rows().first)
    let prompt = try #require(row["prompt_ids"] as? [Int])
    // Without an end, whether it was drawn or not.
    let response = try #require(row["response_ids"] as? [Int]).filter { $0 > 2 }
    let words = try #require(row["response"] as? String).replacing("<unk>", with: "")
    let end = 1
    let file = try run.file(
      "rows.jsonl",
      """
      {"prompt":"the soup","response":"\(words)","note":"kept"}
      {"prompt_ids":\(prompt),"response_ids":\(response + [end])}
      {"prompt_ids":\(prompt),"response_ids":\(response)}
      {"prompt":"the soup","response":"\(words) <eos>"}

      """)
    let outcome = try run.run(["score", "--model", "run/reward", "--input", file])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let rows = try outcome.rows()
    let rewards = rows.compactMap { $0["reward"] as? Double }
    try #require(rewards.count == 4)
    #expect(rows[0]["note"] as? String == "kept")
    #expect(abs(rewards[0] - rewards[1]) < .float32Rounding)
    #expect(abs(rewards[0] - rewards[3]) < .float32Rounding)
    #expect(abs(rewards[0] - rewards[2]) > 1e-6, "ids are used as given, without an end")
    let written = try run.run([
      "score", "--model", "run/reward", "--input", file, "--output", "scored.jsonl",
    ])
    #expect(written.code == 0 && written.output.isEmpty)
    #expect(try run.text("scored.jsonl") == outcome.output)
  }

  @Test("--output writes into a pipe and does not replace it")
  func outputPipe() throws {
    let run = try TinyRun.shared()
    let file = try run.file("one-row.jsonl", #"{"prompt":"the soup","response":"was good"}"#)
    let pipe = run.directory.appending(path: "pipe").path
    #expect(mkfifo(pipe, 0o600) == 0)
    // For reading and writing, so that neither side waits for the other.
    let handle = try FileHandle(forUpdating: URL(filePath: pipe))
    let outcome = try run.run([
      "score", "--model", "run/reward", "--input", file, "--output", "pipe",
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    var status = stat()
    #expect(stat(pipe, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
    if status.st_mode & S_IFMT == S_IFIFO {
      #expect(String(decoding: handle.availableData, as: UTF8.self).contains("\"reward\":"))
    }
  }

  @Test("score and training read the same reward: margins of the run's held-out pairs")
  func scoreAsTraining() throws {
    let run = try TinyRun.shared()
    let pairs = try run.text("run/preferences/eval.jsonl").split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
    }
    let lines = try pairs.flatMap { pair in
      try ["chosen", "rejected"].map { side in
        let row = ["prompt": pair["prompt"] ?? "", "response": pair[side] ?? ""]
        return String(decoding: try JSONSerialization.data(withJSONObject: row), as: UTF8.self)
      }
    }
    let file = try run.file("pairs.jsonl", lines.joined(separator: "\n"))
    let rewards = try run.run(["score", "--model", "run/reward", "--input", file]).rows()
      .compactMap { $0["reward"] as? Double }
    try #require(rewards.count == lines.count)
    let right = pairs.indices.reduce(0.0) {
      let margin = rewards[2 * $1] - rewards[2 * $1 + 1]
      return $0 + (margin > 0 ? 1 : margin == 0 ? 0.5 : 0)
    }
    let kept = try JSONSerialization.jsonObject(with: run.bytes("run/evaluation.json"))
    let reward = ((kept as? [String: Any])?["reward"] as? [String: Any])?["accuracy"]
    let accuracy = try #require((reward as? [String: Any])?["value"] as? Double)
    #expect(abs(right / Double(pairs.count) - accuracy) < .float64Solutions)
  }

  @Test("logprobs are those that the sampler gave")
  func logProbabilities() throws {
    let run = try TinyRun.shared()
    let generated = try run.run([
      "generate", "--model", "run/sft", "--prompt", "we never", "--count", "5", "--json",
      "--max-tokens", "9",
    ])
    let file = try run.file(
      "sampled.jsonl", generated.output.replacing("logprobs", with: "sampler"))
    let outcome = try run.run(["logprobs", "--model", "run/sft", "--input", file])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let rows = try outcome.rows()
    #expect(rows.count == 5)
    for row in rows {
      let sampled = try #require(row["sampler"] as? [Double])
      let computed = try #require(row["logprobs"] as? [Double])
      #expect(sampled.count == computed.count && !computed.isEmpty)
      #expect(zip(sampled, computed).allSatisfy { abs($0 - $1) < .decoderRounding })
    }
  }

  @Test("logprobs of text add nothing behind the response and say the ids used")
  func logProbabilitiesOfText() throws {
    let run = try TinyRun.shared()
    let file = try run.file(
      "spoken.jsonl",
      """
      {"prompt":"the","response":""}
      {"prompt":"the soup","response":"was good"}
      """)
    let rows = try run.run(["logprobs", "--model", "run/sft", "--input", file, "--json"]).rows()
    #expect(
      (rows.first?["logprobs"] as? [Double])?.isEmpty == true, "nothing said, nothing to judge")
    let row = try #require(rows.last)
    #expect((row["prompt_ids"] as? [Int])?.count == 2)
    #expect((row["response_ids"] as? [Int])?.count == 2)
    #expect((row["logprobs"] as? [Double])?.count == 2)
  }

  @Test("generate at temperature 0 always says the same, and a seed decides the rest")
  func generate() throws {
    let run = try TinyRun.shared()
    func texts(_ options: String...) throws -> [Substring] {
      let outcome = try run.run(
        ["generate", "--model", "run/sft", "--prompt", "the soup", "--max-tokens", "8"] + options)
      #expect(outcome.code == 0, "\(outcome.errors)")
      return outcome.output.split(separator: "\n")
    }
    let greedy = try texts("--temperature", "0", "--count", "2", "--seed", "1")
    #expect(greedy.count == 2 && greedy[0] == greedy[1] && greedy[0].hasPrefix("the soup"))
    #expect(try texts("--temperature", "0", "--seed", "2").first == greedy[0])
    #expect(try texts("--top-k", "1", "--seed", "3").first == greedy[0])
    let three = try texts("--count", "3", "--seed", "4")
    #expect(try texts("--count", "3", "--seed", "4") == three)
    #expect(try texts("--count", "2", "--seed", "4") == Array(three.prefix(2)))
    #expect(try texts("--count", "3", "--seed", "5") != three)
  }

  @Test("annotate writes comparisons to standard output as --output would")
  func annotate() throws {
    let run = try TinyRun.shared()
    let arguments = ["annotate", "--policy", "run/sft", "--count", "4", "--quiet"]
    let outcome = try run.run(arguments)
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let rows = try outcome.rows()
    #expect(rows.count == 4)
    #expect(rows.allSatisfy { $0["chosen"] is String && $0["rejected"] is String })
    _ = try run.run(arguments + ["--output", "annotated.jsonl"])
    #expect(try run.text("annotated.jsonl") == outcome.output)
  }
}
