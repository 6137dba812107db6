import Foundation
import RLHF
import Testing

@testable import Experiments

/// What a reward command answers, and every way in which it fails to.
@Suite struct RewardCommandTests {
  private func command(_ text: String, timeout: Double = 20) -> RewardCommand {
    var source = RewardSource()
    (source.kind, source.command, source.timeout) = (.command, text, timeout)
    return RewardCommand(source)
  }

  /// The problem of a batch that must fail, within 2 s.
  private func problem(
    _ text: String, rows: [String] = ["1", "2", "3"], timeout: Double = 20
  ) throws -> RewardCommandError.Problem {
    let start = ContinuousClock.now
    let error = try #require(throws: RewardCommandError.self) {
      try command(text, timeout: timeout).scores(of: rows)
    }
    #expect(ContinuousClock.now - start < .seconds(2))
    #expect("\(error)".contains(text) && !"\(error)".contains("\n"))
    return error.problem
  }

  private static let echo = #"while IFS= read -r row; do echo "$row"; done"#

  @Test("answers come in the order of the rows, in batches beyond what pipes hold both ways")
  func order() throws {
    // 512 KB a batch, and 64 KiB in a pipe.
    let rows = (0..<600).map { String(repeating: "0", count: 2_000) + "\($0).5" }
    #expect(try command("cat").scores(of: rows) == (0..<600).map { Double($0) + 0.5 })
    // All answers before the second row is read: the batch is written nevertheless.
    let eager = command("read -r row; seq 0 255; cat > /dev/null")
    #expect(try eager.scores(of: Array(rows.prefix(256))) == (0..<256).map(Double.init))
  }

  @Test("one process answers all batches, and none are asked for without rows")
  func keptAlive() throws {
    let counter = command("n=0; while read -r row; do n=$((n + 1)); echo $n; done")
    #expect(try counter.scores(of: []) == [])
    #expect(try counter.scores(of: ["a", "b"]) == [1, 2])
    #expect(try counter.scores(of: ["a"]) == [3])
  }

  @Test(
    "spaces and line ends of other systems are no matter",
    arguments: [(" -1.5e1 ", -15.0), ("+2\r", 2), ("0", 0)])
  func spelling(text: String, number: Double) throws {
    #expect(try command("cat").scores(of: [text]) == [number])
  }

  @Test("a command that dies says how far it came, how it ended and what it complained of")
  func dies() throws {
    let early =
      "for n in 1 2; do read -r row; echo $n; done; echo low >&2; echo 'no memory' >&2; exit 3"
    #expect(
      try problem(early)
        == .ended("exit status 3", answered: 2, of: 3, errors: ["low", "no memory"]))
    #expect(
      try problem("kill -9 $$")
        == .ended("\(ProcessEnd.signal(9))", answered: 0, of: 3, errors: []))
    #expect("\(ProcessEnd.signal(9))".hasPrefix("signal 9 (Kill"))
    #expect(
      try problem("read -r a; echo 1; exit 0")
        == .ended("exit status 0", answered: 1, of: 3, errors: []))
  }

  @Test("a command that dies with its input unread ends the batch, not the program")
  func unread() throws {
    let rows = Array(repeating: String(repeating: "1", count: 4_000), count: 200)
    #expect(
      try problem("exit 3", rows: rows)
        == .ended("exit status 3", answered: 0, of: 200, errors: []))
  }

  @Test("a command that ends while something that it started holds its output open has ended")
  func orphan() throws {
    #expect(
      try problem("sleep 60 & exit 4") == .ended("exit status 4", answered: 0, of: 3, errors: []))
  }

  @Test(
    "what is no decimal number that float32 can hold is quoted, with its row",
    arguments: [
      "nan", "inf", "-Infinity", "", "soup", "1 2", "1,5", "1e999", "1e300", "0x10", "0x1p3",
    ])
  func noNumber(text: String) throws {
    #expect(try problem("cat", rows: ["7", text, "8"]) == .notANumber(line: text, id: 1))
  }

  @Test("the row of a later batch is named by its own id, and a line without end is cut")
  func laterRow() throws {
    let rows = (0..<300).map { $0 == 299 ? "x" : "\($0)" }
    #expect(try problem("cat", rows: rows) == .notANumber(line: "x", id: 299))
    guard
      case .notANumber(let line, id: 0) = try problem(
        "read -r row; tr '\\0' 1 < /dev/zero")
    else { throw Unexpected() }
    #expect(line.count == 4_096)
  }

  private struct Unexpected: Error {}

  @Test("lines that answer no row are refused, at the latest with the next batch")
  func surplus() throws {
    #expect(
      try problem("read -r row; printf '1\\n2\\n3\\n4\\n'; cat > /dev/null") == .surplus(line: "4"))
    let late = command("\(Self.echo.replacing("done", with: "sleep 0.1; echo late; done"))")
    #expect(try late.scores(of: ["1"]) == [1])
    usleep(300_000)
    let error = try #require(throws: RewardCommandError.self) { try late.scores(of: ["2"]) }
    #expect(error.problem == .surplus(line: "late"))
  }

  @Test("a command that answers too late or too few rows is given up in time, and killed")
  func tooLate() throws {
    #expect(
      try problem("sleep 60", timeout: 0.2)
        == .timedOut(.seconds(0.2), answered: 0, of: 3, errors: []))
    let place = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: place) }
    let lazy = "echo $$ > \(place.path); read -r row; echo 1; echo slow >&2; cat > /dev/null"
    #expect(
      try problem(lazy, timeout: 0.3)
        == .timedOut(.seconds(0.3), answered: 1, of: 3, errors: ["slow"]))
    let text = try String(contentsOf: place, encoding: .utf8)
    let process = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    #expect(kill(process, 0) == -1 && errno == ESRCH)
  }

  @Test("a program that is not there is named by the shell")
  func missing() throws {
    guard
      case .ended(let how, answered: 0, of: 3, let errors) = try problem("no-such-program-here 1")
    else { throw Unexpected() }
    #expect(how.contains("127") && how.contains("did not find"))
    #expect(errors.joined().contains("no-such-program-here"))
  }

  @Test("a flood on standard error stops nothing, and its last lines are kept")
  func flood() throws {
    // 200 KB a row.
    let noise = "head -c 200000 /dev/zero | tr '\\0' x >&2; echo >&2"
    let noisy = Self.echo.replacing("do echo", with: "do \(noise); echo")
    #expect(try command(noisy).scores(of: ["1", "2", "3"]) == [1, 2, 3])
    guard
      case .ended(_, answered: 3, of: 4, let errors) = try problem(
        "for n in 1 2 3; do read -r row; \(noise); echo $n; done; echo last >&2",
        rows: ["1", "2", "3", "4"])
    else { throw Unexpected() }
    #expect(errors.last == "last" && errors.allSatisfy { $0.count <= 200 })
  }

  @Test("a command ends with what it belongs to, also one that waits for nothing, and its children")
  func ends() throws {
    let place = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: place) }
    do {
      let stubborn = command(
        "trap '' TERM; sleep 60 & echo $! > \(place.path); read -r row; echo 1; sleep 60")
      #expect(try stubborn.scores(of: ["1"]) == [1])
    }
    let text = try String(contentsOf: place, encoding: .utf8)
    let child = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    // Whoever adopts it may take a moment to let it go.
    for _ in 0..<100 where kill(child, 0) == 0 && !isZombie(child) { usleep(5_000) }
    #expect(kill(child, 0) == -1 || isZombie(child))
  }

  private func isZombie(_ process: pid_t) -> Bool {
    let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    return status?.contains(") Z ") ?? false
  }

  @Test("the shipped examples answer as they say")
  func examples() throws {
    let rows = ["was very good", "was bad", "", #"a \"very\" * very good"#].map {
      #"{"id":0,"prompt":"the soup","response":"\#($0)","prompt_ids":[1],"response_ids":[2],"#
        + #""ended":true}"#
    }
    let folder = packageRoot.appending(path: "script/examples").path
    #expect(try command("\(folder)/reward_words.sh").scores(of: rows) == [3, 2, 0, 5])
    #expect(try command("\(folder)/reward_words.sh good very").scores(of: rows) == [2, 0, 0, 2])
    #expect(
      try command("python3 \(folder)/reward_length.py").scores(of: rows) == [0.6, 0.4, 0, 1])
  }
}
