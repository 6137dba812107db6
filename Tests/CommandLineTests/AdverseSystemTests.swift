import Foundation
import TestSupport
import Testing

/// What the system does to a program: descriptors closed, disks full, directories gone.
@Suite struct AdverseSystemTests {
  @Test(
    "an output that cannot be written never ends the program by a signal",
    arguments: [
      // Progress and notes are worth no run; results are.
      ("exec 2>/dev/full", "report nowhere", 65), ("exec 2>&-", "report nowhere", 65),
      ("exec 2>/dev/full", "demo --out full-errors", 0),
      ("exec 2>&-", "demo --out closed-errors", 0),
      ("exec >&- 2>&-", "demo --out closed-outputs", 74),
      ("exec <&- >/dev/full", "scenarios", 74), ("exec >/dev/full", "--help", 74),
      ("exec >&-", "--version", 74),
    ] as [(String, String, Int32)])
  func streams(before: String, arguments: String, code: Int32) throws {
    let run = try TinyRun.shared()
    let words = arguments.split(separator: " ").map(String.init)
    let outcome = try Program.run(
      words + (words[0] == "demo" ? Program.tiny : []), in: run.directory, after: before)
    #expect(outcome.code == code, "\(outcome.errors)")
    guard words[0] == "demo" else { return }
    // No file of the run has got the number of a closed output.
    for name in ["sft", "reward", "ppo"] {
      let rows = try run.text("\(words[2])/metrics/\(name).jsonl").split(separator: "\n")
      #expect(rows.allSatisfy { $0.hasPrefix(#"{"step":"#) }, "\(name)")
    }
    #expect(try run.text("\(words[2])/run.json").contains("\"status\" : \"finished\""))
  }

