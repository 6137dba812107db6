import Formats
package import Foundation

// What a run was made from, and whether it still goes on from the same.

extension RunInformation {
  /// Records what the run is made from.
  package mutating func begin(settings: [String], inputs: [Input] = []) {
    self.settings = settings
    self.inputs = inputs
    checksum = originChecksum
  }

  private var originChecksum: String {
    let lines =
      [command.rawValue, "\(seed)"] + (settings ?? [])
      + (inputs ?? []).map { "\($0.path) \($0.bytes) \($0.crc32)" }
    var checksum = Checksum()
    checksum.add(Data(lines.joined(separator: "\n").utf8))
    return checksum.text
  }

  /// Refuses to go on from anything else than what the run began with or has made since.
  ///
  /// - Parameter settings: as `key=value`, those of its scenario.yaml now.
  /// - Throws: `changed`, which shows the difference; `unreadable`.
  package func requireOrigin(
    settings now: [String], in run: RunDirectory
  ) throws(RunRecordsError) {
    let again = "put it back as it was, or begin another run"
    guard let settings, let checksum else {
      throw .changed(
        path: run.information.path, what: "is of an earlier version, which recorded no checksums",
        advice: "begin the run again")
    }
    guard checksum == originChecksum else {
      throw .changed(
        path: run.information.path,
        what: "its command, seed, settings or inputs are not as the run has written them",
        advice: again)
    }
    if let difference = Self.difference(from: settings, to: now) {
      throw .changed(path: run.scenario.path, what: difference, advice: again)
    }
    for (name, checksum) in (files ?? [:]).sorted(by: { $0.key < $1.key }) {
      let file = run.url.appendingPathComponent(name)
      // What is gone is made again.
      guard AtomicFile.exists(file) else { continue }
      guard try Input(file).crc32 == checksum else {
        throw .changed(path: file.path, what: nil, advice: again)
      }
    }
  }

  /// ``a` is 2 and was 1`, of at most four keys; nil where there is none.
  private static func difference(from old: [String], to new: [String]) -> String? {
    func values(_ lines: [String]) -> [String: String] {
      Dictionary(
        lines.map { line in
          let key = line.prefix { $0 != "=" }
          return (String(key), String(line.dropFirst(key.count + 1)))
        }
      ) { $1 }
    }
    let (before, after) = (values(old), values(new))
    let keys = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
    guard !keys.isEmpty else { return nil }
    let words = keys.prefix(4).map {
      "`\($0)` is \(after[$0] ?? "not there") and was \(before[$0] ?? "not there")"
    }
    return words.joined(separator: ", ") + (keys.count > 4 ? " and \(keys.count - 4) more" : "")
  }

  /// Records the checksum of a file, or of every file of a directory, that the run has made.
  ///
  /// - Throws: `unreadable`.
  package mutating func add(_ place: URL, of run: RunDirectory) throws(RunRecordsError) {
    let root = run.url.path + "/"
    // The models of an ensemble have directories of their own.
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: place.path)) ?? []
    for file in names.isEmpty ? [place] : names.map(place.appendingPathComponent) {
      var isDirectory: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: file.path, isDirectory: &isDirectory)
      guard file.path.hasPrefix(root), !isDirectory.boolValue else { continue }
      files = files ?? [:]
      files?[String(file.path.dropFirst(root.count))] = try Input(file).crc32
    }
  }
}
