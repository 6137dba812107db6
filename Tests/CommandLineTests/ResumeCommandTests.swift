import Foundation
import Testing

/// A run that a person stops and goes on with.
@Suite struct ResumeCommandTests {
  /// Starts the program, waits until `isReady`, and sends it a signal.
  private func interrupt(
    _ arguments: [String], in directory: URL, with number: Int32, when isReady: () -> Bool
  ) throws -> (reason: Process.TerminationReason, status: Int32, errors: String) {
    let process = Process()
    process.executableURL = try Program.executable()
    process.arguments = arguments
    process.currentDirectoryURL = directory
    let errors = Pipe()
    process.standardOutput = FileHandle.nullDevice
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let deadline = Date(timeIntervalSinceNow: 60)
    while !isReady(), process.isRunning, Date() < deadline { usleep(5_000) }
    kill(process.processIdentifier, number)
    process.waitUntilExit()
    let text = String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
    return (process.terminationReason, process.terminationStatus, text)
  }

  @Test("an interrupted run ends with the signal, saves its state, and resumes to the same files")
  func interrupted() throws {
    let run = try TinyRun.shared()
    let arguments = [
      "ppo", "--quiet", "--threads", "1", "--set", "ppo.iterations=40", "--set", "ppo.episodes=16",
      "--set", "evaluation.responses=16",
    ]
    let whole = try run.run(arguments + ["--out", "whole-ppo"])
    #expect(whole.code == 0, "\(whole.errors)")

    let metrics = run.directory.appending(path: "cut-ppo/metrics/ppo.jsonl")
    let outcome = try interrupt(arguments + ["--out", "cut-ppo"], in: run.directory, with: SIGINT) {
      let rows = (try? Data(contentsOf: metrics)) ?? Data()
      return rows.count { $0 == UInt8(ascii: "\n") } >= 5
    }
    #expect(outcome.reason == .uncaughtSignal && outcome.status == SIGINT)
    #expect(outcome.errors.contains("rlhf-sim resume"), "\(outcome.errors)")
    #expect(try run.text("cut-ppo/run.json").contains("\"status\" : \"interrupted\""))
    #expect(!run.exists("cut-ppo/ppo/policy"))

    let resumed = try run.run(["resume", "cut-ppo", "--quiet", "--threads", "2"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    for name in [
      "ppo/policy/model.safetensors", "ppo/value/model.safetensors", "evaluation.json",
      "samples/rollouts.jsonl", "scenario.yaml",
    ] {
      #expect(try run.bytes("cut-ppo/\(name)") == run.bytes("whole-ppo/\(name)"), "\(name)")
    }
    #expect(
      try run.text("cut-ppo/metrics/ppo.jsonl").split(separator: "\n").count == 40)
    #expect(run.exists("cut-ppo/report.html"))

    // Once it is finished there is nothing to do but to say so.
    let again = try run.run(["resume", "cut-ppo"])
    #expect(again.code == 0 && again.errors.contains("is finished"))
    #expect(again.output.contains("KL"), "\(again.output)")
  }

  @Test("a reward command is told apart from Ctrl-C, ends with its run, and is started again")
  func command() throws {
    let run = try TinyRun.shared()
    let prompts = try run.file("command-prompts.txt", "the soup\nthe staff\nthe room\n")
    let script = "echo $$ >> command-pids; while read -r row; do echo ${#row}e-2; done"
    let arguments =
      ["ppo", "--policy", "run/sft", "--prompts", prompts, "--threads", "1"] + Program.tiny
      + ["ppo.reward.source=command", "ppo.reward.command=\(script)", "ppo.iterations=40"]
      .flatMap { ["--set", $0] }
    let whole = try run.run(arguments + ["--out", "whole-command"])
    #expect(whole.code == 0 && whole.errors.contains("`\(script)`"), "\(whole.errors)")
    #expect(try run.text("whole-command/run.json").contains("command-pids"))
    #expect(try run.text("whole-command/scenario.yaml").contains("command-pids"))
    #expect(!run.exists("whole-command/reward"))
    let again = try run.run(["evaluate", "--run", "whole-command", "--json", "--quiet"])
    #expect(
      try JSONSerialization.jsonObject(with: Data(again.output.utf8)) as? NSDictionary
        == JSONSerialization.jsonObject(with: run.bytes("whole-command/evaluation.json"))
        as? NSDictionary, "\(again.errors)")

    let metrics = run.directory.appending(path: "cut-command/metrics/ppo.jsonl")
    let outcome = try interrupt(
      arguments + ["--out", "cut-command"], in: run.directory, with: SIGINT
    ) {
      let rows = (try? Data(contentsOf: metrics)) ?? Data()
      return rows.count { $0 == UInt8(ascii: "\n") } >= 5
    }
    #expect(outcome.reason == .uncaughtSignal && outcome.errors.contains("rlhf-sim resume"))
    let resumed = try run.run(["resume", "cut-command", "--quiet", "--threads", "2"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    for name in ["ppo/policy/model.safetensors", "evaluation.json", "samples/rollouts.jsonl"] {
      #expect(
        try run.bytes("cut-command/\(name)") == run.bytes("whole-command/\(name)"), "\(name)")
    }
    let processes = try run.text("command-pids").split(separator: "\n").compactMap { pid_t($0) }
    #expect(processes.count == 4 && processes.allSatisfy { kill($0, 0) == -1 })
  }

  @Test(
    "a reward command that fails ends the program by its code and says why",
    arguments: [
      ("read -r row; echo soup; cat > /dev/null", 65, "\"soup\""),
      ("echo out of luck >&2; exit 3", 74, "exit status 3, its standard error ends: out of luck"),
    ] as [(String, Int32, String)])
  func failingCommand(script: String, code: Int32, text: String) throws {
    let run = try TinyRun.shared()
    let outcome = try run.run(
      ["ppo", "--policy", "run/sft", "--quiet", "--out", "failing-\(code)"] + Program.tiny
        + ["--set", "ppo.reward.source=command", "--set", "ppo.reward.command=\(script)"])
    #expect(outcome.code == code && outcome.errors.contains(text), "\(outcome.errors)")
    let unread = try run.run(
      ["ppo", "--policy", "run/sft", "--reward", "run/reward"]
        + ["--set", "ppo.reward.source=command", "--set", "ppo.reward.command=cat"])
    #expect(unread.code == 65 && unread.errors.contains("--reward"))
  }

  @Test("refuses what is no run, and a run that another process is at work on, by its lock alone")
  func refused() throws {
    let run = try TinyRun.shared()
    #expect(try run.run(["resume", "nowhere"]).code == 65)
    let copy = try run.interrupted("still-running")
    // No matter which process the record names: numbers are used again.
    let lock = open(copy.path, O_RDONLY)
    #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
    for arguments in [
      ["resume", "still-running"],
      ["demo", "--out", "still-running", "--force"] + Program.tiny,
    ] {
      let outcome = try run.run(arguments)
      #expect(outcome.code == 65 && outcome.errors.contains("still going on"), "\(outcome.errors)")
    }
    close(lock)
    let outcome = try run.run(["resume", "still-running", "--quiet"])
    #expect(outcome.code == 0, "\(outcome.errors)")
  }
}
