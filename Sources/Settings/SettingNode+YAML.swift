import Foundation
import Yams

extension SettingNode {
  /// Values that a document may expand to: aliases of aliases grow exponentially.
  private static let largestSize = 100_000
  /// Sections within sections that a document may hold.
  private static let largestDepth = 100

  /// The tree of a YAML document, an empty map for an empty one.
  ///
  /// - Parameter source: the place of a line, counted from 1.
  static func parse(
    yaml: String, source: (Int) -> SettingSource
  ) throws(SettingsError) -> SettingNode {
    do {
      // The encoding is named because the library otherwise consults the environment and prints.
      let root = try Parser(yaml: yaml, encoding: .utf8).singleRoot()
      var size = 0
      guard let root else { return SettingNode(.map([]), source: source(1)) }
      return try convert(root, source: source, depth: 0, size: &size)
    } catch let error as SettingsError {
      throw error
    } catch let error as YamlError {
      throw refusal(error, source: source)
    } catch {
      throw SettingsError(
        source: source(1), path: "", problem: "\(error)", advice: "check the file")
    }
  }

  private static func convert(
    _ node: Node, source: (Int) -> SettingSource, depth: Int, size: inout Int
  ) throws(SettingsError) -> SettingNode {
    let place = source(node.mark?.line ?? 1)
    size += 1
    guard size <= largestSize, depth <= largestDepth else {
      throw SettingsError(
        source: place, path: "",
        problem: "the document holds more than \(largestSize) values or \(largestDepth) levels",
        advice: "use fewer aliases")
    }
    switch node {
    case .scalar(let scalar):
      let isText = ![.plain, .any].contains(scalar.style)
      return SettingNode(.scalar(scalar.string, isText: isText), source: place)
    case .sequence(let sequence):
      var items: [SettingNode] = []
      for item in sequence {
        items.append(try convert(item, source: source, depth: depth + 1, size: &size))
      }
      return SettingNode(.list(items), source: place)
    case .mapping(let mapping):
      var entries: [SettingEntry] = []
      var seen: Set<String> = []
      for (key, value) in mapping {
        let keyPlace = source(key.mark?.line ?? 1)
        guard case .scalar(let scalar) = key else {
          throw SettingsError(
            source: keyPlace, path: "", problem: "a key is a list or a map",
            advice: "write a name before the colon")
        }
        guard seen.insert(scalar.string).inserted else {
          throw duplicate(scalar.string, source: keyPlace)
        }
        let value = try convert(value, source: source, depth: depth + 1, size: &size)
        entries.append(SettingEntry(key: scalar.string, value: value, source: keyPlace))
      }
      return SettingNode(.map(entries), source: place)
    case .alias:
      throw SettingsError(
        source: place, path: "", problem: "an alias has no anchor",
        advice: "write the value out")
    }
  }

  private static func duplicate(_ key: String, source: SettingSource) -> SettingsError {
    SettingsError(
      source: source, path: "", problem: "the key `\(key)` is given twice in one section",
      advice: "remove one of them")
  }

  private static func refusal(
    _ error: YamlError, source: (Int) -> SettingSource
  ) -> SettingsError {
    switch error {
    case .scanner(let context, let problem, let mark, _),
      .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let whole = [context?.text, problem].compactMap { $0 }.joined(separator: ", ")
      return SettingsError(
        source: source(mark.line), path: "", problem: "this is not YAML: \(whole)",
        advice: "check the indentation, colons and quotes around column \(mark.column)")
    case .reader(let problem, let offset, _, let yaml):
      let before = yaml.prefix(offset ?? 0)
      return SettingsError(
        source: source(1 + before.count(where: \.isNewline)), path: "",
        problem: "this is not YAML: \(problem)", advice: "save the file as plain UTF-8 text")
    case .duplicatedKeysInMapping(let keys, let context):
      return duplicate(keys.first ?? "", source: source(context.mark.line))
    default:
      return SettingsError(
        source: source(1), path: "", problem: "this is not YAML", advice: "check the file")
    }
  }

  /// The tree as YAML: maps in blocks, lists of scalars on one line.
  func yaml() throws(SettingsError) -> String {
    do {
      return try serialize(node: converted, indent: 2, width: -1, allowUnicode: true)
    } catch {
      throw SettingsError(
        source: .unwritten, path: "", problem: "the settings cannot be written as YAML: \(error)",
        advice: "remove unusual characters from texts")
    }
  }

  private var converted: Node {
    switch content {
    case .scalar(let text, let isText):
      guard isText else { return Node(text, .implicit, .plain) }
      // Quoted when another reader of YAML would take it for a number, a truth value or null.
      let readsAsText = Resolver.default.resolveTag(of: Node(text)) == .str
      return Node(text, .implicit, readsAsText ? .any : .doubleQuoted)
    case .list(let items):
      let isFlat = items.allSatisfy {
        if case .scalar = $0.content { true } else { false }
      }
      return Node(items.map(\.converted), .implicit, isFlat ? .flow : .block)
    case .map(let entries):
      return Node(
        entries.map { (SettingNode.text($0.key).converted, $0.value.converted) }, .implicit, .block)
    }
  }

  /// The tree on one line, for the reference.
  var flowDescription: String {
    switch content {
    case .scalar(let text, let isText):
      isText && Resolver.default.resolveTag(of: Node(text)) != .str ? "\"\(text)\"" : text
    case .list(let items): "[" + items.map(\.flowDescription).joined(separator: ", ") + "]"
    case .map(let entries):
      "{" + entries.map { "\($0.key): \($0.value.flowDescription)" }.joined(separator: ", ") + "}"
    }
  }
}
