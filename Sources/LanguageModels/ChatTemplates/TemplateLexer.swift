struct TemplateToken: Sendable {
  enum Kind: Sendable, Equatable {
    case data(TemplateText)
    case variableBegin, variableEnd, blockBegin, blockEnd
    case name(String)
    case string(TemplateText)
    case integer(Int)
    case float(Double)
    case symbol(String)
    case end
  }

  let kind: Kind
  let line: Int
}

/// Cuts a template into tokens as Jinja2's `lexer.py` does with `trim_blocks` and `lstrip_blocks`.
struct TemplateLexer {
  let source: TemplateText
  var position = 0
  var line = 1
  private var tokens: [TemplateToken] = []
  /// Whether what was read last ends with a line break, so that white space before a tag may go.
  private var startsLine = true

  init(_ text: String) {
    var source: TemplateText = []
    var previous: Unicode.Scalar?
    for scalar in text.unicodeScalars {
      if scalar == "\r" {
        source.append("\n")
      } else if !(scalar == "\n" && previous == "\r") {
        source.append(scalar)
      }
      previous = scalar
    }
    if source.last == "\n" { source.removeLast() }
    self.source = source
  }

  mutating func read() throws(ChatTemplateError) -> [TemplateToken] {
    while position < source.count {
      guard let tag = nextTag() else {
        tokens.append(TemplateToken(kind: .data(Array(source[position...])), line: line))
        position = source.count
        break
      }
      try readTag(at: tag)
    }
    tokens.append(TemplateToken(kind: .end, line: line))
    return tokens
  }

  private func nextTag() -> Int? {
    var index = position
    while index + 1 < source.count {
      if source[index] == "{", "{%#".unicodeScalars.contains(source[index + 1]) { return index }
      index += 1
    }
    return nil
  }

  private mutating func readTag(at tag: Int) throws(ChatTemplateError) {
    let sign = tag + 2 < source.count ? source[tag + 2] : " "
    let isSigned = sign == "-" || sign == "+"
    emitData(upTo: tag, sign: sign, keepsIndentation: source[tag + 1] == "{")
    let tagLine = line
    if source[tag + 1] == "%", let end = rawBegin(at: tag + 2 + (isSigned ? 1 : 0)) {
      advance(to: end)
      try readRaw(from: tagLine)
      return
    }
    advance(to: tag + 2 + (isSigned ? 1 : 0))
    switch source[tag + 1] {
    case "#": try skipComment(from: tagLine)
    case "{":
      tokens.append(TemplateToken(kind: .variableBegin, line: line))
      try readInside(isBlock: false)
    default:
      tokens.append(TemplateToken(kind: .blockBegin, line: line))
      try readInside(isBlock: true)
    }
  }

  /// The text before a tag, without the white space that the tag takes away.
  private mutating func emitData(upTo end: Int, sign: Unicode.Scalar, keepsIndentation: Bool) {
    var kept = end
    if sign == "-" {
      while kept > position, source[kept - 1].isPythonSpace { kept -= 1 }
    } else if sign != "+", !keepsIndentation {
      let lineBreak = source[position..<end].lastIndex(of: "\n")
      let start = lineBreak.map { $0 + 1 } ?? position
      if lineBreak != nil || startsLine, source[start..<end].allSatisfy(\.isPythonSpace) {
        kept = start
      }
    }
    if kept > position {
      tokens.append(TemplateToken(kind: .data(Array(source[position..<kept])), line: line))
    }
    advance(to: end)
  }

  /// The place after `raw` and the end of its tag, if that is what stands here.
  private func rawBegin(at start: Int) -> Int? {
    var index = skippingSpace(from: start)
    guard starts("raw", at: index) else { return nil }
    index = skippingSpace(from: index + 3)
    if starts("-%}", at: index) { return skippingSpace(from: index + 3) }
    return starts("%}", at: index) ? index + 2 : nil
  }

  private mutating func readRaw(from first: Int) throws(ChatTemplateError) {
    var index = position
    while index + 1 < source.count {
      if source[index] == "{", source[index + 1] == "%" {
        let sign = index + 2 < source.count ? source[index + 2] : " "
        var after = skippingSpace(from: index + 2 + (sign == "-" || sign == "+" ? 1 : 0))
        if starts("endraw", at: after) {
          after = skippingSpace(from: after + 6)
          if let end = blockEnd(at: after) {
            emitData(upTo: index, sign: sign, keepsIndentation: false)
            advance(to: end)
            return
          }
        }
      }
      index += 1
    }
    throw ChatTemplateError(.syntax, "a raw block is not closed", line: first)
  }

