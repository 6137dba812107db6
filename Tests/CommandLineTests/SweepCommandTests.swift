import Foundation
import Testing

/// `sweep`, whole: two axes of two values by two seeds of a tiny scenario.
@Suite(.serialized) struct SweepCommandTests {
  /// A plan beside the tiny run.
  private func plan(_ name: String, axes: String, seeds: String = "1-2") throws -> String {
    let settings = Program.tiny.filter { $0 != "--set" }
      .map { $0.split(separator: "=") }.filter { !axes.contains("\($0[0]):") }
      .map { $0.joined(separator: ": ") }.joined(separator: ", ")
    return try TinyRun.shared().file(
      name, "scenario: sentiment\nset: { \(settings) }\nseeds: \(seeds)\naxes:\n\(axes)")
  }

  private func cells() throws -> String {
    try plan(
      "cells.yaml", axes: "  reward.epochs: [1, 2]\n  ppo.kl.coefficient: [0.1, 0.4]\n")
  }

  private func start(_ arguments: [String], in directory: URL) throws -> Process {
    let process = Process()
    process.executableURL = try Program.executable()
    process.arguments = arguments
    process.currentDirectoryURL = directory
    for output in [\Process.standardOutput, \.standardError] {
      process[keyPath: output] = FileHandle.nullDevice
    }
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return process
  }

  @Test("killed again and again, a sweep ends with the bytes of one that nobody disturbed")
  func killed() throws {
    let run = try TinyRun.shared()
    let plan = try cells()
    let whole = try run.run(["sweep", plan, "--out", "sweep-whole", "--jobs", "2", "--json"])
    #expect(whole.code == 0, "\(whole.errors)")
    #expect(whole.errors.contains("of the 24 stages"), "\(whole.errors)")
    let gains = /gold [+−]\d+\.\d\d sd  score [+−]\d+\.\d\d sd  KL \d/
    #expect(whole.errors.contains(gains), "\(whole.errors)")
    #expect(whole.output.contains("\"stages\":8,\"stages_alone\":24"), "\(whole.output)")
    let shared = try FileManager.default.contentsOfDirectory(
      atPath: run.directory.appending(path: "sweep-whole/shared").path)
    #expect(shared.count == 6 && shared.count { $0.hasPrefix("reward-") } == 4)

    let cut = run.directory.appending(path: "sweep-cut")
    func finished() -> Int {
      let places = ["cells", "shared"].flatMap { kind in
        ((try? FileManager.default.contentsOfDirectory(
          atPath: cut.appending(path: kind).path)) ?? []).map { "\(kind)/\($0)/report.html" }
      }
      return places.count {
        FileManager.default.fileExists(atPath: cut.appending(path: $0).path)
      }
    }
    for count in [1, 4, 9] {
      let process = try start(
        ["sweep", plan, "--out", "sweep-cut", "--jobs", "2"], in: run.directory)
      let deadline = Date(timeIntervalSinceNow: 60)
      while finished() < count, process.isRunning, Date() < deadline { usleep(3_000) }
      // One of its processes, and then the sweep itself.
      let claims = cut.appending(path: "claims")
      for name in try FileManager.default.contentsOfDirectory(atPath: claims.path) {
        let owner = try String(contentsOf: claims.appending(path: name), encoding: .utf8)
        if let process = owner.split(whereSeparator: \.isWhitespace).last.flatMap({ pid_t($0) }),
          process > 1
        {
          kill(process, SIGKILL)
          break
        }
      }
      usleep(30_000)
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    #expect(finished() < 14)
    let status = try run.run(["sweep", "status", "sweep-cut"])
    #expect(status.code == 0 && status.output.contains("shared runs"), "\(status.errors)")
    let resumed = try run.run(["sweep", plan, "--out", "sweep-cut", "--jobs", "2", "--quiet"])
    #expect(resumed.code == 0 && resumed.errors.isEmpty, "\(resumed.errors)")
    for file in ["results.csv", "results.json", "curves.csv"] {
      #expect(try run.bytes("sweep-cut/\(file)") == run.bytes("sweep-whole/\(file)"), "\(file)")
    }
    let again = try run.run(["sweep", plan, "--out", "sweep-cut", "--jobs", "2"])
    #expect(
      again.code == 0 && again.output.contains(/cells +8 +8 +0/), "\(again.output)")
    #expect(again.output.contains(/shared runs +6 +6 +0/) && again.output.contains(/all +14 +14/))
    #expect(again.output.contains("of the 24 stages that the cells would run alone, 8 are run"))
  }