  @Test("a run goes on from what it was made from, and from nothing else; the difference is shown")
  func origin() throws {
    let run = try TinyRun.shared()
    func resume(
      _ name: String, says words: [String], _ change: (URL) throws -> Void
    ) throws {
      let copy = try run.interrupted(name)
      try change(copy)
      let outcome = try run.run(["resume", name, "--quiet"])
      #expect(outcome.code == (words.isEmpty ? 0 : 65), "\(name): \(outcome.errors)")
      for word in words { #expect(outcome.errors.contains(word), "\(name): \(outcome.errors)") }
    }
    try resume("origin-same", says: []) { _ in
      try run.edit("origin-same/scenario.yaml", "pairs: 120\n", "pairs: 120 # as it was\n")
    }
    #expect(
      try run.bytes("origin-same/ppo/policy/model.safetensors")
        == run.bytes("run/ppo/policy/model.safetensors"))
    try resume(
      "origin-scenario", says: ["scenario.yaml", "`preferences.pairs` is 121 and was 120"]
    ) { _ in try run.edit("origin-scenario/scenario.yaml", "pairs: 120\n", "pairs: 121\n") }
    try resume("origin-seed", says: ["run.json", "seed"]) { _ in
      try run.edit("origin-seed/run.json", "\"seed\" : 1", "\"seed\" : 2")
    }
    try resume("origin-old", says: ["earlier version", "begin the run again"]) { _ in
      try run.edit("origin-old/run.json", "\"settings\" :", "\"unsettled\" :")
    }
    for name in ["sft/model.safetensors", "reward/config.json", "preferences/train.jsonl"] {
      let place = "origin-" + name.replacing("/", with: "-")
      try resume(place, says: [name, "checksum"]) { copy in
        let file = copy.appending(path: name)
        var bytes = try Data(contentsOf: file)
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: file)
      }
    }
  }

  #if os(Linux)
    @Test(
      "an address space in which OpenBLAS cannot even start ends the program, and soon",
      .disabled(if: isSanitized))
    func addressSpace() throws {
      let run = try TinyRun.shared()
      let start = Date()
      let outcome = try Program.run(
        ["sft", "--out", "address-space"] + Program.tiny, in: run.directory,
        after: "ulimit -v 250000; ulimit -t 20")
      #expect(outcome.code == 1 && outcome.errors.contains("ulimit -v"), "\(outcome.errors)")
      #expect(Date().timeIntervalSince(start) < 15)
    }

    @Test(
      "input that is there and cannot be read is a failure of input",
      arguments: [
        "score --model run/reward --input /proc/self/mem", "data /proc/self/mem",
        "demo --scenario /proc/self/mem",
      ])
    func unreadable(arguments: String) throws {
      let run = try TinyRun.shared()
      let outcome = try run.run(arguments.split(separator: " ").map(String.init))
      #expect(outcome.code == 74 && outcome.errors.contains("/proc/self/mem"), "\(outcome.errors)")
    }
  #endif

  @Test("run.json says what made the run")
  func record() throws {
    let run = try TinyRun.shared()
    let outcome = try run.run(
      [
        "best-of-n", "--policy", "run/sft", "--reward", "run/reward", "--out", "recorded",
        "--quiet",
      ]
        + Program.tiny)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let record =
      try JSONSerialization.jsonObject(with: run.bytes("recorded/run.json")) as? [String: Any]
      ?? [:]
    for key in ["version", "seed", "cpu", "blas_core", "threads", "command_line"] {
      #expect(record[key] != nil, "\(key)")
    }
    let build = record["build"] as? [String] ?? []
    for word in ["Swift", "OpenBLAS", "kernels x86-64"] where !word.hasSuffix("64") || isIntel {
      #expect(build.contains { $0.contains(word) }, "\(build)")
    }
    #expect((record["settings"] as? [String])?.contains("evaluation.best_of=16") == true)
    let inputs = record["inputs"] as? [[String: Any]] ?? []
    let policy = try #require(
      inputs.first { ($0["path"] as? String)?.hasSuffix("run/sft/model.safetensors") == true })
    #expect(try policy["bytes"] as? Int == run.bytes("run/sft/model.safetensors").count)
    #expect((policy["crc32"] as? String)?.count == 8)
    #expect((record["files"] as? [String: String])?["reference/model.safetensors"] != nil)
  }

  private var isIntel: Bool {
    #if arch(x86_64)
      true
    #else
      false
    #endif
  }

  @Test("a run that was killed before it began says so, and is begun again with --force")
  func unbegun() throws {
    let run = try TinyRun.shared()
    for (name, files) in [
      ("unbegun-1", ["run.json": ""]), ("unbegun-2", ["run.json": "{}", ".x.1.partial": "a"]),
    ] {
      try FileManager.default.createDirectory(
        at: run.directory.appending(path: name), withIntermediateDirectories: true)
      for (file, text) in files { _ = try run.file("\(name)/\(file)", text) }
      let outcome = try run.run(["resume", name])
      #expect(outcome.code == 65 && outcome.errors.contains("begin it again"), "\(outcome.errors)")
      let again = try run.run(["sft", "--out", name, "--force", "--quiet"] + Program.tiny)
      #expect(again.code == 0, "\(again.errors)")
      #expect(!run.exists("\(name)/.x.1.partial"))
    }
  }

  @Test("a file-size limit is an error of writing, and the run then goes on to the same bytes")
  func sizeLimit() throws {
    let run = try TinyRun.shared()
    let whole = try run.bytes("run/ppo/policy/model.safetensors")
    // Enough for the settings and not for a state.
    let outcome = try Program.run(
      ["demo", "--out", "small-files", "--quiet", "--threads", "1"] + Program.tiny,
      in: run.directory, after: "ulimit -f 128")
    #expect(outcome.code == 74, "\(outcome.code): \(outcome.errors)")
    #expect(outcome.errors.contains("File too large"), "\(outcome.errors)")
    #expect(try run.run(["resume", "small-files", "--quiet"]).code == 0)
    #expect(try run.bytes("small-files/ppo/policy/model.safetensors") == whole)
    let files = try FileManager.default.subpathsOfDirectory(
      atPath: run.directory.appending(path: "small-files").path)
    #expect(!files.contains { $0.contains(".partial") })
  }

  @Test("files that are replaced keep their permissions, those of a checkpoint's directory too")
  func permissions() throws {
    let run = try TinyRun.shared()
    let copy = try run.interrupted("modes")
    func mode(_ name: String) throws -> Int {
      try FileManager.default.attributesOfItem(atPath: copy.appending(path: name).path)[
        .posixPermissions] as? Int ?? 0
    }
    for name in ["run.json", "report.html", "evaluation.json", "metrics/ppo.jsonl"] {
      #expect(chmod(copy.appending(path: name).path, 0o640) == 0)
    }
    try FileManager.default.removeItem(at: copy.appending(path: "ppo/policy"))
    #expect(chmod(copy.appending(path: "state").path, 0o750) == 0)
    let outcome = try run.run(["resume", "modes", "--quiet"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    for name in ["run.json", "report.html", "evaluation.json", "metrics/ppo.jsonl"] {
      #expect(try mode(name) == 0o640, "\(name)")
    }
    #expect(try mode("state") == 0o750)
  }

  /// Starts a run, waits until it is in PPO and calls `body` with its process.
  private func optimizing(
    _ name: String, _ settings: [String] = [], until file: String = "metrics/ppo.jsonl",
    _ body: (Process, URL) throws -> Void
  ) throws -> (reason: Process.TerminationReason, status: Int32, seconds: Double) {
    let run = try TinyRun.shared()
    let place = run.directory.appending(path: name)
    let process = Process()
    process.executableURL = try Program.executable()
    process.arguments =
      ["ppo", "--policy", "run/sft", "--quiet", "--out", name]
      + Program.tiny + (["ppo.iterations=100000"] + settings).flatMap { ["--set", $0] }
    process.currentDirectoryURL = run.directory
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let deadline = Date(timeIntervalSinceNow: 60)
    while !FileManager.default.fileExists(atPath: place.appending(path: file).path),
      process.isRunning, Date() < deadline
    { usleep(5_000) }
    let start = Date()
    try body(process, place)
    while process.isRunning, Date().timeIntervalSince(start) < 20 { usleep(5_000) }
    let seconds = Date().timeIntervalSince(start)
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    return (process.terminationReason, process.terminationStatus, seconds)
  }

  @Test("a run directory that is deleted meanwhile ends the run with an error")
  func deleted() throws {
    let end = try optimizing("deleted", ["ppo.reward.source=gold"]) { _, place in
      try FileManager.default.moveItem(at: place, to: place.appendingPathExtension("gone"))
    }
    #expect(end.reason == .exit && end.status == 74)
  }

  @Test("a second signal ends the program at once, whichever it is")
  func secondSignal() throws {
    let end = try optimizing(
      "signalled",
      ["ppo.reward.source=command", "ppo.reward.command=touch signalled/events/asked; sleep 60"],
      until: "events/asked"
    ) { process, _ in
      kill(process.processIdentifier, SIGTERM)
      usleep(200_000)
      #expect(process.isRunning, "the step is waited for")
      kill(process.processIdentifier, SIGINT)
    }
    #expect(end.reason == .uncaughtSignal && end.status == SIGINT && end.seconds < 5)
  }
}
