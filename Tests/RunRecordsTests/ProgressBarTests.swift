import Foundation
import Testing

@testable import RunRecords

@Suite("A progress bar")
struct ProgressBarTests {
  /// A clock and a screen under the test's control.
  private final class Screen {
    var time = 0.0
    var written: [String] = []

    func bar(total: Int, _ terminal: Terminal) -> ProgressBar {
      ProgressBar(
        stage: "SFT", total: total, terminal: terminal, now: { self.time },
        write: { self.written.append($0) })
    }
  }

  private func terminal(width: Int, color: Bool = false, unicode: Bool = true) -> Terminal {
    Terminal(isInteractive: true, usesColor: color, usesUnicode: unicode, width: { width })
  }

  private let half = ProgressLine(
    stage: "SFT", done: 350, total: 700, elapsed: 5, figures: [("loss", 1.72), ("kl", 1e-5)])

  @Test("shows stage, bar, count, rate, time left and figures")
  func line() {
    #expect(
      half.rendered(for: terminal(width: 100))
        == "SFT ━━━━━━━━━━━━━━━··············· 350/700  70/s  0:05 left  loss 1.720  kl 1.0e-05")
    #expect(
      half.rendered(for: terminal(width: 53, unicode: false))
        == "SFT #####------ 350/700  70/s  0:05 left  loss 1.720")
  }

  @Test(
    "never grows wider than the terminal; figures give way first",
    arguments: [1, 9, 20, 32, 41, 47, 56, 68, 80, 120])
  func width(columns: Int) {
    let line = half.rendered(for: terminal(width: columns))
    #expect(line.count <= max(columns - 1, 1))
    if columns > 40 { #expect(line.contains("350/700") && line.contains("━")) }
  }

  @Test("uses colour only where it may, and the words are the same without it")
  func color() {
    let plain = half.rendered(for: terminal(width: 100))
    let colored = half.rendered(for: terminal(width: 100, color: true))
    #expect(!plain.contains("\u{1B}"))
    #expect(colored.contains("\u{1B}[36m"))
    let stripped = colored.replacing(/\u{1B}\[[0-9]*m/, with: "")
    #expect(
      stripped.replacing("━", with: "").replacing("·", with: "")
        == plain.replacing("━", with: "").replacing("·", with: ""))
  }

  @Test("counts without a bar when the total is unknown")
  func unknownTotal() {
    let line = ProgressLine(stage: "A", done: 3, total: 0, elapsed: 6, figures: [])
    #expect(line.rendered(for: terminal(width: 80)) == "A 3  2.0 s each")
  }

  @Test("is drawn at most ten times a second, then cleared for one summary line")
  func redraw() {
    let screen = Screen()
    let bar = screen.bar(total: 100, terminal(width: 80))
    for step in 1...100 {
      screen.time = Double(step) / 100
      bar.update(step, figures: [("loss", 2)])
    }
    #expect((9...11).contains(screen.written.count))
    #expect(screen.written.allSatisfy { $0.hasPrefix("\r") && $0.hasSuffix("\u{1B}[K") })
    let drawn = screen.written.count
    bar.finish()
    bar.finish()
    #expect(
      Array(screen.written[drawn...])
        == ["\r\u{1B}[K", "✓ SFT  100 steps in 1.0 s (100/s)  loss 2.000\n"])
  }

  @Test("shows occasional measurements until the next one")
  func seldomFigures() {
    let screen = Screen()
    let bar = screen.bar(total: 3, terminal(width: 120))
    bar.update(1, figures: [("loss", 2)])
    bar.update(2, figures: [("loss", 1), ("held-out", 0.75)])
    bar.update(3, figures: [("loss", 0.5)])
    bar.finish()
    #expect(screen.written.last?.hasSuffix("  loss 0.500  held-out 0.750\n") == true)
  }

  @Test("leaves a summary of one line: figures give way on a terminal, and nowhere else")
  func shortSummary() {
    let line = ProgressLine(
      stage: "reward model", done: 500, total: 500, elapsed: 5,
      figures: [("loss", 0.5), ("accuracy", 0.75), ("held-out", 0.75)])
    let narrow = line.summary(unit: "steps", for: terminal(width: 62))
    #expect(narrow == "✓ reward model  500 steps in 5.0 s (100/s)  loss 0.500")
    let file = Terminal(isInteractive: false)
    #expect(line.summary(unit: "steps", for: file).hasSuffix("  accuracy 0.750  held-out 0.750"))
  }

  @Test("is only its summary line off a terminal, and nothing when quiet")
  func plain() {
    let screen = Screen()
    let bar = screen.bar(total: 2, Terminal(isInteractive: false, usesUnicode: false))
    screen.time = 90
    bar.update(2)
    bar.finish()
    #expect(screen.written == ["done: SFT  2 steps in 1:30 (45 s each)\n"])

    let silent = Screen()
    let quiet = silent.bar(total: 2, Terminal(isInteractive: true, isQuiet: true))
    quiet.update(1)
    quiet.finish()
    #expect(silent.written.isEmpty)
  }

  @Test("is cleared for a line of text, and stands below it again at once")
  func interrupt() {
    let screen = Screen()
    let bar = screen.bar(total: 3, terminal(width: 80))
    bar.update(1)
    bar.interrupt()
    #expect(screen.written.last == "\r\u{1B}[K")
    bar.update(2)
    #expect(screen.written.last?.contains("2/3") == true)
  }

  @Test("leaves nothing behind when a stage fails")
  func abandon() {
    let screen = Screen()
    let bar = screen.bar(total: 2, terminal(width: 80))
    bar.update(1)
    bar.abandon()
    bar.update(2)
    bar.finish()
    #expect(screen.written.count == 2)
    #expect(screen.written.last == "\r\u{1B}[K")
  }

  @Test("shows no colour under NO_COLOR, no bar on a dumb terminal, and Unicode by the locale")
  func environment() {
    func terminal(_ environment: [String: String]) -> Terminal {
      .standardError(isQuiet: false, environment: environment)
    }
    #expect(!terminal(["NO_COLOR": "1"]).usesColor)
    #expect(!terminal(["TERM": "dumb"]).isInteractive)
    #expect(terminal(["LANG": "C.UTF-8"]).usesUnicode)
    #expect(!terminal(["LC_ALL": "C", "LANG": "en_GB.UTF-8"]).usesUnicode)
    #expect(terminal([:]).width() > 0)
  }
}

