import Formats

/// A value of Python as far as templates can hold one.
enum TemplateValue {
  /// Why it is undefined, for the message when something is asked of it.
  case undefined(String)
  case none
  case bool(Bool)
  case int(Int)
  case double(Double)
  case text(TemplateText)
  /// What the filter `safe` makes: `+` escapes the text that is put before or after it.
  case markup(TemplateText)
  case sequence(TemplateSequence)
  case dictionary(TemplateDictionary)
  /// What can be gone through once.
  case iterator(TemplateIterator)
  case namespace(TemplateNamespace)
  case loop(TemplateLoop)
  case macro(TemplateMacro)
  case function(TemplateFunction)

  /// How deep values may contain each other; more could exhaust the stack.
  static let maximumDepth = 300

  /// What Python calls the type.
  var type: String {
    switch self {
    case .undefined: "Undefined"
    case .none: "NoneType"
    case .bool: "bool"
    case .int: "int"
    case .double: "float"
    case .text: "str"
    case .markup: "Markup"
    case .sequence(let sequence): sequence.kind.name
    case .dictionary: "dict"
    case .iterator: "generator"
    case .namespace: "Namespace"
    case .loop: "LoopContext"
    case .macro: "Macro"
    case .function: "function"
    }
  }

  /// Python's `bool(value)`.
  var isTrue: Bool {
    switch self {
    case .undefined, .none: false
    case .bool(let value): value
    case .int(let value): value != 0
    case .double(let value): value != 0
    case .text(let value), .markup(let value): !value.isEmpty
    case .sequence(let value): !value.elements.isEmpty
    case .dictionary(let value): !value.values.isEmpty
    case .iterator, .namespace, .loop, .macro, .function: true
    }
  }

  /// Levels of containers, 0 of a scalar; `nil` of what may not be put into a container here.
  var depth: Int? {
    switch self {
    case .undefined, .none, .bool, .int, .double, .text, .markup: 0
    case .sequence(let value): value.depth
    case .dictionary(let value): value.depth
    case .iterator(let value): value.depth
    case .namespace, .loop, .macro, .function: nil
    }
  }

  /// Of a container of these.
  static func depth(over values: some Sequence<TemplateValue>) throws(ChatTemplateError) -> Int {
    var deepest = 0
    for value in values {
      guard let depth = value.depth else {
        throw .unsupported("a \(value.type) inside another value")
      }
      deepest = max(deepest, depth)
    }
    if deepest >= maximumDepth { throw .failed("values nested deeper than \(maximumDepth)") }
    return deepest + 1
  }

  static func text(_ string: String) -> TemplateValue { .text(Array(string.unicodeScalars)) }

  static func list(_ elements: [TemplateValue]) throws(ChatTemplateError) -> TemplateValue {
    .sequence(try TemplateSequence(.list, elements))
  }

  static func tuple(_ elements: [TemplateValue]) throws(ChatTemplateError) -> TemplateValue {
    .sequence(try TemplateSequence(.tuple, elements))
  }

  /// What `json.loads` makes of it.
  init(_ json: JSONValue) throws(ChatTemplateError) {
    switch json {
    case .null: self = .none
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(value)
    case .double(let value): self = .double(value)
    case .string(let value): self = .text(value)
    case .array(let values):
      var elements: [TemplateValue] = []
      for value in values { elements.append(try TemplateValue(value)) }
      self = try .list(elements)
    case .object(let object):
      var members: [(TemplateValue, TemplateValue)] = []
      for member in object.members {
        members.append((.text(member.key), try TemplateValue(member.value)))
      }
      self = .dictionary(try TemplateDictionary(members))
    }
  }
}

/// A list, a tuple, a range or a view of a dictionary: what has a length and an order.
final class TemplateSequence {
  enum Kind: Equatable {
    case list, tuple, keys, values, items
    case range(start: Int, stop: Int, step: Int)

    var name: String {
      switch self {
      case .list: "list"
      case .tuple: "tuple"
      case .keys: "dict_keys"
      case .values: "dict_values"
      case .items: "dict_items"
      case .range: "range"
      }
    }

    var isIndexed: Bool { self != .keys && self != .values && self != .items }
  }

  let kind: Kind
  let elements: [TemplateValue]
  let depth: Int

  init(_ kind: Kind, _ elements: [TemplateValue]) throws(ChatTemplateError) {
    self.kind = kind
    self.elements = elements
    depth = try TemplateValue.depth(over: elements)
  }
}

/// A key of a dictionary as Python compares them: 1, 1.0 and True are one key.
enum TemplateKey: Hashable {
  case none
  case int(Int)
  case double(Double)
  case text(TemplateText)

  /// `nil` of what is not hashable in Python, or not here.
  init?(_ value: TemplateValue) {
    switch value {
    case .none: self = .none
    case .bool(let value): self = .int(value ? 1 : 0)
    case .int(let value): self = .int(value)
    case .double(let value): self = Int(exactly: value).map(Self.int) ?? .double(value)
    case .text(let value), .markup(let value): self = .text(value)
    default: return nil
    }
  }
}

final class TemplateDictionary {
  let keys: [TemplateValue]
  let values: [TemplateValue]
  let depth: Int
  private let positions: [TemplateKey: Int]

  /// Of equal keys, the first stays with the last value.
  init(_ members: [(TemplateValue, TemplateValue)]) throws(ChatTemplateError) {
    var keys: [TemplateValue] = []
    var values: [TemplateValue] = []
    var positions: [TemplateKey: Int] = [:]
    for (key, value) in members {
      guard let hashed = TemplateKey(key) else {
        throw .unsupported("a \(key.type) as key of a dictionary")
      }
      if let position = positions[hashed] {
        values[position] = value
      } else {
        positions[hashed] = keys.count
        keys.append(key)
        values.append(value)
      }
    }
    depth = try TemplateValue.depth(over: values)
    self.keys = keys
    self.values = values
    self.positions = positions
  }

  subscript(key: TemplateValue) -> TemplateValue? {
    TemplateKey(key).flatMap { positions[$0] }.map { values[$0] }
  }

  var members: [(TemplateValue, TemplateValue)] { Array(zip(keys, values)) }

  func items() throws(ChatTemplateError) -> [TemplateValue] {
    var items: [TemplateValue] = []
    for (key, value) in members { items.append(try .tuple([key, value])) }
    return items
  }
}

/// Gives values one by one and once, computing each when it is asked for.
final class TemplateIterator {
  let depth: Int
  private let produce: () throws(ChatTemplateError) -> TemplateValue?

  init(depth: Int, _ produce: @escaping () throws(ChatTemplateError) -> TemplateValue?) {
    self.depth = depth
    self.produce = produce
  }

  convenience init(_ elements: [TemplateValue], depth: Int) {
    var rest = elements[...]
    self.init(depth: depth) { rest.popFirst() }
  }

  func next() throws(ChatTemplateError) -> TemplateValue? { try produce() }
}

/// What `namespace()` makes: the one thing that assignments inside a loop can change.
final class TemplateNamespace {
  var attributes: [String: TemplateValue] = [:]
}

/// A method with its receiver, or a function of the environment.
final class TemplateFunction {
  let receiver: TemplateValue?
  let name: String

  init(_ name: String, of receiver: TemplateValue? = nil) {
    self.name = name
    self.receiver = receiver
  }
}

final class TemplateMacro {
  let definition: TemplateMacroDefinition
  let scope: TemplateScope

  init(_ definition: TemplateMacroDefinition, in scope: TemplateScope) {
    self.definition = definition
    self.scope = scope
  }
}
