import Formats
package import Foundation

/// The files of a directory that belong to its tokenizer, as they are.
struct TokenizerFiles: Sendable, Equatable {
  private static let names = [
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "tokenizer.model", "chat_template.jinja", "generation_config.json",
  ]
  private static let templates = "chat_templates"

  /// The directory, for messages.
  let path: String
  /// By name, with `/` inside a folder.
  private(set) var contents: [String: Data] = [:]
  /// `config.json`, which belongs to the model and is not saved.
  private var configuration: Data?

  init(path: String) { self.path = path }

  /// - Throws: ``TokenizerError/file(path:problem:)`` when a file that is there cannot be read.
  init(directory: URL) throws(TokenizerError) {
    path = directory.path
    let folder = directory.appending(path: Self.templates)
    let templates = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let nested = templates.filter { $0.hasSuffix(".jinja") }.map { "\(Self.templates)/\($0)" }
    for name in Self.names + nested { contents[name] = try Self.read(directory, name) }
    configuration = try Self.read(directory, "config.json")
    if contents["tokenizer.json"] == nil {
      throw .file(
        path: file("tokenizer.json"),
        problem: "cannot be read; name a directory that holds a tokenizer")
    }
  }

  subscript(name: String) -> Data? {
    get { contents[name] }
    set { contents[name] = newValue }
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  /// A file as a JSON object; `nil` when there is none.
  func object(_ name: String) throws(TokenizerError) -> JSONObject? {
    guard let data = name == "config.json" ? configuration : contents[name] else { return nil }
    do {
      if let object = try JSONValue(parsing: data).object { return object }
    } catch {
      throw .file(path: file(name), problem: "is not JSON: \(error); copy or save it again")
    }
    throw .file(path: file(name), problem: "is not a JSON object; copy or save it again")
  }

  private static func read(_ directory: URL, _ name: String) throws(TokenizerError) -> Data? {
    let file = directory.appending(path: name)
    guard FileManager.default.fileExists(atPath: file.path) else { return nil }
    do { return try readFile(file, atMost: LargestFile.ofModel) } catch {
      throw .file(path: file.path, problem: "\(error); check the file and its permissions")
    }
  }
}

extension Tokenizer {
  /// Reads the tokenizer of a checkpoint's directory.
  ///
  /// - Throws: ``TokenizerError`` naming file and key; a part that is not implemented is refused.
  package init(directory: URL) throws(TokenizerError) {
    self = try TokenizerReader(try TokenizerFiles(directory: directory)).tokenizer()
  }

  /// Writes the files of the tokenizer as they were loaded, byte by byte, chat templates and
  /// `generation_config.json` among them, so that `AutoTokenizer.from_pretrained` gives the same ids
  /// and the same text.
  ///
  /// - Throws: ``TokenizerError/unwritable(path:reason:)``.
  package func save(to directory: URL) throws(TokenizerError) {
    for (name, data) in files.contents.sorted(by: { $0.key < $1.key }) {
      let file = directory.appending(path: name)
      do {
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: file, options: .atomic)
      } catch {
        throw .unwritable(path: file.path, reason: FileWritingError.reason(of: error))
      }
    }
  }
}
