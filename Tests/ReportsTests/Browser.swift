import Foundation
import Testing

/// Chromium without a window, driven over its debugging pipe: real keys, touches and pointers.
final class Browser {
  static let place = ["chromium", "chromium-browser", "google-chrome"].lazy.compactMap { name in
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").lazy
      .map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }.first

  struct Failure: Error, CustomStringConvertible { var description: String }

  private let process = Process()
  private let directory: URL
  private let (input, output): (Int32, Int32)
  private var received = Data()
  private var number = 0
  private var session: String?
  /// What the console said, and exceptions.
  private(set) var console: [String] = []

  /// - Parameter directory: for the browser's own files.
  init(in directory: URL) throws {
    self.directory = directory
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let pipes = ["in", "out"].map { directory.appendingPathComponent($0).path }
    for pipe in pipes {
      guard mkfifo(pipe, 0o600) == 0 else { throw Failure(description: "no pipe \(pipe)") }
    }
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [
      "-c",
      """
      exec "$0" --headless --no-sandbox --disable-gpu --remote-debugging-pipe \
      --user-data-dir="$1/profile" about:blank 3<"$1/in" 4>"$1/out"
      """, Self.place ?? "", directory.path,
    ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    (input, output) = (Foundation.open(pipes[0], O_WRONLY), Foundation.open(pipes[1], O_RDONLY))
    guard input >= 0, output >= 0 else { throw Failure(description: "the pipes do not open") }
    let target = try send("Target.createTarget", ["url": "about:blank"])
    let attached = try send(
      "Target.attachToTarget", ["targetId": target["targetId"] ?? "", "flatten": true])
    session = attached["sessionId"] as? String
    for domain in ["Page", "Runtime", "Log"] { try send("\(domain).enable") }
  }

  func close() {
    process.terminate()
    process.waitUntilExit()
    for descriptor in [input, output] { _ = Foundation.close(descriptor) }
    try? FileManager.default.removeItem(at: directory)
  }

  /// Sends a command of the DevTools protocol and waits for its answer.
  @discardableResult
  func send(_ method: String, _ parameters: [String: Any] = [:]) throws -> [String: Any] {
    number += 1
    var message: [String: Any] = ["id": number, "method": method, "params": parameters]
    message["sessionId"] = session
    let data = try JSONSerialization.data(withJSONObject: message) + [0]
    let written = data.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
    guard written == data.count else { throw Failure(description: "\(method) was not sent") }
    while true {
      let answer = try receive()
      note(answer)
      guard answer["id"] as? Int == number else { continue }
      if let error = answer["error"] { throw Failure(description: "\(method): \(error)") }
      return answer["result"] as? [String: Any] ?? [:]
    }
  }

  private func receive() throws -> [String: Any] {
    while true {
      if let end = received.firstIndex(of: 0) {
        let message = received[received.startIndex..<end]
        received = Data(received[received.index(after: end)...])
        return try JSONSerialization.jsonObject(with: message) as? [String: Any] ?? [:]
      }
      var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, 60_000) > 0 else { throw Failure(description: "no answer in 60 s") }
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      let count = read(output, &buffer, buffer.count)
      guard count > 0 else { throw Failure(description: "the browser ended") }
      received.append(contentsOf: buffer[..<count])
    }
  }

  private func note(_ event: [String: Any]) {
    let parameters = event["params"] as? [String: Any] ?? [:]
    switch event["method"] as? String {
    case "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded":
      console.append("\(parameters)")
    default: break
    }
  }

  /// The value of an expression.
  func evaluate(_ script: String) throws -> Any? {
    let answer = try send(
      "Runtime.evaluate", ["expression": script, "returnByValue": true, "awaitPromise": true])
    if let error = answer["exceptionDetails"] { throw Failure(description: "\(error)") }
    return (answer["result"] as? [String: Any])?["value"]
  }

  func text(_ script: String) throws -> String { try evaluate(script) as? String ?? "" }
  func number(_ script: String) throws -> Double {
    (try evaluate(script) as? NSNumber)?.doubleValue ?? .nan
  }
  func list(_ script: String) throws -> [String] {
    try evaluate(script) as? [String] ?? ["no list"]
  }

  /// Opens a page as a screen, or a sheet of paper, of some width shows it.
  func open(_ page: URL, width: Int, isDark: Bool = false, isPrinted: Bool = false) throws {
    try send(
      "Emulation.setDeviceMetricsOverride",
      ["width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500])
    try send("Emulation.setTouchEmulationEnabled", ["enabled": width < 500])
    try send(
      "Emulation.setEmulatedMedia",
      [
        "media": isPrinted ? "print" : "screen",
        "features": [["name": "prefers-color-scheme", "value": isDark ? "dark" : "light"]],
      ])
    try send("Page.navigate", ["url": page.absoluteString])
    for _ in 0..<200
    where try text("document.readyState + location.href") != "complete\(page.absoluteString)" {
      usleep(20_000)
    }
  }

  func press(_ key: String) throws {
    let codes = ["Tab": 9, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39, "Enter": 13]
    for type in ["keyDown", "keyUp"] {
      var event: [String: Any] = [
        "type": type, "key": key, "code": key, "windowsVirtualKeyCode": codes[key] ?? 0,
      ]
      if key == "Enter" { event["text"] = "\r" }
      try send("Input.dispatchKeyEvent", event)
    }
  }

  /// Where the middle of an element is, after it was scrolled into view.
  func middle(of selector: String) throws -> (x: Double, y: Double, width: Double) {
    let place = """
      document.querySelector("\(selector)").scrollIntoView({ block: "center", behavior: "instant" });
      """
    _ = try evaluate(place)
    let box = "document.querySelector(\"\(selector)\").getBoundingClientRect()"
    return (
      try number("\(box).x + \(box).width / 2"), try number("\(box).y + \(box).height / 2"),
      try number("\(box).width")
    )
  }

  func touch(from: (x: Double, y: Double), to: (x: Double, y: Double)) throws {
    for (type, place) in [("touchStart", from), ("touchMove", to)] {
      try send(
        "Input.dispatchTouchEvent",
        ["type": type, "touchPoints": [["x": place.x, "y": place.y]]])
    }
    try send("Input.dispatchTouchEvent", ["type": "touchEnd", "touchPoints": [Any]()])
  }

  func point(at place: (x: Double, y: Double)) throws {
    try send(
      "Input.dispatchMouseEvent", ["type": "mouseMoved", "x": place.x, "y": place.y])
  }
}
