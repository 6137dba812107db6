import Foundation

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// What `name(…)` calls: methods of values, macros and the functions of the environment.
extension TemplateRenderer {
  /// As Jinja2's sandbox limits it.
  static let maximumRange = 100_000

  func call(
    _ callee: TemplateValue, _ arguments: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    switch callee {
    case .undefined(let why): throw .failed(why)
    case .macro(let macro): return try call(macro, arguments)
    case .function(let function):
      guard let receiver = function.receiver else { return try call(function.name, arguments) }
      switch receiver {
      case .text(let text): return try callMethod(function.name, of: text, arguments)
      case .dictionary(let dictionary):
        return try callMethod(function.name, of: dictionary, arguments)
      case .sequence(let sequence): return try callMethod(function.name, of: sequence, arguments)
      case .loop(let loop): return try callMethod(function.name, of: loop, arguments)
      default: break
      }
    default: break
    }
    throw .failed("a \(callee.type) cannot be called")
  }

  private func call(
    _ name: String, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    switch name {
    case "raise_exception":
      let message = try given.bound(to: ["message"], of: name)[0] ?? .none
      throw ChatTemplateError(.refused, String(try text(of: message)))
    case "range": return try range(given)
    case "dict": return .dictionary(try TemplateDictionary(try members(given, of: name)))
    case "namespace":
      let namespace = TemplateNamespace()
      for (key, value) in try members(given, of: name) {
        guard case .text(let attribute) = key else {
          throw .failed("attributes of a namespace must be strings")
        }
        try set(String(attribute), of: namespace, to: value)
      }
      return .namespace(namespace)
    default:
      let format = try given.bound(to: ["format"], of: name)[0]
      guard case .text(let format)? = format else { throw .failed("strftime_now needs a format") }
      try spend(32 * format.count)
      return .text(Self.date(String(format), now))
    }
  }

  private func range(_ given: TemplateArguments) throws(ChatTemplateError) -> TemplateValue {
    var bounds: [Int] = []
    for value in given.positional {
      guard let bound = Self.int(value) else {
        throw .failed("`range` needs whole numbers, not a \(value.type)")
      }
      bounds.append(bound)
    }
    guard (1...3).contains(bounds.count), given.named.isEmpty else {
      throw .failed("`range` takes 1 to 3 arguments")
    }
    let step = bounds.count == 3 ? bounds[2] : 1
    if step == 0 { throw .failed("range() arg 3 must not be zero") }
    let (start, stop) = bounds.count == 1 ? (0, bounds[0]) : (bounds[0], bounds[1])
    let numbers = stride(from: start, to: stop, by: step)
    let elements = numbers.prefix(Self.maximumRange + 1).map { TemplateValue.int($0) }
    if elements.count > Self.maximumRange {
      throw .failed("a range of more than \(Self.maximumRange) numbers")
    }
    try spend(elements.count)
    return .sequence(try TemplateSequence(.range(start: start, stop: stop, step: step), elements))
  }

  /// What `dict(…)` makes of a dictionary or pairs, and keywords.
  private func members(
    _ given: TemplateArguments, of name: String
  ) throws(ChatTemplateError) -> [(TemplateValue, TemplateValue)] {
    if given.positional.count > 1 { throw .failed("`\(name)` takes at most 1 argument") }
    var members: [(TemplateValue, TemplateValue)] = []
    if case .dictionary(let dictionary)? = given.positional.first {
      members = dictionary.members
    } else if let pairs = given.positional.first {
      for pair in try elements(of: pairs) {
        let pair = try elements(of: pair)
        guard pair.count == 2 else { throw .failed("`\(name)` needs pairs") }
        members.append((pair[0], pair[1]))
      }
    }
    try spend(8 * members.count)
    return members + given.named.map { (.text($0.name), $0.value) }
  }

  private func callMethod(
    _ name: String, of dictionary: TemplateDictionary, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    if name == "get" {
      let arguments = try given.bound(to: ["key", "default"], of: name)
      guard let key = arguments[0], given.named.isEmpty else { throw .failed("`get` needs a key") }
      guard TemplateKey(key) != nil else { throw .failed("a \(key.type) is no key") }
      return dictionary[key] ?? arguments[1] ?? .none
    }
    _ = try given.bound(to: [], of: name)
    try spend(8 * dictionary.keys.count)
    switch name {
    case "items": return .sequence(try TemplateSequence(.items, try dictionary.items()))
    case "keys": return .sequence(try TemplateSequence(.keys, dictionary.keys))
    case "values": return .sequence(try TemplateSequence(.values, dictionary.values))
    default: return .dictionary(try TemplateDictionary(dictionary.members))
    }
  }

  private func callMethod(
    _ name: String, of sequence: TemplateSequence, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    if name == "copy" { return try .list(sequence.elements) }
    guard let wanted = given.positional.first, given.positional.count == 1 else {
      throw .unsupported("`\(name)` of a list with \(given.positional.count) arguments")
    }
    var count = 0
    for (index, element) in sequence.elements.enumerated() where try isEqual(element, wanted) {
      if name == "index" { return .int(index) }
      count += 1
    }
    if name == "index" { throw .failed("a value is not in the \(sequence.kind.name)") }
    return .int(count)
  }

  private func callMethod(
    _ name: String, of loop: TemplateLoop, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    if name == "cycle" {
      if given.positional.isEmpty { throw .failed("no items for cycling given") }
      return given.positional[loop.index0 % given.positional.count]
    }
    if let last = loop.lastChanged, last.count == given.positional.count {
      var isSame = true
      for (old, new) in zip(last, given.positional) where !(try isEqual(old, new)) {
        isSame = false
      }
      if isSame { return .bool(false) }
    }
    if given.positional.contains(where: { $0.depth == nil }) {
      throw .unsupported("`changed` of what is no plain value")
    }
    loop.lastChanged = given.positional
    return .bool(true)
  }

  /// The local time as C's `strftime` writes it.
  private static func date(_ format: String, _ date: Date) -> String {
    var time = time_t(date.timeIntervalSince1970)
    var parts = tm()
    localtime_r(&time, &parts)
    var buffer = [CChar](repeating: 0, count: 64 + 32 * format.utf8.count)
    let count = strftime(&buffer, buffer.count, format, &parts)
    return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
