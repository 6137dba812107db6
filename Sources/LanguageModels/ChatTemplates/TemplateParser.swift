/// Builds the statements of a template, rule by rule as Jinja2's `parser.py`.
struct TemplateParser {
  /// Parentheses, brackets and blocks inside each other.
  static let maximumNesting = 64
  static let maximumDepth = 200

  private let tokens: [TemplateToken]
  private var position = 0
  var nesting = 0
  private var blocks: [String] = []  // open ones, innermost last
  /// The names read in the macro bodies that are open.
  private var namesRead: [Set<String>] = []

  init(_ source: String) throws(ChatTemplateError) {
    var lexer = TemplateLexer(source)
    tokens = try lexer.read()
  }

  mutating func template() throws(ChatTemplateError) -> [TemplateStatement] {
    let statements = try self.statements(until: [])
    guard case .end = current else { throw unexpected() }
    return statements
  }

  // MARK: Tokens

  var current: TemplateToken.Kind { tokens[position].kind }
  var following: TemplateToken.Kind { tokens[min(position + 1, tokens.count - 1)].kind }
  var line: Int { tokens[position].line }
  mutating func advance() { position = min(position + 1, tokens.count - 1) }

  func isSymbol(_ symbol: String) -> Bool { current == .symbol(symbol) }
  func isName(_ name: String) -> Bool { current == .name(name) }

  mutating func accept(_ kind: TemplateToken.Kind) -> Bool {
    guard current == kind else { return false }
    advance()
    return true
  }

  mutating func expect(_ kind: TemplateToken.Kind) throws(ChatTemplateError) {
    if !accept(kind) { throw unexpected(instead: kind) }
  }

  mutating func expectName() throws(ChatTemplateError) -> String {
    guard case .name(let name) = current else { throw unexpected(instead: .name("a name")) }
    advance()
    return name
  }

  mutating func noteRead(_ name: String) {
    for index in namesRead.indices { namesRead[index].insert(name) }
  }

  func unexpected(instead expected: TemplateToken.Kind? = nil) -> ChatTemplateError {
    let wanted = expected.map { ", where \(Self.describe($0)) belongs" } ?? ""
    return ChatTemplateError(.syntax, "unexpected \(Self.describe(current))\(wanted)", line: line)
  }

  private static func describe(_ kind: TemplateToken.Kind) -> String {
    switch kind {
    case .data: "text"
    case .variableBegin: "`{{`"
    case .variableEnd: "`}}`"
    case .blockBegin: "`{%`"
    case .blockEnd: "`%}`"
    case .name(let name): "`\(name)`"
    case .string: "a string"
    case .integer, .float: "a number"
    case .symbol(let symbol): "`\(symbol)`"
    case .end: "end of the template"
    }
  }

  mutating func nested<Result>(
    _ body: (inout TemplateParser) throws(ChatTemplateError) -> Result
  ) throws(ChatTemplateError) -> Result {
    nesting += 1
    if nesting > Self.maximumNesting {
      throw ChatTemplateError(
        .unsupported, "nesting deeper than \(Self.maximumNesting)", line: line)
    }
    defer { nesting -= 1 }
    return try body(&self)
  }

  // MARK: Statements

  /// Statements up to a tag of one of these names, which stays current.
  private mutating func statements(
    until ends: Set<String>
  ) throws(ChatTemplateError) -> [TemplateStatement] {
    var statements: [TemplateStatement] = []
    while true {
      let line = self.line
      switch current {
      case .data(let text):
        advance()
        statements.append(TemplateStatement(kind: .data(text), line: line))
      case .variableBegin:
        advance()
        let value = try tupleOrExpression()
        try expect(.variableEnd)
        statements.append(TemplateStatement(kind: .output(value), line: line))
      case .blockBegin:
        advance()
        if case .name(let name) = current, ends.contains(name) { return statements }
        let found = try nested { (parser) throws(ChatTemplateError) in try parser.statement() }
        try expect(.blockEnd)
        statements += found.map { TemplateStatement(kind: $0, line: line) }
      case .end where ends.isEmpty: return statements
      case .end:
        throw ChatTemplateError(
          .syntax, "the template ends inside `\(blocks.last ?? "")`", line: line)
      default: throw unexpected()
      }
    }
  }

