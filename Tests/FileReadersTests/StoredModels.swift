import Formats
import Foundation
import LanguageModels
import Preferences

/// Tensors of committed models, for configurations that may be damaged.
struct StoredModels: Sendable {
  private var known: [(folder: String, settings: JSONObject)] = []
  private let name: String

  /// - Parameters:
  ///   - places: below which every directory with a file of that name is a model.
  ///   - directory: a new one, in which their files are links.
  init(of places: [URL], _ name: String, in directory: URL) throws {
    self.name = name
    let files = FileManager.default
    for place in places {
      let paths = files.enumerator(atPath: place.path)?.compactMap { $0 as? String } ?? []
      for path in paths.sorted() where path.hasSuffix("/" + name) {
        let model = place.appending(path: path).deletingLastPathComponent()
        guard
          let settings = try JSONValue(parsing: Data(contentsOf: place.appending(path: path)))
            .object
        else { continue }
        let folder = "\(directory.lastPathComponent)/\(known.count)"
        known.append((folder, settings))
        // An adapter names the place of its base from its own.
        for part in [model, model.deletingLastPathComponent().appending(path: "base")]
        where files.fileExists(atPath: part.path) {
          let here = directory.appending(
            path: "\(known.count - 1)/\(part == model ? "model" : "base")")
          try files.createDirectory(at: here, withIntermediateDirectories: true)
          for file in try files.contentsOfDirectory(atPath: part.path)
          where part != model || file != name {
            try files.createSymbolicLink(
              at: here.appending(path: file), withDestinationURL: part.appending(path: file))
          }
        }
      }
    }
  }

  /// Loads the model whose own configuration is most like the given one.
  func load(_ data: Data, _ files: FileReaders) throws {
    let given = Set((try? JSONValue(parsing: data).object?.members.compactMap(Self.text)) ?? [])
    let likeness = known.map { model in
      model.settings.members.compactMap(Self.text).count(where: given.contains)
    }
    guard let best = likeness.indices.max(by: { likeness[$0] < likeness[$1] }) else { return }
    let folder = known[best].folder + "/model"
    _ = files.file("\(folder)/\(name)", data)
    try FileReaders.load(files.directory.appending(path: folder))
  }

  @Sendable private static func text(_ member: JSONObject.Member) -> String? {
    (try? member.value.text()).map { "\(member.key)=\($0)" }
  }
}

/// Messages, tools and variables for chat templates.
struct Conversations: Sendable {
  private let rows: [(messages: [JSONObject], tools: [JSONValue]?)]
  private let variables: JSONObject

  /// - Parameter file: what templates are compared with another library by.
  init(_ file: URL) throws {
    let document = try JSONValue(parsing: Data(contentsOf: file)).object ?? [:]
    func row(_ value: JSONObject) -> (messages: [JSONObject], tools: [JSONValue]?) {
      ((value["messages"]?.array ?? []).compactMap(\.object), value["tools"]?.array)
    }
    let families = (document["families"]?.object?.members ?? []).flatMap {
      ($0.value.array ?? []).compactMap(\.object)
    }
    let withTools = families.filter { $0["tools"]?.array?.isEmpty == false }.map(row)
    rows = [row(document)] + withTools.prefix(2)
    variables = JSONObject(
      ["special", "variables"].flatMap { document[$0]?.object?.members ?? [] }
        .map { ($0.key, $0.value) })
  }

  /// Renders each, the first of them last: it has what most templates can be asked for.
  func render(by template: ChatTemplate) throws {
    for row in rows.dropFirst() {
      do {
        _ = try template.render(messages: row.messages, tools: row.tools, variables: variables)
      } catch { _ = "\(error)" }
    }
    _ = try template.render(
      messages: rows[0].messages, addGenerationPrompt: true, variables: variables)
  }

  /// For rows of messages.
  static func format(_ source: String) throws -> ChatFormat {
    let template = try ChatTemplate(source, name: "template")
    return ChatFormat(name: "a template") { messages, tools, asks in
      try template.render(
        messages: messages.compactMap(\.object), tools: tools?.array, addGenerationPrompt: asks)
    }
  }
}
