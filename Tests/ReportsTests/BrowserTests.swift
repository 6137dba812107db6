import Foundation
import Testing

@testable import Reports
@testable import RunRecords

@Suite(
  "In a browser, a report",
  .enabled(if: Browser.place != nil, "chromium is not installed; install it to see reports opened"))
struct BrowserTests {
  /// Writes the page of the example run, or of three of them side by side, and opens a browser.
  private func withPages(_ body: (Browser, _ report: URL, _ comparison: URL) throws -> Void) throws
  {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("rlhf-sim-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    let run = try ExampleRun.write(to: url.appendingPathComponent("run"))
    try Report.write(runDirectory: run)
    let comparison = url.appendingPathComponent("compare.html")
    try ComparisonReport.write(
      try ["a", "b", "c"].map { name in
        let other = try ExampleRun.write(to: url.appendingPathComponent(name))
        try AtomicFile.write(
          ExampleRun.scenario + "ppo: { kl: { coefficient: 0.\(name.utf8.first ?? 0) } }\n",
          to: other.scenario)
        var evaluation = ExampleRun.evaluation
        evaluation.reward?.alerts = [.memorized, .risingLoss, .farBelowCeiling, .miscalibrated].map
        {
          RewardAlert(kind: $0, text: "")
        }
        try evaluation.write(to: other)
        return (name, other)
      }, to: comparison)
    let browser = try Browser(in: url.appendingPathComponent("browser"))
    defer { browser.close() }
    try body(browser, run.report, comparison)
  }

  @Test(
    """
    has no text on another or beyond its drawing, no label on a curve, contrast, and words for every \
    picture, wide and narrow, light, dark and printed; the console stays silent
    """)
  func setting() throws {
    try withPages { browser, report, comparison in
      for page in [report, comparison] {
        #expect(try Data(contentsOf: page).count < 1_500_000)
        for (width, isDark, isPrinted) in [
          (1280, false, false), (1280, true, false), (820, false, false), (390, false, false),
          (390, true, false), (794, false, true),
        ] {
          try browser.open(page, width: width, isDark: isDark, isPrinted: isPrinted)
          #expect(
            try browser.number("document.querySelectorAll('svg[role=img]').length") > 5)
          for (name, script) in PageChecks.all {
            let found = try browser.list(script)
            #expect(
              found.isEmpty,
              "\(page.lastPathComponent), \(width), dark \(isDark), printed \(isPrinted), \(name): \(found)"
            )
          }
        }
      }
      #expect(browser.console.isEmpty, "\(browser.console)")
      // Few runs side by side need no scrolling, wherever their alerts and names are long.
      for width in [1280, 390] {
        try browser.open(comparison, width: width)
        let beyond = try browser.list(
          """
          [...document.querySelectorAll(".compared td")]
            .filter(cell => cell.getBoundingClientRect().right > innerWidth - 15)
            .map(cell => cell.textContent)
          """)
        #expect(beyond.isEmpty, "\(width): \(beyond)")
      }
    }
  }

  @Test("has a slider that scrubs through the iterations by keys, by touch and by itself")
  func slider() throws {
    try withPages { browser, report, _ in
      try browser.open(report, width: 1280)
      let shown = """
        [document.querySelector(".controls output").textContent,
          document.querySelector(".needle.gold").getAttribute("transform"),
          document.querySelector(".watched .said").textContent,
          document.querySelector(".sayings b.score").textContent,
          document.querySelector(".meter b").textContent].join(" | ")
        """
      let end = try browser.text(shown)
      #expect(end.contains("after 60 of 60 iterations") && end.contains("+1.7 sd"), "\(end)")
      // By the keyboard, from the top of the page.
      for _ in 0..<60 where try browser.text("document.activeElement.type ?? ''") != "range" {
        try browser.press("Tab")
      }
      #expect(try browser.text("document.activeElement.type") == "range")
      try browser.press("ArrowLeft")
      try browser.press("ArrowLeft")
      #expect(try browser.text(shown).contains("after 58 of 60 iterations"))
      try browser.press("Home")
      let start = try browser.text(shown)
      #expect(start.contains("before the first iteration: the SFT policy"), "\(start)")
      #expect(start.contains("not very good 0"), "\(start)")
      for part in zip(end.split(separator: "|"), start.split(separator: "|")) {
        #expect(part.0 != part.1)
      }
      #expect(
        try browser.text("document.activeElement.getAttribute('aria-valuetext')")
          .contains("gold "))
      // The curves show where it is.
      #expect(
        try browser.text("document.querySelector('.watch .cursor').getAttribute('visibility')")
          == "visible")
      // By itself.
      _ = try browser.evaluate("document.querySelector('.controls button').focus()")
      try browser.press("Enter")
      for _ in 0..<100
      where try browser.number("Number(document.querySelector('.controls input').value)") < 3 {
        usleep(50_000)
      }
      #expect(try browser.number("Number(document.querySelector('.controls input').value)") >= 3)
      // By a finger.
      try browser.open(report, width: 390)
      let place = try browser.middle(of: ".controls input")
      try browser.touch(
        from: (place.x + place.width * 0.3, place.y), to: (place.x - place.width * 0.25, place.y))
      let value = try browser.number("Number(document.querySelector('.controls input').value)")
      #expect((5...25).contains(value), "\(value)")
      #expect(try browser.text(shown).contains("after \(Int(value)) of 60"))
      #expect(browser.console.isEmpty, "\(browser.console)")
    }
  }

  @Test("shows values under the pointer and at the arrow keys, and every control is reached by Tab")
  func pointing() throws {
    try withPages { browser, report, _ in
      try browser.open(report, width: 1280)
      let chart = try browser.middle(of: ".watch svg[data-chart]")
      try browser.point(at: (chart.x, chart.y))
      let tip = try browser.text("document.querySelector('.watch .tip').textContent")
      #expect(tip.contains("gold: ") && tip.contains("sd (raw "), "\(tip)")

      _ = try browser.evaluate("document.querySelector('.watch svg[data-chart]').focus()")
      try browser.press("ArrowLeft")
      #expect(try browser.text("document.querySelector('.watch .tip').textContent") != tip)
      #expect(
        try browser.evaluate("document.querySelector('.watch .tip').hidden") as? Bool == false)

      let token =
        "[...document.querySelectorAll('#tokens .token')].findLast(t => t.textContent === '&')"
      _ = try browser.evaluate("\(token).id = 'pointed'")
      let place = try browser.middle(of: "#pointed")
      try browser.point(at: (place.x, place.y))
      #expect(
        try browser.text("document.querySelector('#tokens .readout').textContent")
          .contains("· advantage +1.125 ·"))
      let color = "getComputedStyle(document.querySelector('#pointed')).backgroundColor"
      let before = try browser.text(color)
      _ = try browser.evaluate("document.querySelector('#tint-v').click()")
      #expect(try browser.text(color) != before)

      _ = try browser.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
      try browser.open(report, width: 1280)
      var reached: Set<String> = []
      for _ in 0..<400 {
        try browser.press("Tab")
        let name = try browser.text(
          """
          (e => e === document.body ? "" : e.tagName.toLowerCase() + (e.type ? "." + e.type : "")
            + (getComputedStyle(e).outlineStyle === "none" ? " unseen" : ""))(document.activeElement)
          """)
        if name.isEmpty { break }
        reached.insert(name)
      }
      for control in ["a", "svg", "input.range", "input.radio", "summary", "button.button"] {
        #expect(reached.contains(control), "\(reached.sorted())")
      }
      #expect(!reached.contains { $0.hasSuffix("unseen") }, "\(reached.sorted())")
      #expect(browser.console.isEmpty, "\(browser.console)")
    }
  }
}
