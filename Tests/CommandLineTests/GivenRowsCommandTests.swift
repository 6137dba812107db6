import Foundation
import Testing

@Suite("Rows from elsewhere")
struct GivenRowsCommandTests {
  @Test("from standard input make the same run as from a file")
  func standardInput() throws {
    let run = try TinyRun.shared()
    let rows = try run.text("run/preferences/train.jsonl")
    let file = try run.file("given-rows.jsonl", rows)
    func train(_ preferences: String, _ out: String, input: String? = nil) throws {
      let outcome = try Program.run(
        ["train-reward", "--base", "run/sft", "--preferences", preferences, "--out", out]
          + Program.tiny, in: run.directory, input: input)
      #expect(outcome.code == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("120 comparisons"))
    }
    try train(file, "given-file")
    try train("-", "given-input", input: rows)
    for name in ["preferences/train.jsonl", "preferences/eval.jsonl", "reward/model.safetensors"] {
      #expect(try run.bytes("given-input/\(name)") == run.bytes("given-file/\(name)"))
    }
    let kept = try ["train", "eval"].flatMap {
      try run.text("given-file/preferences/\($0).jsonl").split(separator: "\n")
    }
    #expect(kept.sorted() == rows.split(separator: "\n").sorted())
  }
}
