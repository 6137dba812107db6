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

  @Test("refuses what is no run, and a run that is still going on")
  func refused() throws {
    let run = try TinyRun.shared()
    #expect(try run.run(["resume", "nowhere"]).code == 65)
    let copy = run.directory.appending(path: "still-running")
    try FileManager.default.copyItem(at: run.directory.appending(path: "run"), to: copy)
    let information = copy.appending(path: "run.json")
    let process = ProcessInfo.processInfo.processIdentifier
    let text = try String(contentsOf: information, encoding: .utf8)
      .replacing("\"finished\"", with: "\"running\"")
      .replacing(/"process" : \d+/, with: "\"process\" : \(process)")
    try Data(text.utf8).write(to: information)
    let outcome = try run.run(["resume", "still-running"])
    #expect(outcome.code == 65)
    #expect(outcome.errors.contains("process \(process)"), "\(outcome.errors)")
  }
}