@Suite("A text table")
struct TextTableTests {
  @Test("aligns its columns and leaves no blanks at line ends")
  func rendered() {
    var table = TextTable(columns: [("figure", .leading), ("value", .trailing), ("", .leading)])
    table.append(["gold", "1.62 ± 1.01", "n = 512"])
    table.append(["exact KL", "3.4"])
    #expect(
      table.rendered() == """
        figure          value
        ────────  ───────────  ───────
        gold      1.62 ± 1.01  n = 512
        exact KL          3.4

        """)
    #expect(table.rendered(usesUnicode: false).contains("--------  -----------  -------\n"))
  }

  @Test("is shown in parts where it is too wide, each with its first column")
  func parts() {
    var table = TextTable(
      columns: [("token", .leading), ("log π", .trailing), ("KL", .trailing), ("ratio", .trailing)])
    table.append(["good", "-0.5", "0.01", "1.000"])
    #expect(
      table.rendered(within: 19) == """
        token  log π    KL
        ─────  ─────  ────
        good    -0.5  0.01

        token  ratio
        ─────  ─────
        good   1.000

        """)
    #expect(table.rendered(within: 25) == table.rendered())
    // A column that is too wide by itself is shown all the same.
    #expect(table.rendered(within: 3).split(separator: "\n").count == 9)
  }
}
