import Foundation
import TestSupport
import Testing

@Suite("score ranks responses and shows how far it is")
struct ScoreCommandTests {
  private static let texts = ["was good", "was not bad", "was bad", "was very good"]

  /// Rewards of the responses, each in a row of its own.
  private func rewards(_ run: TinyRun, _ name: String) throws -> [Double] {
    let rows = Self.texts.map { #"{"prompt":"the soup","response":"\#($0)"}"# }
    let file = try run.file(name, rows.joined(separator: "\n"))
    return try run.run(["score", "--model", "run/reward", "--input", file, "--quiet"]).rows()
      .compactMap { $0["reward"] as? Double }
  }

  private func row(_ texts: [String], _ more: String = "") -> String {
    let list = texts.map { "\"\($0)\"" }.joined(separator: ",")
    return #"{"prompt":"the soup","responses":[\#(list)]\#(more)}"#
  }

  @Test("one text is scored without a file")
  func oneText() throws {
    let run = try TinyRun.shared()
    let command = ["score", "--model", "run/reward", "--prompt", "the soup"]
    let outcome = try run.run(command + ["--response", Self.texts[0], "--json"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let reward = try #require(try outcome.rows().first?["reward"] as? Double)
    let row = try #require(try rewards(run, "one.jsonl").first)
    #expect(abs(reward - row) < .decoderRounding)
    #expect(try run.run(command).code == 64)
    #expect(try run.run(command + ["--response", "good", "--input", "one.jsonl"]).code == 64)
  }

  @Test("rows of several responses get the reward of each and their order, ties as they stand")
  func order() throws {
    let run = try TinyRun.shared()
    let single = try rewards(run, "apart.jsonl")
    try #require(single.count == 4 && Set(single).count == 4)
    let twice = [Self.texts[0], Self.texts[2], Self.texts[0], Self.texts[2]]
    let file = try run.file(
      "several.jsonl", [row(Self.texts), row(twice), row(["was good"])].joined(separator: "\n"))
    let outcome = try run.run(["score", "--model", "run/reward", "--input", file, "--quiet"])
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let rows = try outcome.rows()
    try #require(rows.count == 3)
    let together = try #require(rows[0]["rewards"] as? [Double])
    #expect(
      zip(together, single).allSatisfy { abs($0 - $1) < .decoderRounding } && together.count == 4)
    #expect(rows[0]["order"] as? [Int] == (0..<4).sorted { single[$0] > single[$1] })
    #expect(rows[1]["order"] as? [Int] == (single[0] > single[2] ? [0, 2, 1, 3] : [1, 3, 0, 2]))
    #expect(rows[2]["order"] as? [Int] == [0] && rows[2]["reward"] == nil)
  }

  @Test("where rows say which response is better, the summary says how often rewards agree")
  func agreement() throws {
    let run = try TinyRun.shared()
    let single = try rewards(run, "apart-2.jsonl")
    let order = (0..<4).sorted { single[$0] > single[$1] }
    let swapped = [order[1], order[0], order[2], order[3]]
    let pair = { (better: Int, worse: Int) in
      #"{"prompt":"the soup","chosen":"\#(Self.texts[better])","rejected":"\#(Self.texts[worse])"}"#
    }
    let file = try run.file(
      "judged.jsonl",
      [
        row(Self.texts, #","ranking":\#(order)"#), row(Self.texts, #","ranking":\#(swapped)"#),
        pair(order[0], order[3]), pair(order[2], order[1]), row(Self.texts),
        #"{"prompt":"the soup","response":"was good"}"#,
      ].joined(separator: "\n"))
    // 6 + 5 + 1 + 0 of 6 + 6 + 1 + 1 pairs, and the best of the first and the third row.
    let arguments = ["score", "--model", "run/reward", "--input", file]
    let shown = try run.run(arguments)
    #expect(shown.errors.contains("85.7 %") && shown.errors.contains("of 14 pairs"))
    #expect(shown.errors.contains("50.0 %") && shown.errors.contains("of 4 rows"))
    let rows = try shown.rows()
    let chosen = try #require(rows[2]["chosen_reward"] as? Double)
    let rejected = try #require(rows[2]["rejected_reward"] as? Double)
    #expect(
      abs(chosen - single[order[0]]) < .decoderRounding
        && abs(rejected - single[order[3]]) < .decoderRounding)
    #expect(rows[0]["ranking"] as? [Int] == order && rows[1]["ranking"] as? [Int] == swapped)

    let beside = try run.run(arguments + ["--output", "judged-out.jsonl"])
    #expect(beside.output.contains("of 14 pairs") && !beside.errors.contains("pairs"))
    #expect(try run.text("judged-out.jsonl") == shown.output)
    let figures = try #require(
      try run.run(arguments + ["--output", "judged-out.jsonl", "--json", "--quiet"]).rows().first)
    #expect(figures["rows"] as? Int == 6 && figures["responses"] as? Int == 17)
    let pairs = try #require(figures["pair_agreement"] as? [String: Any])
    #expect(pairs["n"] as? Int == 14)
    #expect(abs((pairs["value"] as? Double ?? 0) - 12.0 / 14) < .float64Rounding)
    let top = try #require(figures["top_agreement"] as? [String: Any])
    #expect(top["n"] as? Int == 4 && top["value"] as? Double == 0.5)
  }

  @Test("what is no order of the responses is refused, and so are several responses by logprobs")
  func refusals() throws {
    let run = try TinyRun.shared()
    for (text, key) in [
      (row(Self.texts, #","ranking":[0,1,2]"#), "ranking"),
      (row(Self.texts, #","ranking":[0,1,2,4]"#), "ranking"),
      (row([]), "responses"),
    ] {
      let file = try run.file("disorder.jsonl", text)
      let outcome = try run.run(["score", "--model", "run/reward", "--input", file])
      #expect(outcome.code == 65 && outcome.errors.contains("disorder.jsonl:1: key `\(key)`"))
    }
    let file = try run.file("several-2.jsonl", row(Self.texts))
    let outcome = try run.run(["logprobs", "--model", "run/sft", "--input", file])
    #expect(outcome.code == 65 && outcome.errors.contains("several-2.jsonl:1: holds 4 responses"))
  }

  @Test("rows come out while others still go in")
  func streaming() throws {
    let run = try TinyRun.shared()
    let text = String(
      repeating: #"{"prompt":"the soup","responses":["was good","was bad"]}"# + "\n", count: 2_000)
    let file = try run.file("stream.jsonl", text + "no row")
    let outcome = try run.run(["score", "--model", "run/reward", "--input", file, "--quiet"])
    #expect(outcome.code == 65 && outcome.errors.contains("stream.jsonl:2001"))
    let written = try outcome.rows().count
    #expect(written > 500 && written <= 1_536, "three times 1 024 responses were scored before")
  }

  #if os(Linux)
    @Test("a terminal shows a bar with rate and time left; --quiet and files show none")
    func bar() throws {
      let run = try TinyRun.shared()
      let rows = Array(repeating: row(Self.texts), count: 40_000)
      let file = try run.file("many.jsonl", rows.joined(separator: "\n") + "\n\n")
      let arguments = ["score", "--model", "run/reward", "--input", file, "--output", "/dev/null"]
      let watched = try onTerminal(arguments, in: run.directory)
      let draws = watched.split(separator: "\r").filter { $0.contains("/40000") }
      #expect(draws.contains { $0.contains("/s") && $0.contains(" left") }, "\(watched)")
      #expect(watched.contains("40000 rows in"))
      #expect(try onTerminal(arguments + ["--quiet"], in: run.directory).isEmpty)
      let few = try run.file("few.jsonl", rows.prefix(3).joined(separator: "\n"))
      let filed = try run.run(["score", "--model", "run/reward", "--input", few])
      #expect(!filed.errors.contains("\r") && filed.errors.contains("3 rows in"))
    }

    /// What the program writes to a terminal that stands for standard error.
    private func onTerminal(_ arguments: [String], in directory: URL) throws -> String {
      var (master, slave) = (Int32(-1), Int32(-1))
      try #require(openpty(&master, &slave, nil, nil, nil) == 0)
      let terminal = FileHandle(fileDescriptor: slave, closeOnDealloc: false)
      let process = Process()
      process.executableURL = try Program.executable()
      process.arguments = arguments
      process.currentDirectoryURL = directory
      process.environment = ProcessInfo.processInfo.environment.merging(["TERM": "xterm"]) { $1 }
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      process.standardError = terminal
      try process.run()
      close(slave)
      // When the last writer has gone, reading from the other side of a terminal fails.
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 4096)
      while case let count = read(master, &buffer, buffer.count), count > 0 {
        bytes += buffer[..<count]
      }
      close(master)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      return String(decoding: bytes, as: UTF8.self)
    }
  #endif
}
