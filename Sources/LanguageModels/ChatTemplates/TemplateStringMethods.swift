/// What templates may call on a string.
extension TemplateRenderer {
  static let stringMethods: Set<String> = [
    "capitalize", "center", "count", "endswith", "find", "format", "index", "isalnum", "isalpha",
    "isascii", "isdecimal", "isdigit", "islower", "isnumeric", "isspace", "isupper", "join",
    "ljust", "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind",
    "rindex", "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith",
    "strip", "title", "upper", "zfill",
  ]

  func callMethod(
    _ name: String, of text: TemplateText, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    try spend(text.count)
    switch name {
    case "strip", "lstrip", "rstrip":
      let characters = try given.optionalText(0, "chars", of: name)
      return .text(text.stripped(characters, left: name != "rstrip", right: name != "lstrip"))
    case "split", "rsplit":
      let arguments = try given.bound(to: ["sep", "maxsplit"], of: name)
      let separator = try given.optionalText(arguments[0], of: name)
      if separator?.isEmpty == true { throw .failed("empty separator") }
      let limit = try given.optionalInt(arguments[1], of: name) ?? -1
      let parts = text.split(by: separator, atMost: limit, fromEnd: name == "rsplit")
      try spend(8 * parts.count)
      return try .list(parts.map { .text($0) })
    case "splitlines":
      let lines = text.lines(
        keepingEnds: try given.bound(to: ["keepends"], of: name)[0]?.isTrue ?? false)
      try spend(8 * lines.count)
      return try .list(lines.map { .text($0) })
    case "startswith", "endswith":
      return .bool(try starts(text, given, atEnd: name == "endswith"))
    case "removeprefix", "removesuffix":
      let part = try given.text(0, of: name)
      if name == "removeprefix" {
        return .text(text.starts(with: part) ? Array(text.dropFirst(part.count)) : text)
      }
      let isEnd = text.count >= part.count && text.suffix(part.count).elementsEqual(part)
      return .text(isEnd ? Array(text.dropLast(part.count)) : text)
    case "replace":
      let count = try given.optionalInt(given.positional.dropFirst(2).first, of: name)
      return .text(
        try replacing(
          try given.text(0, of: name), with: try given.text(1, of: name), in: text,
          atMost: count ?? -1))
    case "upper": return .text(text.uppercased())
    case "lower": return .text(text.lowercased())
    case "title": return .text(text.titlecased())
    case "capitalize": return .text(text.capitalized())
    case "join":
      guard let items = given.positional.first else { throw .failed("`join` needs a list") }
      var parts: [TemplateText] = []
      for (index, item) in try elements(of: items).enumerated() {
        guard case .text(let part) = item else {
          throw .failed("sequence item \(index): expected str, \(item.type) found")
        }
        parts.append(part)
      }
      return .text(try joined(parts, by: text))
    case "find", "rfind", "index", "rindex", "count": return try search(name, text, given)
    case "partition", "rpartition":
      let separator = try given.text(0, of: name)
      if separator.isEmpty { throw .failed("empty separator") }
      let parts = text.split(by: separator, atMost: 1, fromEnd: name == "rpartition")
      let (first, last): (TemplateText, TemplateText) =
        parts.count == 2
        ? (parts[0], parts[1]) : name == "partition" ? (text, []) : ([], text)
      return try .tuple([first, parts.count == 2 ? separator : [], last].map { .text($0) })
    case "center", "ljust", "rjust", "zfill": return .text(try padded(name, text, given))
    case "format": return .text(try formatted(text, given))
    case "isspace": return .bool(text.allMatch(\.isPythonSpace))
    case "isalpha": return .bool(text.allMatch(\.isPythonLetter))
    case "isdigit": return .bool(text.allMatch(\.isPythonDigit))
    case "isdecimal": return .bool(text.allMatch { $0.properties.numericType == .decimal })
    case "isnumeric": return .bool(text.allMatch { $0.properties.numericType != nil })
    case "isalnum":
      return .bool(text.allMatch { $0.isPythonLetter || $0.properties.numericType != nil })
    case "isascii": return .bool(text.allSatisfy(\.isASCII))
    default: return .bool(text.isCased(upper: name == "isupper"))
    }
  }

  private func starts(
    _ text: TemplateText, _ given: TemplateArguments, atEnd: Bool
  ) throws(ChatTemplateError) -> Bool {
    let name = atEnd ? "endswith" : "startswith"
    let arguments = try given.bound(to: ["prefix", "start", "end"], of: name)
    let range = Self.range(
      of: text, try given.optionalInt(arguments[1], of: name),
      try given.optionalInt(arguments[2], of: name))
    guard let range else { return false }
    var parts: [TemplateValue] = [arguments[0] ?? .none]
    if case .sequence(let tuple)? = arguments[0], tuple.kind == .tuple { parts = tuple.elements }
    for part in parts {
      guard case .text(let part) = part else {
        throw .failed("`\(name)` needs a str or a tuple of str, not \(part.type)")
      }
      try spend(part.count)
      let here = text[range]
      if here.count >= part.count,
        atEnd ? here.suffix(part.count).elementsEqual(part) : here.starts(with: part)
      {
        return true
      }
    }
    return false
  }

