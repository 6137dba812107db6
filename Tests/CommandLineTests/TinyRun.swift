import Foundation

/// One tiny run of the whole loop, made once for all tests, and a place for their own files.
struct TinyRun: Sendable {
  struct Failed: Error, CustomStringConvertible {
    let description: String
  }

  let directory: URL

  /// `run/` in the directory.
  static func shared() throws -> TinyRun { try made.get() }

  private static let place = FileManager.default.temporaryDirectory
    .appending(path: "rlhf-sim-tests-\(UUID().uuidString)")

  private static let made = Result<TinyRun, any Error> {
    let directory = place
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(at: TinyRun.place) }
    let outcome = try Program.run(
      ["demo", "--out", "run", "--quiet", "--threads", "1"] + Program.tiny, in: directory)
    guard outcome.code == 0 else { throw Failed(description: outcome.errors) }
    return TinyRun(directory: directory)
  }

  func run(_ arguments: [String]) throws -> Program.Outcome {
    try Program.run(arguments, in: directory)
  }

  /// Writes a file into the directory and returns its name.
  func file(_ name: String, _ text: String) throws -> String {
    try Data(text.utf8).write(to: directory.appending(path: name))
    return name
  }

  /// A copy of the run as if it had been stopped before its last word.
  func interrupted(_ name: String) throws -> URL {
    let copy = directory.appending(path: name)
    try FileManager.default.copyItem(at: directory.appending(path: "run"), to: copy)
    try edit("\(name)/run.json", "\"finished\"", "\"interrupted\"")
    return copy
  }

  /// Replaces text of a file that must have it.
  func edit(_ path: String, _ old: String, _ new: String) throws {
    let before = try text(path)
    guard before.contains(old) else { throw Failed(description: "\(path) has no \(old)") }
    _ = try file(path, before.replacing(old, with: new))
  }

  func text(_ path: String) throws -> String {
    try String(contentsOf: directory.appending(path: path), encoding: .utf8)
  }

  func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: directory.appending(path: path))
  }

  func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: directory.appending(path: path).path)
  }

  /// Every file below `path` with its bytes.
  func contents(of path: String) throws -> [String: Data] {
    let root = directory.appending(path: path)
    let names = try FileManager.default.subpathsOfDirectory(atPath: root.path)
    var files: [String: Data] = [:]
    for name in names {
      var isDirectory: ObjCBool = false
      let file = root.appending(path: name)
      _ = FileManager.default.fileExists(atPath: file.path, isDirectory: &isDirectory)
      if !isDirectory.boolValue { files[name] = try Data(contentsOf: file) }
    }
    return files
  }
}
