import Foundation
import TestSupport
import Testing

@Suite("The program as a whole")
struct ProgramTests {
  static let commands = [
    "demo", "sft", "annotate", "train-reward", "ppo", "evaluate", "generate", "score", "logprobs",
    "report", "scenarios", "check", "bench", "trace", "compare", "export", "label", "resume", "dpo",
    "best-of-n",
  ]

  @Test("--help names every command")
  func help() throws {
    let run = try TinyRun.shared()
    let outcome = try run.run(["--help"])
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    for command in Self.commands {
      #expect(outcome.output.contains("\n  \(command) "), "\(command)")
    }
    #expect(try run.run([]).code == 0)
    #expect(try run.run(["--version"]).output.hasPrefix("0."))
  }

  @Test("every command's help has an example", arguments: commands)
  func commandHelp(_ command: String) throws {
    let outcome = try TinyRun.shared().run([command, "--help"])
    #expect(outcome.code == 0)
    #expect(outcome.output.contains("Example: rlhf-sim \(command)"))
  }

  @Test("check finds every gradient and invariant right, and jemalloc at work")
  func check() throws {
    let outcome = try TinyRun.shared().run(["check"])
    #expect(outcome.code == (isSanitized ? 1 : 0), "\(outcome.output)")
    for words in [
      "OpenBLAS", isSanitized ? "jemalloc" : "jemalloc serves the whole process", "attention",
      "pairwise loss",
      "clipped policy loss", "cached logits = uncached logits", "PPO's ratio = 1",
    ] {
      #expect(outcome.output.contains(words), "\(words)")
    }
    #expect(!outcome.output.contains("WRONG"))
    #if os(Linux)
      #expect(isSanitized || outcome.output.contains("\nlarge pages    always\n"))
    #endif
  }

  @Test("the program has no call that would open a connection", .disabled(if: isSanitized))
  func network() throws {
    let program = try Data(contentsOf: Program.executable())
    func names(_ symbol: String) -> Bool { program.range(of: Data("\0\(symbol)\0".utf8)) != nil }
    #expect(names("fsync"), "system calls are found by name")
    for call in ["socket", "connect", "getaddrinfo", "gethostbyname"] {
      #expect(!names(call), "\(call)")
    }
  }

  @Test("scenarios lists, checks and documents")
  func scenarios() throws {
    let run = try TinyRun.shared()
    #expect(try run.run(["scenarios"]).output.contains("sentiment  "))
    let keys = try run.run(["scenarios", "keys"]).output
    #expect(keys.contains("ppo.kl.coefficient = 0.2\n") && keys.contains("β, or its first value"))
    let checked = try run.run(["scenarios", "check", "sentiment", "--quiet"])
    #expect(checked.code == 0 && checked.errors.isEmpty)
    let file = try run.file("resolved.yaml", checked.output)
    #expect(try run.run(["scenarios", "check", file, "--quiet"]).output == checked.output)
    for name in try run.run(["scenarios", "list"]).output.split(separator: "\n")
    where !name.hasPrefix(" ") {
      let scenario = String(name.prefix { $0 != " " })
      let notes = try run.run(["scenarios", "check", scenario]).errors
      #expect(notes.split(separator: "\n").count == 1, "\(notes)")
    }
    let short = try run.file(
      "short.yaml", "extends: guard\nname: short\nppo: { maximum_tokens: 8 }\n")
    let noted = try run.run(["scenarios", "check", short])
    #expect(noted.code == 0 && noted.errors.contains("`ppo.maximum_tokens` is 8, and "))
    #expect(noted.errors.contains("are cut off there; 10 are enough for all"), "\(noted.errors)")
  }

  @Test("a result that cannot be written ends with 74")
  func unwritable() throws {
    let run = try TinyRun.shared()
    let outcome = try run.run([
      "annotate", "--policy", "run/sft", "--count", "2", "--quiet", "--output",
      "run/run.json/rows.jsonl",
    ])
    #expect(outcome.code == 74, "\(outcome.errors)")
    #expect(outcome.errors.hasPrefix("error: ") && outcome.errors.contains("rows.jsonl"))
  }

  @Test("a reader that closes the pipe ends the program without a message")
  func brokenPipe() throws {
    let run = try TinyRun.shared()
    let process = Process()
    process.executableURL = try Program.executable()
    process.arguments = [
      "annotate", "--policy", "run/sft", "--count", "3000", "--quiet", "--threads", "1",
    ]
    process.currentDirectoryURL = run.directory
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    try output.fileHandleForWriting.close()
    try output.fileHandleForReading.close()
    process.waitUntilExit()
    try errors.fileHandleForWriting.close()
    #expect(try errors.fileHandleForReading.readToEnd()?.isEmpty ?? true)
    #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGPIPE)
  }
}
