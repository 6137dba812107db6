import Foundation
import TestSupport
import Testing

@Suite("bench")
struct BenchTests {
  @Test("prints one line of JSON with the peers' keys, and memory", arguments: [true, false])
  func line(_ asJSON: Bool) throws {
    let outcome = try TinyRun.shared().run(
      ["bench", "--size", "toy", "--what", "reward", "--threads", "2", "--repeats", "2"]
        + (asJSON ? ["--json"] : []))
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    let rows = try outcome.rows()
    #expect(rows.count == 1)
    let row = try #require(rows.first)
    #expect(row["what"] as? String == "reward" && row["size"] as? String == "toy")
    #expect(row["threads"] as? Int == 2 && row["peer"] == nil)
    let seconds = try #require(row["s_per_step"] as? Double)
    let rate = try #require(row["pairs_per_s"] as? Double)
    #expect(abs(rate * seconds - 32) < .float32Rounding)
    #expect((row["peak_bytes"] as? Int ?? 0) > 1 << 20)
  }

  @Test(
    "wrong usage ends with 64",
    arguments: [["--size", "huge"], ["--what", "sleep"], ["--repeats", "0"]])
  func wrongUsage(_ arguments: [String]) throws {
    let outcome = try TinyRun.shared().run(["bench"] + arguments)
    #expect(outcome.code == 64 && outcome.errors.contains(arguments[1]))
  }
}
