import Foundation
import Testing

@testable import RunRecords
@testable import Statistics

@Suite("Records as others read them")
struct ExportedRecordsTests {
  @Test("CSV quotes what needs it, and leaves empty what is no number")
  func csv() throws {
    var table = CommaSeparatedValues(columns: ["a", "b,c"])
    table.append(["say \"no\"", "two\r\nlines"])
    table.append([CommaSeparatedValues.cell(.nan), CommaSeparatedValues.cell(-1.5e-7)])
    #expect(
      table.text == "a,\"b,c\"\n\"say \"\"no\"\"\",\"two\r\nlines\"\n,-1.5e-07\n")
    #expect(CommaSeparatedValues.cell(nil) == "")
  }

  @Test("a text that a spreadsheet would compute has an apostrophe; numbers have none")
  func formulas() {
    var table = CommaSeparatedValues(columns: ["a"])
    for cell in ["=1+1", "+x", "-x", "@SUM(A1)", "\t=1", "-0.5", "+1e-3", "a=1", ""] {
      table.append([cell])
    }
    #expect(table.text == "a\n'=1+1\n'+x\n'-x\n'@SUM(A1)\n'\t=1\n-0.5\n+1e-3\na=1\n\n")
  }

  @Test("a run's tables are those of the records it has")
  func tables() throws {
    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root, force: false)
      #expect(try run.tables().isEmpty)
      let writer = try MetricsWriter(stage: .ppo, in: run)
      try writer.write(step: 1, seconds: 0.5, ["b": .nan, "a": 2])
      try EvaluationSummary(winRate: .init(value: 0.75, low: 0.5, high: 1, count: 4)).write(to: run)
      let tables = try run.tables()
      #expect(tables.map(\.name) == ["ppo", "evaluation"])
      #expect(tables[0].table.text == "step,seconds,a,b\n1,0.5,2.0,\n")
      #expect(
        tables[1].table.text == """
          figure,value
          win_rate.high,1
          win_rate.low,0.5
          win_rate.n,4
          win_rate.value,0.75

          """)
    }
  }

  @Test("notes are saved with their stage")
  func notes() throws {
    try withTemporaryDirectory { root in
      let run = try RunDirectory.create(at: root, force: false)
      var information = RunInformation(
        version: "1", command: .demo, commandLine: [], scenario: "s", seed: 1, threads: 1, cpu: "",
        blasCore: "", allocator: "", started: Date(timeIntervalSince1970: 0))
      try information.write(to: run)
      // As earlier versions wrote it.
      #expect(try RunInformation.read(from: run).notes == nil)
      information.notes = [.init(stage: "PPO", text: "careful"), .init(text: "all")]
      try information.write(to: run)
      #expect(try RunInformation.read(from: run) == information)
    }
  }

  @Test("histograms and texts are events equal, byte for byte, to those of TensorBoard's protocol")
  func details() {
    // tensorboard 2.x: Event(…, HistogramProto(…), TensorProto(…)).SerializeToString()
    let expected = """
      09000000000000024010032aee040ab9040a11646973747269627574696f6e2f676f6c642a93040900000000\
      000000c011000000000000104019000000000000104021000000000000104029000000000000364032f001cd\
      ccccccccccfcbf9a9999999999f9bf666666666666f6bf333333333333f3bf000000000000f0bf9899999999\
      99e9bf323333333333e3bf989999999999d9bf989999999999c9bf0000000000000000a09999999999c93fa0\
      9999999999d93f343333333333e33f9c9999999999e93f000000000000f03f343333333333f33f6866666666\
      66f63f9a9999999999f93fceccccccccccfc3f00000000000000409a999999999901403433333333330340ce\
      cccccccccc0440686666666666064000000000000008409a999999999909403433333333330b40cecccccccc\
      cc0c406866666666660e4000000000000010403af001000000000000f03f0000000000000000000000000000\
      0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
      0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
      0000000000000000000000000000000000400000000000000000000000000000000000000000000000000000\
      0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
      00000000000000000000000000000000000000000000000000000000000000000000000000000000f03f4a0e\
      0a0c0a0a686973746f6772616d730a300a1173616d706c65732f726573706f6e736573421108071200420b2d\
      202a7468652a20656e644a080a060a0474657874
      """
    let details = StepDetails(
      distributions: [
        ("distribution/gold", [1, 1, -2, 4, .nan]), ("distribution/none", [.infinity]),
      ], texts: [("samples/responses", "- *the* end")])
    let record = EventRecord.summary([], details, step: 3, wallTime: 2.25)
    // Between the length with its checksum, and the data's checksum.
    let data = record.dropFirst(12).dropLast(4)
    #expect(data.map { String(format: "%02x", $0) }.joined() == expected)
  }

  @Test("a histogram of one value, or of the largest numbers, has one bucket")
  func narrow() {
    for values in [[2.5], [0.1, 0.1, 0.1], [-1.7e308, 1.7e308]] {
      let record = EventRecord.summary(
        [], StepDetails(distributions: [("d", values)]), step: 1, wallTime: 0)
      // 5 doubles, and two packed lists of one.
      #expect(record.count < 150)
    }
  }
}