  @Test("a cell has the bytes of a demo with its settings and its seed, and complete records")
  func sameAsDemo() throws {
    let run = try TinyRun.shared()
    if !run.exists("sweep-whole") {
      _ = try run.run(["sweep", cells(), "--out", "sweep-whole", "--jobs", "2"])
    }
    let demo = try run.run(
      ["demo", "--quiet", "--threads", "2", "--seed", "2", "--out", "sweep-demo"] + Program.tiny
        + ["--set", "reward.epochs=2", "--set", "ppo.kl.coefficient=0.4"])
    #expect(demo.code == 0, "\(demo.errors)")
    let rows = try run.text("sweep-whole/results.csv").split(separator: "\n")
    #expect(
      rows.count == 9
        && rows[0].hasPrefix(
          "cell,reward.epochs,ppo.kl.coefficient,seed,status,error,verdict,")
    )
    let row = try #require(rows.last).split(separator: ",", omittingEmptySubsequences: false)
    #expect(row[1...4] == ["2", "0.4", "2", "done"])
    let cell = "sweep-whole/\(row[0])"
    for name in [
      "evaluation.json", "scenario.yaml", "sft/model.safetensors", "reward/model.safetensors",
      "reward/config.json", "preferences/train.jsonl", "ppo/policy/model.safetensors",
      "ppo/value/model.safetensors", "samples/rollouts.jsonl", "samples/before_after.jsonl",
    ] {
      #expect(try run.bytes("\(cell)/\(name)") == run.bytes("sweep-demo/\(name)"), "\(name)")
    }
    for stage in ["sft", "reward", "ppo"] {
      let counts = try [cell, "sweep-demo"].map {
        try run.text("\($0)/metrics/\(stage).jsonl").split(separator: "\n").count
      }
      #expect(counts[0] == counts[1], "\(stage)")
    }
    let column = try #require(rows[0].split(separator: ",").firstIndex(of: "ppo.gold.mean"))
    let evaluation = try run.text("\(cell)/evaluation.json")
    #expect(evaluation.contains("\"mean\" : \(row[column])"))
    #expect(!row[6].isEmpty && evaluation.contains("\"verdict\" : \"\(row[6])\""))
    #expect(try run.run(["report", cell]).code == 0)
    let page = try run.text("sweep-whole/index.html")
    #expect(page.contains("Gold against √KL") && page.contains("explorer-data"))
    #expect(page.contains("href=\"\(row[0])/report.html\""))
    #expect(
      try run.run(["compare", cell, "sweep-demo", "run", "--out", "sweep-compare"]).code == 0)
  }

  @Test("a cell that fails is recorded with its error, and the others go on")
  func failed() throws {
    let run = try TinyRun.shared()
    let axes = """
        reward:
          model: {}
          broken: { ppo.reward.source: command, ppo.reward.command: "exit 3" }
          crashed: { ppo.reward.source: command, ppo.reward.command: "kill -USR1 $PPID" }
          killed: { ppo.reward.source: command, ppo.reward.command: "kill -KILL $PPID" }

      """
    let plan = try plan("failing.yaml", axes: axes, seeds: "[3]")
    let outcome = try run.run(["sweep", plan, "--out", "sweep-failing", "--jobs", "1"])
    #expect(outcome.code == 1 && outcome.output.contains("exit status 3"), "\(outcome.errors)")
    let rows = try run.text("sweep-failing/results.csv").split(separator: "\n")
    #expect(rows[1].contains(",model,3,done,,") && rows[2].contains(",broken,3,failed,"))
    #expect(rows[2].contains("exit status 3"))
    // A process that was killed is begun again, twice; one that ended by another signal is not.
    #expect(rows[3].contains(",failed,") && rows[3].contains("ended by signal 10"), "\(rows[3])")
    #expect(rows[4].contains("ended by signal 9") && rows[4].contains("3 times"), "\(rows[4])")
    let claims = try FileManager.default.contentsOfDirectory(
      atPath: run.directory.appending(path: "sweep-failing/claims").path)
    #expect(claims.count { $0.hasPrefix("cells.crashed") } == 1)
    #expect(claims.count { $0.hasPrefix("cells.killed") } == 3)
    // Once more it says the same at once; with --retry the cell is run again.
    let again = try run.run(["sweep", plan, "--out", "sweep-failing", "--json", "--quiet"])
    #expect(again.code == 1 && again.output.contains("\"failed\":3"))
    let status = try run.run(["sweep", "status", "sweep-failing"]).output
    #expect(status.contains(/failed: cells\/broken-seed3-.*exit status 3/), "\(status)")
    #expect(status.contains("--retry runs them again"))
    let page = try run.text("sweep-failing/index.html")
    #expect(page.contains(/Failed: cells\/broken-seed3-[^<]*exit status 3/))
    let retried = try run.run(["sweep", plan, "--out", "sweep-failing", "--retry"])
    #expect(retried.code == 1 && retried.errors.contains("broken-seed3"), "\(retried.errors)")
  }

  @Test("a process of a sweep whose parent is gone ends by itself, though it has just begun")
  func orphaned() throws {
    let run = try TinyRun.shared()
    let plan = try run.file(
      "orphaned.yaml",
      "scenario: sentiment\nrun: sft\nset: { pretraining.steps: 100000, model.width: 16 }\n")
    let sweep = try start(["sweep", plan, "--out", "orphaned", "--quiet"], in: run.directory)
    let claims = run.directory.appending(path: "orphaned/claims")
    func names() -> [String] {
      (try? FileManager.default.contentsOfDirectory(atPath: claims.path)) ?? []
    }
    let deadline = Date(timeIntervalSinceNow: 60)
    while names().isEmpty, Date() < deadline { usleep(3_000) }
    kill(sweep.processIdentifier, SIGKILL)
    sweep.waitUntilExit()
    let claim = try #require(names().first)
    let file = claims.appending(path: claim)
    // It gives its task back when it ends.
    func isReleased() -> Bool { (try? String(contentsOf: file, encoding: .utf8)) == "released\n" }
    while !isReleased(), Date() < deadline { usleep(10_000) }
    #expect(isReleased())
    // One that was started by nobody who lives.
    let task = "cells/" + claim.dropFirst(6).dropLast(2)
    let late = try Program.run(
      ["sweep", "task", "orphaned", task, "--generation", "2", "--threads", "1", "--quiet"],
      in: run.directory, input: "")
    #expect(late.errors.contains("interrupted"), "\(late.code) \(late.errors)")
  }

  @Test("wrong use, wrong plans and directories of something else are refused")
  func refused() throws {
    let run = try TinyRun.shared()
    let plan = try run.file("wrong.yaml", "scenario: sentiment\naxes:\n  ppo.kl.beta: [1]\n")
    let outcome = try run.run(["sweep", plan, "--out", "sweep-wrong"])
    #expect(outcome.code == 65 && outcome.errors.contains("wrong.yaml:3: `ppo.kl.beta`"))
    #expect(!run.exists("sweep-wrong"))
    #expect(try run.run(["sweep", cells(), "--out", "run"]).code == 65)
    #expect(try run.run(["sweep", cells()]).code == 64)
    #expect(try run.run(["sweep", cells(), "--out", "x", "--jobs", "0"]).code == 64)
    #expect(try run.run(["sweep", "status", "run"]).code == 65)
    #expect(try run.run(["sweep", "nowhere.yaml", "--out", "x"]).code == 65)
    let file = try run.run(["sweep", cells(), "--out", run.file("file.txt", "mine")])
    #expect(file.code == 65 && file.errors.contains("file.txt is no directory; choose"))
    let below = try run.run(["sweep", cells(), "--out", "file.txt/below"])
    #expect(
      below.code == 74 && below.errors.contains("a part of the path may be a file"),
      "\(below.errors)")
  }
}

