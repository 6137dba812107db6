import CYaml

/// Composes the tree of a YAML document from libyaml's events.
///
/// Yams would do that, but it hashes every key, and an alias as a key stands for all that aliases of
/// aliases come to. Here the size of what an alias stands for is known before it is taken.
final class YAMLComposer {
  /// Values that a document may expand to: aliases of aliases grow exponentially.
  private static let largestSize = 100_000
  /// Sections within sections that a document may hold.
  private static let largestDepth = 100

  /// A value of the document, how many it holds with itself, and how many levels.
  private struct Composed {
    let node: SettingNode
    let size: Int
    let height: Int
  }

  private enum Event {
    case scalar(String, isText: Bool, anchor: String?)
    case sequenceStart(anchor: String?)
    case mappingStart(anchor: String?)
    case alias(String)
    case other(yaml_event_type_t)

    func isEnd(_ type: yaml_event_type_t) -> Bool {
      if case .other(type) = self { true } else { false }
    }
  }

  private let source: (Int) -> SettingSource
  private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
  private let bytes: UnsafeMutableBufferPointer<UInt8>
  private var anchors: [String: Composed] = [:]
  private var size = 0
  /// Where the last event begins, from 1.
  private var line = 1

  /// - Parameter source: the place of a line, counted from 1.
  init(_ yaml: String, source: @escaping (Int) -> SettingSource) {
    self.source = source
    bytes = .allocate(capacity: yaml.utf8.count)
    _ = bytes.initialize(from: yaml.utf8)
    parser.initialize(to: yaml_parser_t())
    let code = yaml_parser_initialize(parser)
    precondition(code == 1, "libyaml cannot start")
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    bytes.deallocate()
  }

  /// The only document; an empty map where there is none.
  func document() throws(SettingsError) -> SettingNode {
    _ = try next()  // the stream begins
    guard try !next().isEnd(YAML_STREAM_END_EVENT) else {
      return SettingNode(.map([]), source: source(1))
    }
    let root = try value(try next(), depth: 0).node
    _ = try next()  // the document ends
    guard try next().isEnd(YAML_STREAM_END_EVENT) else {
      throw failure(
        "this is not YAML: a second document follows", "leave one, and remove the line `---`")
    }
    return root
  }

  private func value(_ event: Event, depth: Int) throws(SettingsError) -> Composed {
    let (place, before) = (source(line), size)
    size += 1
    try requireBounds(depth: depth)
    var (content, height) = (SettingNode.Content.list([]), 0)
    let name: String?
    switch event {
    case .scalar(let text, let isText, let anchor):
      (content, name) = (.scalar(text, isText: isText), anchor)
    case .sequenceStart(let anchor):
      var items: [SettingNode] = []
      while case let event = try next(), !event.isEnd(YAML_SEQUENCE_END_EVENT) {
        let item = try value(event, depth: depth + 1)
        items.append(item.node)
        height = max(height, item.height + 1)
      }
      (content, name) = (.list(items), anchor)
    case .mappingStart(let anchor):
      var entries: [SettingEntry] = []
      var seen: Set<String> = []
      while case let event = try next(), !event.isEnd(YAML_MAPPING_END_EVENT) {
        let keyPlace = source(line)
        let key = try key(event)
        guard seen.insert(key).inserted else {
          throw SettingsError(
            source: keyPlace, path: "", problem: "the key `\(key)` is given twice in one section",
            advice: "remove one of them")
        }
        let value = try value(try next(), depth: depth + 1)
        entries.append(SettingEntry(key: key, value: value.node, source: keyPlace))
        height = max(height, value.height + 1)
      }
      (content, name) = (.map(entries), anchor)
    case .alias(let name):
      let meant = try anchored(name)
      size += meant.size - 1
      try requireBounds(depth: depth + meant.height)
      return meant
    case .other: throw failure("this is not YAML: a value is missing", "check the file")
    }
    let composed = Composed(
      node: SettingNode(content, source: place), size: size - before, height: height)
    if let name { anchors[name] = composed }
    return composed
  }

  private func key(_ event: Event) throws(SettingsError) -> String {
    switch event {
    case .scalar(let text, let isText, let anchor):
      if let anchor {
        let node = SettingNode(.scalar(text, isText: isText), source: source(line))
        anchors[anchor] = Composed(node: node, size: 1, height: 0)
      }
      return text
    case .alias(let name):
      if case .scalar(let text, _) = try anchored(name).node.content { return text }
    default: break
    }
    throw failure("a key is a list or a map", "write a name before the colon")
  }

  private func anchored(_ name: String) throws(SettingsError) -> Composed {
    guard let composed = anchors[name] else {
      throw failure(
        "this is not YAML: nothing before it is called `&\(name)`", "write the value out")
    }
    return composed
  }

  private func requireBounds(depth: Int) throws(SettingsError) {
    guard size <= Self.largestSize, depth <= Self.largestDepth else {
      throw failure(
        "the document holds more than \(Self.largestSize) values or \(Self.largestDepth) levels",
        "use fewer aliases")
    }
  }

  private func failure(_ problem: String, _ advice: String) -> SettingsError {
    SettingsError(source: source(line), path: "", problem: problem, advice: advice)
  }

  // MARK: - Events

  private func next() throws(SettingsError) -> Event {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError }
    defer { yaml_event_delete(&event) }
    line = event.start_mark.line + 1
    func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
      pointer.map { String(cString: $0) }
    }
    switch event.type {
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      let value = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      return .scalar(
        String(decoding: value, as: UTF8.self), isText: scalar.style != YAML_PLAIN_SCALAR_STYLE,
        anchor: text(scalar.anchor))
    case YAML_SEQUENCE_START_EVENT:
      return .sequenceStart(anchor: text(event.data.sequence_start.anchor))
    case YAML_MAPPING_START_EVENT:
      return .mappingStart(anchor: text(event.data.mapping_start.anchor))
    case YAML_ALIAS_EVENT: return .alias(text(event.data.alias.anchor) ?? "")
    default: return .other(event.type)
    }
  }

  private var syntaxError: SettingsError {
    let parser = parser.pointee
    let problem = parser.problem.map { String(cString: $0) } ?? "it cannot be read"
    if parser.error == YAML_READER_ERROR {
      let before = bytes.prefix(parser.problem_offset)
      line = 1 + before.count { $0 == UInt8(ascii: "\n") }
      return failure("this is not YAML: \(problem)", "save the file as plain UTF-8 text")
    }
    line = parser.problem_mark.line + 1
    let context = parser.context.map { String(cString: $0) + ", " } ?? ""
    return failure(
      "this is not YAML: \(context)\(problem)",
      "check the indentation, colons and quotes around column \(parser.problem_mark.column + 1)")
  }
}
