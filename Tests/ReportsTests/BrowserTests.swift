import Foundation
import RunRecords
import Testing

@testable import Reports

/// A browser without a window, to see what a page does.
private enum Browser {
  static let place = ["chromium", "chromium-browser", "google-chrome"].lazy.compactMap { name in
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").lazy
      .map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }.first

  /// The document after its scripts have run, and what the console said.
  static func open(_ page: URL, width: Int = 1280) throws -> (document: String, console: [String]) {
    let profile = page.deletingLastPathComponent().appendingPathComponent("profile")
    let process = Process()
    process.executableURL = URL(filePath: place ?? "")
    process.arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
      "--user-data-dir=\(profile.path)", "--window-size=\(width),1000",
      "--virtual-time-budget=1000",
      "--dump-dom", page.absoluteString,
    ]
    let directory = page.deletingLastPathComponent()
    let (output, errors) = (
      directory.appendingPathComponent("dom"), directory.appendingPathComponent("log")
    )
    for file in [output, errors] { try Data().write(to: file) }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    process.waitUntilExit()
    let log = String(decoding: try Data(contentsOf: errors), as: UTF8.self)
    return (
      String(decoding: try Data(contentsOf: output), as: UTF8.self),
      log.split(separator: "\n").map(String.init).filter { $0.contains("CONSOLE") }
    )
  }
}

@Suite("In a browser, a report")
struct BrowserTests {
  @Test(
    "shows a token's numbers under the pointer, and the console stays silent",
    .enabled(
      if: Browser.place != nil, "chromium is not installed; install it to see reports opened"))
  func hovering() throws {
    let url = FileManager.default.temporaryDirectory
      .appendingPathComponent("rlhf-sim-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    let run = try ExampleRun.write(to: url.appendingPathComponent("run"))
    try Report.write(runDirectory: run)
    let page = try String(contentsOf: run.report, encoding: .utf8)
    #expect(page.utf8.count < 2_000_000)

    // As it is: the numbers are in the document, with no help of the pointer.
    let seen = try Browser.open(run.report)
    #expect(seen.console.isEmpty, "\(seen.console)")
    #expect(seen.document.contains("advantage +1.125"))

    // With a pointer: what it does to the page is written into the title.
    let probe = """
      <script>
      const token = [...document.querySelectorAll(".token")].findLast(
        token => token.textContent.length === 1);
      token.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
      const readout = document.querySelector("#tokens .readout");
      const [hidden, text] = [readout.hidden, readout.textContent];
      const color = () => getComputedStyle(token).backgroundColor;
      const before = color();
      document.querySelector("#tint-v").click();
      const sample = document.querySelector("#samples .token");
      sample.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
      const sampleText = document.querySelector("#samples .readout").textContent;
      const colors = new Set([getComputedStyle(sample).backgroundColor]);
      document.querySelector("#sample-tint-l").click();
      colors.add(getComputedStyle(sample.nextElementSibling).backgroundColor);
      document.title = JSON.stringify({
        hidden, text, changes: before !== color(), sampleText, sampleColors: colors.size,
        tip: document.querySelectorAll("svg[data-chart] circle[r='5']").length > 0,
        fits: document.documentElement.scrollWidth <= innerWidth,
      });
      </script></body>
      """
    let touched = url.appendingPathComponent("touched.html")
    try page.replacing("</body>", with: probe).write(to: touched, atomically: true, encoding: .utf8)
    for width in [1280, 500] {
      let shown = try Browser.open(touched, width: width)
      #expect(shown.console.isEmpty, "\(shown.console)")
      let title = try #require(shown.document.firstMatch(of: /<title>(.*?)<\/title>/)).1
      #expect(title.contains("\"hidden\":false") && title.contains("\"changes\":true"), "\(title)")
      #expect(title.contains("· advantage +1.125 ·") && title.contains("\"tip\":true"), "\(title)")
      #expect(title.contains("very · KL 0.500 · log-ratio +0.250"), "\(title)")
      #expect(title.contains("\"sampleColors\":2"), "\(title)")
      #expect(title.contains("\"fits\":true"), "\(width): \(title)")
    }
  }
}