  /// The body of a block up to one of the tags named, which stays current.
  private mutating func body(
    of block: String, until ends: Set<String>
  ) throws(ChatTemplateError) -> [TemplateStatement] {
    _ = accept(.symbol(":"))
    try expect(.blockEnd)
    blocks.append(block)
    defer { blocks.removeLast() }
    return try statements(until: ends)
  }

  private mutating func wholeBody(
    of block: String
  ) throws(ChatTemplateError) -> [TemplateStatement] {
    let statements = try body(of: block, until: ["end" + block])
    advance()
    return statements
  }

  private mutating func statement() throws(ChatTemplateError) -> [TemplateStatement.Kind] {
    let line = self.line
    switch try expectName() {
    case "for": return [.loop(try loop())]
    case "if": return [.branch(try branches())]
    case "set": return [try set()]
    case "with": return [try with()]
    case "macro": return [.macro(try macro())]
    case "call": return [try callBlock()]
    case "filter":
      guard let filter = try filters(of: nil, startsInline: true) else { throw unexpected() }
      return [.filter(filter, try wholeBody(of: "filter"))]
    case "generation": return [.generation(try outsideLoop("generation"))]
    case "print":
      var outputs: [TemplateStatement.Kind] = []
      while current != .blockEnd {
        if !outputs.isEmpty { try expect(.symbol(",")) }
        outputs.append(.output(try expression()))
      }
      return outputs
    case let jump where jump == "break" || jump == "continue":
      guard loops > 0 else {
        throw ChatTemplateError(.syntax, "`\(jump)` stands outside a loop", line: line)
      }
      return [jump == "break" ? .breakLoop : .continueLoop]
    case let tag
    where ["block", "extends", "include", "import", "from", "autoescape"].contains(tag):
      throw ChatTemplateError(.unsupported, "the tag `\(tag)`", line: line)
    case let tag:
      let inside = blocks.last.map { " inside `\($0)`" } ?? ""
      throw ChatTemplateError(.syntax, "unknown tag `\(tag)`\(inside)", line: line)
    }
  }

  /// Loops that `break` and `continue` may refer to.
  private var loops = 0

  /// A body that Jinja2 compiles to a function of its own, which loop controls cannot leave.
  private mutating func outsideLoop(
    _ block: String
  ) throws(ChatTemplateError) -> [TemplateStatement] {
    let outer = loops
    loops = 0
    defer { loops = outer }
    return try wholeBody(of: block)
  }

  private mutating func loop() throws(ChatTemplateError) -> TemplateLoopDefinition {
    let target = try assignmentTarget()
    try expect(.name("in"))
    let items = try tupleOrExpression(withConditional: false)
    let condition = accept(.name("if")) ? try expression() : nil
    if isName("recursive") {
      throw ChatTemplateError(.unsupported, "a recursive loop", line: line)
    }
    loops += 1
    let body = try self.body(of: "for", until: ["endfor", "else"])
    loops -= 1
    let hasElse = isName("else")
    advance()
    let otherwise = hasElse ? try wholeBody(of: "for") : []
    return TemplateLoopDefinition(
      target: target, items: items, condition: condition, body: body, otherwise: otherwise)
  }

  private mutating func branches() throws(ChatTemplateError) -> [(
    condition: TemplateExpression?, body: [TemplateStatement]
  )] {
    var branches: [(condition: TemplateExpression?, body: [TemplateStatement])] = []
    while true {
      let condition = try tupleOrExpression(withConditional: false)
      branches.append((condition, try body(of: "if", until: ["elif", "else", "endif"])))
      let end = try expectName()
      if end == "elif" { continue }
      if end == "else" { branches.append((nil, try wholeBody(of: "if"))) }
      return branches
    }
  }

