package import Formats
package import Foundation

/// A JSON configuration such as `config.json`, read by typed getters that name file and key when
/// something is missing or of the wrong type.
///
/// A key whose value is `null` counts as absent, as in the files that `transformers` writes.
package struct ConfigurationFile: Sendable {
  /// The file's path, for messages.
  package let place: String
  private let path: String  // of the nested object, such as `rope_scaling.`
  /// All of it, in the order of the file.
  package let object: JSONObject

  /// Reads a file whose outermost value is an object.
  package init(_ file: URL) throws(CheckpointError) {
    let data: Data
    do { data = try readFile(file, atMost: LargestFile.ofModel) } catch {
      let inside = Self.checkpoints(in: file.deletingLastPathComponent())
      throw .unreadable(
        path: file.path, reason: "\(error)",
        remedy: inside.isEmpty
          ? "check the path and its permissions"
          : "name one of the checkpoints in this directory: " + inside.joined(separator: ", "))
    }
    if data.starts(with: Data("version https://git-lfs".utf8)) {
      throw .gitPointer(path: file.path)
    }
    let value: JSONValue
    do { value = try JSONValue(parsing: data) } catch {
      throw .damaged(file: file.path, tensor: nil, problem: "is not JSON: \(error)")
    }
    guard case .object(let object) = value else {
      throw .damaged(file: file.path, tensor: nil, problem: "holds \(value.kind), not an object")
    }
    self.init(file: file.path, path: "", object: object)
  }

  private init(file: String, path: String, object: JSONObject) {
    place = file
    self.path = path
    self.object = object
  }

  /// Directories in a run, or in a directory of models, that are checkpoints.
  private static func checkpoints(in directory: URL) -> [String] {
    let files = FileManager.default
    func names(_ place: URL) -> [String] {
      ((try? files.contentsOfDirectory(atPath: place.path)) ?? []).sorted().prefix(100).map(\.self)
    }
    let nested = names(directory).flatMap { name in
      [name] + names(directory.appending(path: name)).map { "\(name)/\($0)" }
    }
    return nested.filter {
      files.fileExists(atPath: directory.appending(path: "\($0)/config.json").path)
    }
  }

  /// The keys in the order of the file.
  package var keys: [String] { object.keys }

  /// The value as it stands in the file; `nil` when absent or `null`.
  package subscript(key: String) -> JSONValue? {
    let value = object[key]
    return value == .null ? nil : value
  }

  /// Whether the key is there with the value `null`, which sometimes means something else than nothing.
  package func isNull(_ key: String) -> Bool { object[key] == .null }

  package func int(_ key: String, default fallback: Int? = nil) throws(CheckpointError) -> Int {
    try value(key, fallback, "a whole number", \.int)
  }

  package func double(
    _ key: String, default fallback: Double? = nil
  ) throws(CheckpointError) -> Double {
    try value(key, fallback, "a number", \.double)
  }

  package func bool(_ key: String, default fallback: Bool? = nil) throws(CheckpointError) -> Bool {
    try value(key, fallback, "true or false", \.bool)
  }

  package func string(
    _ key: String, default fallback: String? = nil
  ) throws(CheckpointError) -> String {
    try value(key, fallback, "a string", \.string)
  }

  package func strings(
    _ key: String, default fallback: [String]? = nil
  ) throws(CheckpointError) -> [String] {
    try value(key, fallback, "a list of strings") { value in
      let strings = value.array?.compactMap(\.string)
      return strings?.count == value.array?.count ? strings : nil
    }
  }

  /// A whole number, or a list of them.
  package func ints(
    _ key: String, default fallback: [Int]? = nil
  ) throws(CheckpointError) -> [Int] {
    try value(key, fallback, "a whole number or a list of them") { value in
      if let one = value.int { return [one] }
      let ints = value.array?.compactMap(\.int)
      return ints?.count == value.array?.count ? ints : nil
    }
  }

  /// The object under `key`; messages name its keys with this one before them.
  package func nested(_ key: String) throws(CheckpointError) -> ConfigurationFile {
    let object = try value(key, nil, "an object", \.object)
    return ConfigurationFile(file: place, path: path + key + ".", object: object)
  }

  /// An error about `key` for what the getters cannot know, such as a width that heads do not
  /// divide. `problem` ends with what to do.
  package func failure(_ key: String, _ problem: String) -> CheckpointError {
    .configuration(file: place, key: path + key, problem: problem)
  }

  /// An error about a key whose value asks for something that is not computed.
  func refusal(_ key: String) -> CheckpointError {
    let value = (try? self[key]?.text()) ?? "missing"
    let text = value.count > 80 ? value.prefix(80) + "…" : value[...]
    return failure(key, "is \(text), which is not computed here")
  }

  private func value<Value>(
    _ key: String, _ fallback: Value?, _ expected: String, _ convert: (JSONValue) -> Value?
  ) throws(CheckpointError) -> Value {
    guard let found = self[key] else {
      if let fallback { return fallback }
      throw failure(key, "is missing; add it with \(expected)")
    }
    guard let value = convert(found) else {
      throw failure(key, "is \(found.kind); write \(expected)")
    }
    return value
  }

  /// Writes members in the given order, indented by two spaces, atomically.
  package static func write(
    _ members: [(String, JSONValue)], to file: URL
  ) throws(CheckpointError) {
    let text: String
    do { text = try JSONValue.object(JSONObject(members)).text(.indented) } catch {
      throw .unwritable(path: file.path, reason: error.description)
    }
    do throws(FileWritingError) {
      try writeFileAtomically(Data((text + "\n").utf8), to: file)
    } catch { throw CheckpointError(error) }
  }
}