/// `lesson` and `lessons`, whole, on a tiny scenario.
@Suite(.serialized) struct LessonCommandTests {
  private func lesson() throws -> String {
    let settings = Program.tiny.filter { $0 != "--set" }
      .map { $0.replacing("=", with: ": ") }.joined(separator: ", ")
    return try TinyRun.shared().file(
      "tiny-lesson.yaml",
      """
      title: A tiny lesson
      question: Does β matter?
      choices: [it does, it does not]
      explanation: For no reason.
      scenario: sentiment
      set: { \(settings) }
      arms: { free: { ppo.kl.coefficient: 0 }, held: { ppo.kl.coefficient: 5 } }
      control: held
      seeds: 1-2
      figures: [gain_sd.gold, objective/kl_exact]
      claims:
        - { claim: accuracy is a share, figure: reward.accuracy.value, arm: free, below: 1.01, statistic: every }
        - { claim: accuracy is nothing, figure: reward.accuracy.value, arm: held, below: 0, statistic: every }
      exercises:
        - { task: Be right., claims: [{ claim: accuracy, figure: reward.accuracy.value, above: 0 }] }
        - { task: Be perfect., claims: [{ claim: accuracy, figure: reward.accuracy.value, above: 1 }] }
      """)
  }

  @Test(
    "a lesson prints the verdict of each claim and writes its page; it goes on when started again")
  func verdicts() throws {
    let run = try TinyRun.shared()
    let command = ["lesson", try lesson(), "--out", "tiny-lesson", "--jobs", "2", "--quiet"]
    let text = try run.run(command + ["--expect", "2"])
    #expect(text.code == 0, "\(text.errors)")
    #expect(text.output.contains("✓ accuracy is a share\n"), "\(text.output)")
    #expect(text.output.contains("✗ fails: accuracy is nothing\n"))
    #expect(text.output.contains("1 of 2 claims hold."))
    #expect(text.output.contains("You expected: it does not\nFound: it does\n"))
    let page = try String(
      contentsOf: run.directory.appending(path: "tiny-lesson/lesson.html"), encoding: .utf8)
    #expect(page.contains("✗ fails") && page.contains("expected before the run"))
    #expect(page.contains("ppo.kl.coefficient=5") && page.contains("Side by side"))

    let strict = try run.run(command + ["--json", "--strict"])
    #expect(strict.code == 3, "\(strict.errors)")
    let object = try JSONSerialization.jsonObject(with: Data(strict.output.utf8))
    let record = try #require(object as? [String: Any])
    #expect(record["lesson"] as? String == "tiny-lesson" && record["seeds"] as? [Int] == [1, 2])
    let claims = try #require(record["claims"] as? [[String: Any]])
    #expect(claims.map { $0["holds"] as? Bool } == [true, false])
    for key in ["claim", "value", "low", "high", "threshold"] {
      #expect(claims.allSatisfy { $0[key] != nil }, "\(key)")
    }
  }