  private mutating func set() throws(ChatTemplateError) -> TemplateStatement.Kind {
    let target = try assignmentTarget(withAttributes: true)
    if accept(.symbol("=")) { return .set(target, try tupleOrExpression()) }
    let filter = try filters(of: nil)
    return .setBlock(target, filter: filter, try wholeBody(of: "set"))
  }

  private mutating func with() throws(ChatTemplateError) -> TemplateStatement.Kind {
    var values: [(target: TemplateTarget, value: TemplateExpression)] = []
    while current != .blockEnd {
      if !values.isEmpty { try expect(.symbol(",")) }
      let target = try assignmentTarget()
      try expect(.symbol("="))
      values.append((target, try expression()))
    }
    return .with(values, try wholeBody(of: "with"))
  }

  private mutating func macro() throws(ChatTemplateError) -> TemplateMacroDefinition {
    let name = try expectName()
    let parameters = try self.parameters()
    return try macro(named: name, parameters, block: "macro")
  }

  private mutating func macro(
    named name: String, _ parameters: TemplateParameters, block: String
  ) throws(ChatTemplateError) -> TemplateMacroDefinition {
    namesRead.append([])
    let body = try outsideLoop(block)
    let names = namesRead.removeLast()
    return TemplateMacroDefinition(
      name: name, parameters: parameters, body: body,
      implicit: names.intersection(["caller", "kwargs", "varargs"])
        .subtracting(parameters.names))
  }

  private mutating func callBlock() throws(ChatTemplateError) -> TemplateStatement.Kind {
    let parameters = isSymbol("(") ? try self.parameters() : TemplateParameters()
    guard case .call(let callee, let call) = try expression().kind else {
      throw ChatTemplateError(.syntax, "`call` needs a call", line: line)
    }
    return .call(callee, call, try macro(named: "caller", parameters, block: "call"))
  }

  private mutating func parameters() throws(ChatTemplateError) -> TemplateParameters {
    var parameters = TemplateParameters()
    try expect(.symbol("("))
    while !isSymbol(")") {
      if !parameters.names.isEmpty { try expect(.symbol(",")) }
      parameters.names.append(try expectName())
      if accept(.symbol("=")) {
        parameters.defaults.append(try expression())
      } else if !parameters.defaults.isEmpty {
        throw ChatTemplateError(
          .syntax, "a parameter without default follows one with default", line: line)
      }
    }
    advance()
    return parameters
  }

  private mutating func assignmentTarget(
    withAttributes: Bool = false
  ) throws(ChatTemplateError) -> TemplateTarget {
    var targets: [TemplateTarget] = []
    var isTuple = false
    repeat {
      if !targets.isEmpty, isName("in") || isSymbol("=") || isSymbol(")") || current == .blockEnd {
        break
      }
      targets.append(try singleTarget(withAttributes))
      if isSymbol(",") { isTuple = true }
    } while accept(.symbol(","))
    return isTuple ? .tuple(targets) : targets[0]
  }

  private mutating func singleTarget(
    _ withAttributes: Bool
  ) throws(ChatTemplateError) -> TemplateTarget {
    if accept(.symbol("(")) {
      let target = try nested { (parser) throws(ChatTemplateError) in
        try parser.assignmentTarget(withAttributes: withAttributes)
      }
      try expect(.symbol(")"))
      return target
    }
    let name = try expectName()
    if ["true", "false", "none", "True", "False", "None"].contains(name) {
      throw ChatTemplateError(.syntax, "cannot assign to `\(name)`", line: line)
    }
    if withAttributes, accept(.symbol(".")) { return .attribute(of: name, try expectName()) }
    return .name(name)
  }
}
