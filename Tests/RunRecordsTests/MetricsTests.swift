import Foundation
import Testing

@testable import RunRecords
@testable import Statistics

@Suite("Metrics")
struct MetricsTests {
  @Test("are one flat object a step, keys sorted, what is not finite null")
  func rows() throws {
    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root, force: false)
      let writer = try MetricsWriter(stage: .ppo, in: run)
      try writer.write(step: 0, seconds: 0.5, ["objective/kl": 2, "kl/coefficient": 0.1])
      try writer.write(
        step: 1, seconds: 1, ["value/loss": .nan, "a\"\\\n": -.infinity, "objective/kl": 1e-7])
      #expect(
        try text(of: run.metrics(.ppo)) == #"""
          {"step":0,"seconds":0.5,"kl/coefficient":0.1,"objective/kl":2.0}
          {"step":1,"seconds":1.0,"a\"\\\u000a":null,"objective/kl":1e-07,"value/loss":null}

          """#)

      // Read while the writer is still open: every row must be in the file already.
      let table = try MetricsTable(stage: .ppo, in: run)
      #expect(table.steps == [0, 1])
      #expect(table.seconds == [0.5, 1])
      #expect(table.names == ["a\"\\\n", "kl/coefficient", "objective/kl", "value/loss"])
      #expect(table["objective/kl"] == [2, 1e-7])
      #expect(table["kl/coefficient"] == [0.1, nil])
      #expect(table["value/loss"] == [nil, nil])
      #expect(table["objective/gold"] == nil)
      withExtendedLifetime(writer) {}
    }
  }

  @Test("of a stage are never written over")
  func refusesSecondWriter() throws {
    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root, force: false)
      try MetricsWriter(stage: .sft, in: run).write(step: 0, seconds: 0, ["sft/loss": 3])
      #expect(throws: RunRecordsError.alreadyExists(path: run.metrics(.sft).path)) {
        try MetricsWriter(stage: .sft, in: run)
      }
      #expect(try MetricsTable(stage: .sft, in: run).steps == [0])
    }
  }

  @Test("of a stage that was killed before its event file had a header get one when they go on")
  func killedAtTheBeginning() throws {
    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root, force: false)
      let started = Date(timeIntervalSince1970: 12)
      let events = run.eventFile(.dpo, started: started)
      _ = try MetricsWriter(stage: .dpo, in: run, started: started)
      let whole = try Data(contentsOf: events)
      #expect(!whole.isEmpty)
      for left in [Data(), whole.prefix(7)] {
        try left.write(to: events)
        _ = try MetricsWriter(stage: .dpo, in: run, upTo: 0)
        #expect(try Data(contentsOf: events) == whole)
      }
    }
  }

  @Test(
    "give a sweep the course of gold and disagreement, and the members of an ensemble by number")
  func figuresOfASweep() throws {
    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root, force: false)
      let writer = try MetricsWriter(stage: .ppo, in: run)
      // Means of five: 2, 3, 4, 3, 2 of gold; 0.2 and 0.6 of disagreement at both ends.
      for (step, gold) in [2, 2, 2, 2, 2, 7, 7, -3, -3].map(Double.init).enumerated() {
        try writer.write(
          step: step, seconds: 0,
          ["objective/gold": gold, "objective/disagreement": step < 5 ? 0.2 : 0.7])
      }
      var summary = EvaluationSummary(sft: .init(gold: Summary([0, 2])))
      summary.reward = .init()
      summary.reward?.members = [
        Proportion(successes: 3, of: 4), Proportion(successes: 1, of: 4),
      ]
      try summary.write(to: run)
      let found = try SweepResults.figures(of: run).map { ($0.name, $0.value) }
      let figures = Dictionary(found) { first, _ in first }
      #expect(figures.count == found.count, "no name twice")
      // The SFT policy: mean 1, sd √2.
      #expect(abs((figures["course.gold.highest"] ?? 0) - 3 / 2.0.squareRoot()) < 1e-12)
      #expect(abs((figures["course.gold.last"] ?? 0) - 1 / 2.0.squareRoot()) < 1e-12)
      #expect(abs((figures["course.gold.drop"] ?? 0) - 2.0.squareRoot()) < 1e-12)
      #expect(abs((figures["course.disagreement.first"] ?? 0) - 0.2) < 1e-12)
      #expect(abs((figures["course.disagreement.last"] ?? 0) - 0.6) < 1e-12)
      #expect(figures["reward.members.1.value"] == 0.75)
      #expect(figures["reward.members.2.value"] == 0.25)
    }
  }

  @Test("give a sweep's tables the verdict as a word, and gains by iteration in one unit")
  func tablesOfASweep() throws {
    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root.appending(path: "cells/a"), force: false)
      let writer = try MetricsWriter(stage: .ppo, in: run)
      try writer.write(
        step: 1, seconds: 0,
        ["objective/kl_exact": 0.5, "objective/gold": 12, "objective/score": 0.25])
      try writer.write(step: 2, seconds: 0, ["objective/kl_exact": 2, "objective/score": 2])
      // Gold: mean 10, sd 2; score: mean 0, sd 0.5.
      func summary(_ mean: Double, _ sd: Double) -> Summary {
        .init(mean: mean, standardDeviation: sd, count: 1_000)
      }
      var evaluation = EvaluationSummary(
        sft: .init(gold: summary(10, 2), score: summary(0, 0.5)),
        ppo: .init(gold: summary(10, 2), score: summary(2, 0.5)))
      evaluation.judge(scoredByModel: false)
      try evaluation.write(to: run)
      let cells = [
        SweepResult(run: "cells/a", labels: ["1"], seed: 3, status: "done", error: nil),
        SweepResult(
          run: "cells/b", labels: ["2"], seed: 3, status: "failed", error: "exit 3, it says"),
      ]
      try SweepResults(plan: "p", axes: ["reward.epochs"], cells: cells, in: root).write()
      func lines(_ name: String) throws -> [Substring] {
        try String(contentsOf: root.appending(path: name), encoding: .utf8).split(separator: "\n")
      }
      #expect(
        try lines("curves.csv") == [
          "cell,reward.epochs,seed,step,objective/kl_exact,gain_sd.gold,gain_sd.score,"
            + "objective/gold,objective/score",
          "cells/a,1,3,1,0.5,1.0,0.5,12.0,0.25", "cells/a,1,3,2,2.0,,4.0,,2.0",
        ])
      let results = try lines("results.csv")
      #expect(results[0].hasPrefix("cell,reward.epochs,seed,status,error,verdict,"))
      #expect(results[1].hasPrefix("cells/a,1,3,done,,fooled,"))
      #expect(results[2].hasPrefix("cells/b,2,3,failed,\"exit 3, it says\",,"))
      let json = try lines("results.json").joined()
      #expect(json.contains("\"verdict\": \"fooled\"") && json.contains("\"verdict\": null"))
    }
  }

  @Test("with a row cut off at the end are read up to it; a broken row elsewhere is an error")
  func interrupted() throws {
    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root, force: false)
      let url = run.metrics(.sft)
      try AtomicFile.write("{\"step\":1}\n{\"step\":2,\"se", to: url)
      #expect(try MetricsTable(stage: .sft, in: run).steps == [1])
      try AtomicFile.write("{\"step\":1}\n{\"ste\n{\"step\":3}\n", to: url)
      #expect(
        throws: RunRecordsError.malformed(path: url.path, line: 2, reason: "this is not JSON")
      ) {
        try MetricsTable(stage: .sft, in: run)
      }
      try AtomicFile.write("{\"step\":1}\n{\"ste\n", to: url)
      #expect(throws: RunRecordsError.self) { try MetricsTable(stage: .sft, in: run) }
      try AtomicFile.write("{\"step\":1.5}\n", to: url)
      #expect(throws: RunRecordsError.self) { try MetricsTable(stage: .sft, in: run) }
    }
  }

  @Test("have the checksum CRC-32C, with the published test vectors of RFC 3720")
  func checksum() {
    #expect(CyclicRedundancyCheck.crc32c(Array("123456789".utf8)) == 0xe306_9283)
    #expect(CyclicRedundancyCheck.crc32c(Array(repeating: 0, count: 32)) == 0x8a91_36aa)
    #expect(CyclicRedundancyCheck.crc32c(Array(repeating: 0xff, count: 32)) == 0x62a8_ab43)
    #expect(CyclicRedundancyCheck.crc32c([]) == 0)
  }

  @Test("are event records equal, byte for byte, to those of TensorBoard's own writer")
  func eventRecords() throws {
    // tensorboard 2.x: RecordWriter.write(Event(...).SerializeToString(deterministic=True))
    let header = """
      1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c
      """
    let scalars = """
      3c00000000000000c8b7a35209000000000000024010ac022a2e0a150a0e6b6c2f636f656666696369656e74\
      15cdcc4c3e0a150a0e6f626a6563746976652f676f6c64150000c0bf9bc9e102
      """
    #expect(hexadecimal(EventRecord.header(wallTime: 1.5)) == header)
    let values = [("kl/coefficient", 0.2, nil as String?), ("objective/gold", -1.5, nil)]
    #expect(
      hexadecimal(EventRecord.summary(values, step: 300, wallTime: 2.25)) == scalars)

    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root, force: false)
      let started = Date(timeIntervalSince1970: 1.5)
      let writer = try MetricsWriter(stage: .ppo, in: run, started: started)
      let row = ["objective/gold": -1.5, "kl/coefficient": 0.2]
      try writer.write(step: 299, seconds: 0.5, row)
      try writer.write(step: 300, seconds: 0.75, row)
      let file = try Data(contentsOf: run.eventFile(.ppo, started: started))
      #expect(hexadecimal(file).hasPrefix(header) && hexadecimal(file).hasSuffix(scalars))
      // What a metric means is said where it first appears.
      for metric in [Metric.gold, .klCoefficient] {
        let explanation = Data(metric.explanation.utf8)
        let place = try #require(file.firstRange(of: explanation))
        #expect(file[place.upperBound...].firstRange(of: explanation) == nil)
      }
    }
  }

  private func hexadecimal(_ data: Data) -> String {
    data.map { String(format: "%02x", $0) }.joined()
  }
}
