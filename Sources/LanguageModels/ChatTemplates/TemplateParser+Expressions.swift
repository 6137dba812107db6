extension TemplateParser {
  /// A node over others; refused when the tree becomes too deep to walk.
  private func node(
    _ kind: TemplateExpression.Kind, over children: [TemplateExpression?] = []
  ) throws(ChatTemplateError) -> TemplateExpression {
    let depth = 1 + (children.lazy.compactMap { $0?.depth }.max() ?? 0)
    if depth > Self.maximumDepth {
      throw ChatTemplateError(
        .unsupported, "an expression deeper than \(Self.maximumDepth)", line: line)
    }
    return TemplateExpression(kind: kind, depth: depth)
  }

  /// One expression, or several with commas between them, which are a tuple.
  mutating func tupleOrExpression(
    withConditional: Bool = true, inParentheses: Bool = false
  ) throws(ChatTemplateError) -> TemplateExpression {
    var items: [TemplateExpression] = []
    var isTuple = false
    while !isTupleEnd {
      items.append(try expression(withConditional: withConditional))
      guard accept(.symbol(",")) else { break }
      isTuple = true
    }
    if !isTuple, let only = items.first { return only }
    if items.isEmpty, !inParentheses { throw unexpected() }
    return try node(.tuple(items), over: items)
  }

  private var isTupleEnd: Bool {
    current == .variableEnd || current == .blockEnd || isSymbol(")") || isName("recursive")
  }

  mutating func expression(
    withConditional: Bool = true
  ) throws(ChatTemplateError) -> TemplateExpression {
    try nested { (parser) throws(ChatTemplateError) in
      var value = try parser.binary(0)
      while withConditional, parser.accept(.name("if")) {
        let condition = try parser.binary(0)
        let otherwise = parser.accept(.name("else")) ? try parser.expression() : nil
        value = try parser.node(
          .conditional(condition, then: value, otherwise: otherwise),
          over: [condition, value, otherwise])
      }
      return value
    }
  }

  /// From the loosest to the tightest; `not` stands between `and` and comparisons.
  private static let levels: [Set<String>] = [
    ["or"], ["and"], ["not"], ["==", "!=", "<", "<=", ">", ">=", "in"], ["+", "-"], ["~"],
    ["*", "/", "//", "%"], ["**"],
  ]

  private var sign: String? {
    switch current {
    case .symbol(let symbol): symbol
    case .name(let name): name
    default: nil
    }
  }

  private mutating func binary(_ level: Int) throws(ChatTemplateError) -> TemplateExpression {
    if level == Self.levels.count { return try unary() }
    let signs = Self.levels[level]
    if signs == ["not"] {
      guard accept(.name("not")) else { return try binary(level + 1) }
      let value = try nested { (parser) throws(ChatTemplateError) in try parser.binary(level) }
      return try node(.not(value), over: [value])
    }
    let left = try binary(level + 1)
    if signs.contains("==") { return try comparison(left, level) }
    if signs == ["~"] {
      var parts = [left]
      while accept(.symbol("~")) { parts.append(try binary(level + 1)) }
      return parts.count == 1 ? left : try node(.concatenation(parts), over: parts)
    }
    var result = left
    while let sign, signs.contains(sign) {
      advance()
      let right = try binary(level + 1)
      let kind: TemplateExpression.Kind =
        switch sign {
        case "or": .or(result, right)
        case "and": .and(result, right)
        default: .binary(sign, result, right)
        }
      result = try node(kind, over: [result, right])
    }
    return result
  }

  private mutating func comparison(
    _ left: TemplateExpression, _ level: Int
  ) throws(ChatTemplateError) -> TemplateExpression {
    var operands: [(sign: String, right: TemplateExpression)] = []
    while let sign {
      if Self.levels[level].contains(sign) {
        advance()
        operands.append((sign, try binary(level + 1)))
      } else if sign == "not", following == .name("in") {
        advance()
        advance()
        operands.append(("not in", try binary(level + 1)))
      } else {
        break
      }
    }
    if operands.isEmpty { return left }
    return try node(.compare(left, operands), over: [left] + operands.map(\.right))
  }

  private mutating func unary(withFilters: Bool = true) throws(ChatTemplateError)
    -> TemplateExpression
  {
    var value: TemplateExpression
    if isSymbol("-") || isSymbol("+") {
      let isMinus = isSymbol("-")
      advance()
      let operand = try nested { (parser) throws(ChatTemplateError) in
        try parser.unary(withFilters: false)
      }
      value = try node(.sign(isMinus: isMinus, operand), over: [operand])
    } else {
      value = try primary()
    }
    value = try postfix(value)
    guard withFilters else { return value }
    while true {
      if isSymbol("|") {
        value = try filters(of: value) ?? value
      } else if isName("is") {
        value = try test(value)
      } else if isSymbol("(") {
        let call = try self.call()
        value = try node(.call(value, call), over: [value] + call.all)
      } else {
        return value
      }
    }
  }

  private mutating func primary() throws(ChatTemplateError) -> TemplateExpression {
    switch current {
    case .name(let name):
      advance()
      switch name {
      case "true", "True": return try node(.bool(true))
      case "false", "False": return try node(.bool(false))
      case "none", "None": return try node(.none)
      default:
        noteRead(name)
        return try node(.name(name))
      }
    case .string(let first):
      var text = first
      advance()
      while case .string(let next) = current {
        text += next
        advance()
      }
      return try node(.text(text))
    case .integer(let value):
      advance()
      return try node(.int(value))
    case .float(let value):
      advance()
      return try node(.double(value))
    case .symbol("("):
      advance()
      let value = try tupleOrExpression(inParentheses: true)
      try expect(.symbol(")"))
      return value
    case .symbol("["):
      advance()
      let items = try items(until: "]") { (parser) throws(ChatTemplateError) in
        try parser.expression()
      }
      return try node(.list(items), over: items)
    case .symbol("{"):
      advance()
      let members = try items(until: "}") { (parser) throws(ChatTemplateError) in
        let key = try parser.expression()
        try parser.expect(.symbol(":"))
        return (key: key, value: try parser.expression())
      }
      return try node(.dictionary(members), over: members.flatMap { [$0.key, $0.value] })
    default: throw unexpected()
    }
  }

  private mutating func items<Item>(
    until end: String, _ item: (inout TemplateParser) throws(ChatTemplateError) -> Item
  ) throws(ChatTemplateError) -> [Item] {
    var items: [Item] = []
    while !isSymbol(end) {
      if !items.isEmpty {
        try expect(.symbol(","))
        if isSymbol(end) { break }
      }
      items.append(try item(&self))
    }
    advance()
    return items
  }

  private mutating func postfix(
    _ base: TemplateExpression
  ) throws(ChatTemplateError) -> TemplateExpression {
    var value = base
    while true {
      if accept(.symbol(".")) {
        switch current {
        case .name(let name): value = try node(.attribute(value, name), over: [value])
        case .integer(let index):
          value = try node(.item(value, try node(.int(index))), over: [value])
        default: throw unexpected(instead: .name("a name"))
        }
        advance()
      } else if accept(.symbol("[")) {
        value = try subscripted(value)
      } else if isSymbol("(") {
        let call = try self.call()
        value = try node(.call(value, call), over: [value] + call.all)
      } else {
        return value
      }
    }
  }

  private mutating func subscripted(
    _ value: TemplateExpression
  ) throws(ChatTemplateError) -> TemplateExpression {
    var bounds: [TemplateExpression?] = []
    var colons = 0
    while true {
      if isSymbol(":") || isSymbol("]") {
        bounds.append(nil)
      } else {
        bounds.append(try expression())
      }
      guard colons < 2, accept(.symbol(":")) else { break }
      colons += 1
    }
    if isSymbol(",") { throw ChatTemplateError(.unsupported, "an index of several", line: line) }
    if colons == 0, bounds[0] == nil { throw unexpected() }
    try expect(.symbol("]"))
    if colons == 0, let index = bounds[0] {
      return try node(.item(value, index), over: [value, index])
    }
    return try node(.slice(value, bounds), over: [value] + bounds)
  }

  private mutating func call() throws(ChatTemplateError) -> TemplateCall {
    var call = TemplateCall()
    var isFirst = true
    let line = self.line
    try expect(.symbol("("))
    while !isSymbol(")") {
      if !isFirst {
        try expect(.symbol(","))
        if isSymbol(")") { break }
      }
      isFirst = false
      let isComplete = call.dictionary != nil
      if accept(.symbol("*")) {
        if call.list != nil || isComplete { throw Self.invalidCall(line) }
        call.list = try expression()
      } else if accept(.symbol("**")) {
        if isComplete { throw Self.invalidCall(line) }
        call.dictionary = try expression()
      } else if case .name(let name) = current, following == .symbol("=") {
        if isComplete { throw Self.invalidCall(line) }
        advance()
        advance()
        call.named.append((name, try expression()))
      } else {
        if call.list != nil || isComplete || !call.named.isEmpty { throw Self.invalidCall(line) }
        call.positional.append(try expression())
      }
    }
    advance()
    return call
  }

  private static func invalidCall(_ line: Int) -> ChatTemplateError {
    ChatTemplateError(.syntax, "arguments of a call stand in a wrong order", line: line)
  }

  mutating func filters(
    of value: TemplateExpression?, startsInline: Bool = false
  ) throws(ChatTemplateError) -> TemplateExpression? {
    var value = value
    var startsInline = startsInline
    while startsInline || accept(.symbol("|")) {
      startsInline = false
      let line = self.line
      let name = try dottedName()
      guard TemplateRenderer.filterNames.contains(name) else {
        throw ChatTemplateError(.unsupported, "the filter `\(name)`", line: line)
      }
      let call = isSymbol("(") ? try self.call() : TemplateCall()
      value = try node(.filter(value, name, call), over: [value] + call.all)
    }
    return value
  }

  private mutating func test(
    _ value: TemplateExpression
  ) throws(ChatTemplateError) -> TemplateExpression {
    advance()
    let isNegated = accept(.name("not"))
    let line = self.line
    let name = try dottedName()
    guard TemplateRenderer.testNames.contains(name) else {
      throw ChatTemplateError(.unsupported, "the test `\(name)`", line: line)
    }
    var call = TemplateCall()
    if isSymbol("(") {
      call = try self.call()
    } else if startsArgument {
      if isName("is") { throw unexpected() }
      call.positional = [
        try nested { (parser) throws(ChatTemplateError) in
          try parser.postfix(try parser.primary())
        }
      ]
    }
    let test = try node(.test(value, name, call), over: [value] + call.all)
    return isNegated ? try node(.not(test), over: [test]) : test
  }

  private var startsArgument: Bool {
    switch current {
    case .name(let name): !["else", "or", "and"].contains(name)
    case .string, .integer, .float: true
    case .symbol(let symbol): ["[", "{"].contains(symbol)
    default: false
    }
  }

  private mutating func dottedName() throws(ChatTemplateError) -> String {
    var name = try expectName()
    while accept(.symbol(".")) { name += "." + (try expectName()) }
    return name
  }
}