  @Test("a run is checked against an exercise")
  func exercise() throws {
    let run = try TinyRun.shared()
    let file = try lesson()
    let demo = try run.run(
      ["demo", "--scenario", "sentiment", "--out", "exercised", "--quiet"] + Program.tiny)
    #expect(demo.code == 0, "\(demo.errors)")
    let solved = try run.run(["lesson", "check", file, "exercised"])
    #expect(solved.code == 0 && solved.output.contains("Solved."), "\(solved.errors)")
    let failed = try run.run(["lesson", "check", file, "exercised", "--exercise", "2"])
    #expect(failed.code == 3 && failed.output.contains("✗ accuracy"), "\(failed.errors)")
    #expect(try run.run(["lesson", "check", file, "exercised", "--exercise", "3"]).code == 64)
  }

  @Test("every lesson that ships runs for a few steps; the list has their minutes")
  func shipped() throws {
    let run = try TinyRun.shared()
    let list = try run.run(["lessons", "--json"])
    let object = try JSONSerialization.jsonObject(with: Data(list.output.utf8))
    let rows = try #require(object as? [[String: Any]])
    #expect(rows.contains { $0["name"] as? String == "reference" })
    for row in rows {
      let name = try #require(row["name"] as? String)
      #expect((row["minutes"] as? Double ?? 0) > 0)
      // What every arm sets is not for --set.
      var few = Program.few
      if name == "rounds", let pairs = few.firstIndex(of: "preferences.pairs=120") {
        few.removeSubrange(pairs - 1...pairs)
      }
      let result = try run.run(
        [
          "lesson", name, "--seeds", "1", "--out", "few-\(name)", "--jobs", "2", "--quiet",
          "--json",
        ] + few)
      #expect(result.code == 0, "\(name): \(result.errors)")
      #expect(!result.output.contains("\"problem\""), "\(name): \(result.output)")
    }
  }
}
