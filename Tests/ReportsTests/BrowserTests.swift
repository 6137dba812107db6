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
  static func open(
    _ page: URL, width: Int = 1280, isDark: Bool = false
  ) throws -> (document: String, console: [String]) {
    let profile = page.deletingLastPathComponent().appendingPathComponent("profile")
    let process = Process()
    process.executableURL = URL(filePath: place ?? "")
    process.arguments = [
      "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
      "--user-data-dir=\(profile.path)", "--window-size=\(width),1000",
      "--virtual-time-budget=1000", "--blink-settings=preferredColorScheme=\(isDark ? 0 : 1)",
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
    """
    shows a token's numbers under the pointer, and no text of a drawing covers anything or is \
    cut, wide and narrow, light and dark; the console stays silent
    """,
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
      const said = JSON.stringify({
        hidden, text, changes: before !== color(), sampleText, sampleColors: colors.size,
        tip: document.querySelectorAll("svg[data-chart] circle[r='5']").length > 0,
        fits: document.documentElement.scrollWidth <= innerWidth, width: innerWidth,
        dark: getComputedStyle(document.body).backgroundColor === "rgb(20, 23, 26)",
        \(Self.drawings)
      });
      document.title = said;
      parent.postMessage(said, "*");
      </script></body>
      """
    let touched = url.appendingPathComponent("touched.html")
    try page.replacing("</body>", with: probe).write(to: touched, atomically: true, encoding: .utf8)
    // No window is as narrow as a telephone, but a frame is.
    let narrow = url.appendingPathComponent("narrow.html")
    try """
    <!DOCTYPE html><title></title>
    <script>addEventListener("message", said => { document.title = said.data; });</script>
    <iframe src="touched.html" width="390" height="900" style="border: 0"></iframe>
    """.write(to: narrow, atomically: true, encoding: .utf8)
    for (file, width) in [(touched, 1280), (touched, 500), (narrow, 390)] {
      for isDark in [false, true] {
        let shown = try Browser.open(file, width: max(width, 500), isDark: isDark)
        #expect(shown.console.isEmpty, "\(shown.console)")
        let title = try #require(shown.document.firstMatch(of: /<title>(.*?)<\/title>/)).1
        for words in [
          "\"hidden\":false", "\"changes\":true", "· advantage +1.125 ·", "\"tip\":true",
          "very · KL 0.500 · log-ratio +0.250", "\"sampleColors\":2",
          "\"fits\":true", "\"width\":\(width),", "\"dark\":\(isDark)", "\"drawings\":true",
          "\"overlapping\":[]", "\"cut\":[]", "\"covering\":[]",
        ] {
          #expect(title.contains(words), "\(words) at \(width): \(title)")
        }
      }
    }
  }

  /// What is wrong with the drawings as they are set: texts on each other, texts beyond the edge,
  /// and labels that a curve or a mark runs through.
  private static let drawings = """
    ...(() => {
      const [overlapping, cut, covering] = [[], [], []];
      const meets = (a, b, slack) =>
        Math.min(a.right, b.right) - Math.max(a.left, b.left) > slack
          && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > slack;
      // Digits and letters fill three fifths of the height of their line.
      const ink = ({ left, right, top, bottom }) =>
        ({ left, right, top: top + (bottom - top) / 5, bottom: bottom - (bottom - top) / 5 });
      const drawings = [...document.querySelectorAll("svg[role='img']")];
      for (const drawing of drawings) {
        const frame = drawing.getBoundingClientRect();
        const texts = [...drawing.querySelectorAll("text")].map(
          text => ({ name: text.textContent, box: text.getBoundingClientRect() }));
        texts.forEach((text, index) => {
          for (const other of texts.slice(index + 1)) {
            if (meets(ink(text.box), ink(other.box), 1)) overlapping.push(text.name + " on " + other.name);
          }
          if (text.box.left < frame.left - 1 || text.box.right > frame.right + 1
            || text.box.top < frame.top - 1 || text.box.bottom > frame.bottom + 1) {
            cut.push(text.name);
          }
        });
        for (const label of drawing.querySelectorAll(".reference-label")) {
          const { x, y, width, height } = label.getBBox();
          for (const path of drawing.querySelectorAll("path")) {
            for (let along = 0; along <= path.getTotalLength(); along += 1) {
              const point = path.getPointAtLength(along);
              if (point.x > x && point.x < x + width && point.y > y && point.y < y + height) {
                covering.push(label.textContent);
                break;
              }
            }
          }
          for (const mark of drawing.querySelectorAll(".mark:not([visibility])")) {
            if (meets(mark.getBoundingClientRect(), label.getBoundingClientRect(), 0)) {
              covering.push(label.textContent);
            }
          }
        }
      }
      return { overlapping, cut, covering, drawings: drawings.length > 20 };
    })(),
    """
}