  /// `start` and `end` as Python takes them; `nil` when nothing can lie between.
  private static func range(of text: TemplateText, _ start: Int?, _ end: Int?) -> Range<Int>? {
    func place(_ index: Int) -> Int {
      index < 0 ? max(0, max(index, -text.count) + text.count) : index
    }
    let first = place(start ?? 0)
    let last = min(place(end ?? text.count), text.count)
    return first <= last ? first..<last : nil
  }

  private func search(
    _ name: String, _ text: TemplateText, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    let part = try given.text(0, of: name)
    let range = Self.range(
      of: text, try given.optionalInt(given.positional.dropFirst().first, of: name),
      try given.optionalInt(given.positional.dropFirst(2).first, of: name))
    if name == "count" {
      guard let range else { return .int(0) }
      if part.isEmpty { return .int(range.count + 1) }
      return .int(Array(text[range]).split(by: part, atMost: -1).count - 1)
    }
    var found: Int?
    if let range {
      if name.hasPrefix("r") {
        let here = TemplateText(text[range].reversed())
        found = Self.find(part.reversed(), in: here[...])
          .map { range.upperBound - $0 - part.count }
      } else {
        found = Self.find(part, in: text[range])
      }
    }
    if let found { return .int(found) }
    if name.hasSuffix("find") { return .int(-1) }
    throw .failed("substring not found")
  }

  func replacing(
    _ old: TemplateText, with new: TemplateText, in text: TemplateText, atMost limit: Int
  ) throws(ChatTemplateError) -> TemplateText {
    if !old.isEmpty {
      return try joined(text.split(by: old, atMost: limit), by: new)
    }
    let count = limit < 0 ? text.count + 1 : min(limit, text.count + 1)
    let size = new.count.multipliedReportingOverflow(by: count)
    try spend(size.overflow ? .max : size.partialValue)
    var result: TemplateText = []
    for index in 0...text.count {
      if index < count { result += new }
      if index < text.count { result.append(text[index]) }
    }
    return result
  }

  func joined(
    _ parts: [TemplateText], by separator: TemplateText
  ) throws(ChatTemplateError) -> TemplateText {
    let between = separator.count.multipliedReportingOverflow(by: parts.count)
    try spend(between.overflow ? .max : between.partialValue)
    try spend(parts.reduce(0) { $0 + $1.count })
    return Array(parts.joined(separator: separator))
  }

  private func padded(
    _ name: String, _ text: TemplateText, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateText {
    guard let width = given.positional.first.flatMap(Self.int) else {
      throw .failed("`\(name)` needs a width")
    }
    try spend(max(0, width))
    let missing = max(0, width - text.count)
    if name == "zfill" {
      let hasSign = text.first == "-" || text.first == "+"
      let zeros = TemplateText(repeating: "0", count: missing)
      return hasSign ? [text[0]] + zeros + text.dropFirst() : zeros + text
    }
    let fill = try given.optionalText(given.positional.dropFirst().first, of: name) ?? [" "]
    if fill.count != 1 { throw .failed("the fill of `\(name)` must be one character") }
    let left =
      name == "ljust" ? 0 : name == "rjust" ? missing : missing / 2 + (missing & width & 1)
    return TemplateText(repeating: fill[0], count: left) + text
      + TemplateText(repeating: fill[0], count: missing - left)
  }
}

extension TemplateArguments {
  func text(_ index: Int, of function: String) throws(ChatTemplateError) -> TemplateText {
    guard index < positional.count, case .text(let text) = positional[index] else {
      throw .failed("`\(function)` needs a str as argument \(index + 1)")
    }
    return text
  }

  func optionalText(
    _ index: Int, _ name: String, of function: String
  ) throws(ChatTemplateError) -> TemplateText? {
    try optionalText(try bound(to: [name], of: function)[0], of: function)
  }

  func optionalText(
    _ value: TemplateValue?, of function: String
  ) throws(ChatTemplateError) -> TemplateText? {
    switch value {
    case nil, .some(.none): return nil
    case .text(let text): return text
    case .some(let other): throw .failed("`\(function)` needs a str, not a \(other.type)")
    }
  }

  func optionalInt(
    _ value: TemplateValue?, of function: String
  ) throws(ChatTemplateError) -> Int? {
    switch value {
    case nil, .some(.none): return nil
    case .some(let value):
      guard let number = TemplateRenderer.int(value) else {
        throw .failed("`\(function)` needs a whole number, not a \(value.type)")
      }
      return number
    }
  }
}