  private mutating func skipComment(from first: Int) throws(ChatTemplateError) {
    var index = position
    while index + 1 < source.count {
      if source[index] == "#", source[index + 1] == "}" {
        let isStripped = index > position && source[index - 1] == "-"
        let isKept = index > position && source[index - 1] == "+"
        var end = index + 2
        if isStripped {
          end = skippingSpace(from: end)
        } else if !isKept, end < source.count, source[end] == "\n" {
          end += 1
        }
        advance(to: end)
        return
      }
      index += 1
    }
    throw ChatTemplateError(.syntax, "a comment is not closed", line: first)
  }

  private func blockEnd(at index: Int) -> Int? {
    if starts("+%}", at: index) { return index + 3 }
    if starts("-%}", at: index) { return skippingSpace(from: index + 3) }
    guard starts("%}", at: index) else { return nil }
    return starts("\n", at: index + 2) ? index + 3 : index + 2
  }

  private func variableEnd(at index: Int) -> Int? {
    if starts("-}}", at: index) { return skippingSpace(from: index + 3) }
    return starts("}}", at: index) ? index + 2 : nil
  }

  private static let closing = ["(": ")", "[": "]", "{": "}"]

  /// The tokens inside `{{ }}` or `{% %}`.
  private mutating func readInside(isBlock: Bool) throws(ChatTemplateError) {
    let first = line
    var open: [String] = []
    while position < source.count {
      if open.isEmpty, let end = isBlock ? blockEnd(at: position) : variableEnd(at: position) {
        tokens.append(TemplateToken(kind: isBlock ? .blockEnd : .variableEnd, line: line))
        advance(to: end)
        return
      }
      if source[position].isPythonSpace {
        advance(to: skippingSpace(from: position))
        continue
      }
      let tokenLine = line
      let kind = try readToken()
      if case .symbol(let symbol) = kind {
        if let end = Self.closing[symbol] {
          open.append(end)
        } else if [")", "]", "}"].contains(symbol), open.popLast() != symbol {
          throw ChatTemplateError(.syntax, "unexpected `\(symbol)`", line: tokenLine)
        }
      }
      tokens.append(TemplateToken(kind: kind, line: tokenLine))
    }
    throw ChatTemplateError(.syntax, "a tag is not closed", line: first)
  }

  private mutating func readToken() throws(ChatTemplateError) -> TemplateToken.Kind {
    let scalar = source[position]
    if ("0"..."9").contains(scalar) { return try readNumber() }
    if scalar == "'" || scalar == "\"" { return .string(try readString(quote: scalar)) }
    if scalar == "_" || scalar.properties.isXIDStart {
      let start = position
      while position < source.count,
        source[position] == "_" || source[position].properties.isXIDContinue
      {
        position += 1
      }
      let name = source[start..<position]
      guard name.allSatisfy(\.isASCII) else {
        throw ChatTemplateError(.unsupported, "the name `\(String(name))`", line: line)
      }
      return .name(String(name))
    }
    for symbol in ["//", "**", "==", "!=", ">=", "<="] where starts(symbol, at: position) {
      position += 2
      return .symbol(symbol)
    }
    guard "+-/*%~[](){}><=.:|,;".unicodeScalars.contains(scalar) else {
      throw ChatTemplateError(.syntax, "unexpected character `\(scalar)`", line: line)
    }
    position += 1
    return .symbol(String(scalar))
  }

  mutating func advance(to end: Int) {
    guard end > position else { return }
    for index in position..<end where source[index] == "\n" { line += 1 }
    startsLine = source[end - 1] == "\n"
    position = end
  }

  private func skippingSpace(from start: Int) -> Int {
    var index = start
    while index < source.count, source[index].isPythonSpace { index += 1 }
    return index
  }

  private func starts(_ text: String, at index: Int) -> Bool {
    var index = index
    for scalar in text.unicodeScalars {
      guard index < source.count, source[index] == scalar else { return false }
      index += 1
    }
    return true
  }
}
