import Foundation
import RunRecords
import Testing

@testable import Statistics

@Suite("Records")
struct RecordTests {
  @Test("of a run come back as they were written, and read well")
  func information() throws {
    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root, force: false)
      var information = RunInformation(
        version: "0.1.0", command: .demo, commandLine: ["rlhf-sim", "demo", "--out", "runs/a"],
        scenario: "sentiment", seed: .max, threads: 2, cpu: "A \"processor\"",
        blasCore: "SkylakeX", allocator: "jemalloc 5.3.0",
        started: Date(timeIntervalSince1970: 1_000_000_000))
      try information.write(to: run)
      #expect(try RunInformation.read(from: run) == information)
      let text = try text(of: run.information)
      #expect(text.contains("\"started\" : \"2001-09-09T01:46:40Z\""))
      #expect(text.contains("\"runs/a\""))
      #expect(text.contains("\"status\" : \"running\""))

      information.status = .failed
      information.ended = Date(timeIntervalSince1970: 1_000_000_060)
      information.stageSeconds = [.init(stage: "sft", seconds: 9.5)]
      information.error = "the loss is not finite"
      information.add(.init(.risingKL, iteration: 9, text: "earlier"))
      information.add(.init(.missingEOS, iteration: 2, text: "ends"))
      information.add(.init(.risingKL, iteration: 9, text: "again, after a power cut"))
      #expect(information.warnings?.map(\.text) == ["ends", "again, after a power cut"])
      try information.write(to: run)
      #expect(try RunInformation.read(from: run) == information)
    }
  }

  @Test("of the evaluation have the contract's keys")
  func evaluationKeys() throws {
    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root, force: false)
      let contract = """
        {"sft": {"gold": {"mean": -0.1, "sd": 1.4, "n": 512}, "score": {"mean": 0, "sd": 1, "n": 512}},
         "ppo": {"gold": {"mean": 1.6, "sd": 1.0, "n": 512}, "score": {"mean": 1, "sd": 1, "n": 512},
                 "kl_exact": {"mean": 3.5, "sd": 1.0, "n": 512}},
         "win_rate": {"value": 0.8, "low": 0.76, "high": 0.83, "n": 512},
         "reward": {"accuracy": {"value": 0.75, "low": 0.72, "high": 0.78, "n": 1000},
                    "ceiling": 0.8, "ece": 0.02}}
        """
      try AtomicFile.write(contract, to: run.evaluation)
      let summary = try EvaluationSummary.read(from: run)
      #expect(summary.ppo?.klExact == .init(mean: 3.5, standardDeviation: 1, count: 512))
      #expect(summary.winRate == .init(value: 0.8, low: 0.76, high: 0.83, count: 512))
      try summary.write(to: run)
      let written = try JSONSerialization.jsonObject(with: Data(contentsOf: run.evaluation))
      let expected = try JSONSerialization.jsonObject(with: Data(contract.utf8))
      #expect(written as? NSDictionary == expected as? NSDictionary)
    }
  }

  @Test("of the evaluation name the figure that is not finite, and write nothing")
  func evaluationNotFinite() throws {
    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root, force: false)
      let summary = EvaluationSummary(
        ppo: .init(klExact: .init(mean: .nan, standardDeviation: 1, count: 3)))
      #expect(
        throws: RunRecordsError.notFinite(path: run.evaluation.path, key: "ppo.kl_exact.mean")
      ) {
        try summary.write(to: run)
      }
      #expect(!FileManager.default.fileExists(atPath: run.evaluation.path))
    }
  }

  @Test("of samples come back in order, and a broken one is named by its line")
  func samples() throws {
    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root, force: false)
      let rows = [
        SampleComparison(
          prompt: "the food was", before: "bad\n", after: "“good”", goldBefore: -1, goldAfter: 2.5,
          scoreBefore: -0.5, scoreAfter: 1, klAfter: 3, tokensAfter: ["“good”", "<eos>"],
          exactKLTokensAfter: [2.75, 0.25], logRatioTokensAfter: [1.5, -0.5]),
        SampleComparison(prompt: "", before: "", after: ""),
      ]
      try SampleComparison.write(rows, to: run)
      #expect(try SampleComparison.read(from: run) == rows)
      let first = try text(of: run.sampleComparisons).split(separator: "\n")[0]
      for key in [
        "prompt", "before", "after", "gold_before", "gold_after", "score_before", "score_after",
        "kl_after", "tokens_after", "kl_exact_tokens_after", "log_ratio_tokens_after",
      ] {
        #expect(first.contains("\"\(key)\":"))
      }
      try AtomicFile.write("{\"prompt\":\"a\"}\n", to: run.sampleComparisons)
      #expect(
        throws: RunRecordsError.malformed(
          path: run.sampleComparisons.path, line: 1, reason: "the key `before` is missing")
      ) {
        try SampleComparison.read(from: run)
      }
    }
  }

  @Test("of samples of earlier runs have no tokens; numbers that are not as many are named")
  func sampleTokens() throws {
    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root, force: false)
      let earlier = #"{"after":"good","before":"bad","kl_after":3,"prompt":"the food was""#
      try AtomicFile.write(earlier + "}\n", to: run.sampleComparisons)
      let row = SampleComparison(prompt: "the food was", before: "bad", after: "good", klAfter: 3)
      #expect(try SampleComparison.read(from: run) == [row])
      // A row has no keys for values that it does not have.
      try SampleComparison.write([row], to: run)
      #expect(try text(of: run.sampleComparisons) == earlier + "}\n")
      for numbers in [
        #""tokens_after":["good"],"kl_exact_tokens_after":[3],"log_ratio_tokens_after":[]"#,
        #""tokens_after":["good"],"kl_exact_tokens_after":[2,1],"log_ratio_tokens_after":[1]"#,
        #""tokens_after":["good"],"log_ratio_tokens_after":[1]"#,
        #""kl_exact_tokens_after":[3],"log_ratio_tokens_after":[1]"#,
      ] {
        try AtomicFile.write("\(earlier)}\n\(earlier),\(numbers)}\n", to: run.sampleComparisons)
        #expect(
          throws: RunRecordsError.malformed(
            path: run.sampleComparisons.path, line: 2,
            reason: "there must be one number for each of `tokens_after`, or neither of them")
        ) {
          try SampleComparison.read(from: run)
        }
      }
    }
  }

  @Test("that cannot be written say why")
  func unwritable() throws {
    try withTemporaryDirectory { root in
      try AtomicFile.write("", to: root.appendingPathComponent("file"))
      let error = #expect(throws: RunRecordsError.self) {
        try AtomicFile.write("x", to: root.appendingPathComponent("file/below"))
      }
      #expect(
        error
          == .unwritable(
            path: root.path + "/file/below", reason: "A file with the same name already exists"))
    }
  }
}
