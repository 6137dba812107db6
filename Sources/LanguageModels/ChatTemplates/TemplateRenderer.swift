import Foundation

/// Runs the statements of a template: Jinja2's `ImmutableSandboxedEnvironment` as `transformers`
/// sets it up, with bounds on work, depth and size, since templates come from anywhere.
final class TemplateRenderer {
  enum Flow { case onward, breakLoop, continueLoop }

  /// Evaluations inside each other, through expressions, blocks and macros; tried on a stack of
  /// 512 KiB.
  static let maximumDepth = 500
  /// What a call of a macro counts for.
  private static let callDepth = 6
  /// Code points of a text, elements of a list.
  static let maximumSize = 1 << 26

  private(set) var line = 1
  private var depth = 0
  private var work: Int
  /// What `strftime_now` reads.
  let now: Date

  /// - Parameter work: what may be spent: about one an operation, and one for each code point written.
  init(work: Int, now: Date) {
    self.work = work
    self.now = now
  }

  func spend(_ amount: Int) throws(ChatTemplateError) {
    work -= amount
    if work < 0 || amount > Self.maximumSize {
      throw .failed("it takes more work or space than a conversation of this size may")
    }
  }

  func nested<Result>(
    by levels: Int = 1, _ body: () throws(ChatTemplateError) -> Result
  ) throws(ChatTemplateError) -> Result {
    depth += levels
    defer { depth -= levels }
    if depth > Self.maximumDepth { throw .failed("macros or expressions are nested too deeply") }
    work -= 1
    return try body()
  }

  func run(
    _ statements: [TemplateStatement], in scope: TemplateScope, into output: inout TemplateText
  ) throws(ChatTemplateError) -> Flow {
    for statement in statements {
      line = statement.line
      let flow = try run(statement, in: scope, into: &output)
      if flow != .onward { return flow }
    }
    return .onward
  }

  private func run(
    _ statement: TemplateStatement, in scope: TemplateScope, into output: inout TemplateText
  ) throws(ChatTemplateError) -> Flow {
    switch statement.kind {
    case .data(let text): try append(text, to: &output)
    case .output(let expression):
      try append(try text(of: try evaluate(expression, scope)), to: &output)
    case .loop(let loop):
      return try nested { () throws(ChatTemplateError) in try run(loop, in: scope, into: &output) }
    case .branch(let branches):
      for branch in branches {
        guard
          try branch.condition.map({ (condition) throws(ChatTemplateError) in
            try evaluate(condition, scope).isTrue
          }) ?? true
        else { continue }
        return try nested { () throws(ChatTemplateError) in
          try run(branch.body, in: scope, into: &output)
        }
      }
    case .set(let target, let value): try assign(try evaluate(value, scope), to: target, in: scope)
    case .setBlock(let target, let filter, let body):
      let inner = TemplateScope(in: scope)
      let (written, flow) = try block(body, in: inner)
      if flow != .onward { return flow }
      let value = try filter.map { (filter) throws(ChatTemplateError) in
        try evaluate(filter, inner, block: .text(written))
      }
      try assign(value ?? .text(written), to: target, in: scope)
    case .with(let values, let body):
      let inner = TemplateScope(in: scope)
      for (target, value) in values {
        try assign(try evaluate(value, scope), to: target, in: inner)
      }
      return try nested { () throws(ChatTemplateError) in
        try run(body, in: inner, into: &output)
      }
    case .macro(let definition):
      scope.variables[definition.name] = .macro(TemplateMacro(definition, in: scope))
    case .call(let callee, let call, let definition):
      var arguments = try self.arguments(call, scope)
      arguments.named.append(("caller", .macro(TemplateMacro(definition, in: scope))))
      let value = try self.call(try evaluate(callee, scope), arguments)
      try append(try text(of: value), to: &output)
    case .filter(let filter, let body):
      let inner = TemplateScope(in: scope)
      let (written, flow) = try block(body, in: inner)
      if flow != .onward { return flow }
      let value = try evaluate(filter, inner, block: .text(written))
      try append(try text(of: value), to: &output)
    case .generation(let body):
      let (written, _) = try block(body, in: TemplateScope(in: scope))
      try append(written, to: &output)
    case .breakLoop: return .breakLoop
    case .continueLoop: return .continueLoop
    }
    return .onward
  }

  private func append(
    _ text: TemplateText, to output: inout TemplateText
  ) throws(ChatTemplateError) {
    try spend(text.count)
    output += text
  }

  private func block(
    _ body: [TemplateStatement], in scope: TemplateScope
  ) throws(ChatTemplateError) -> (TemplateText, Flow) {
    var written: TemplateText = []
    let flow = try nested { () throws(ChatTemplateError) in
      try run(body, in: scope, into: &written)
    }
    return (written, flow)
  }

  private func run(
    _ loop: TemplateLoopDefinition, in scope: TemplateScope, into output: inout TemplateText
  ) throws(ChatTemplateError) -> Flow {
    let value = try evaluate(loop.items, scope)
    var source = try iterator(over: value)
    var length = try? self.length(of: value)
    if let condition = loop.condition {
      let unfiltered = source
      length = nil
      source = TemplateIterator(depth: 0) { () throws(ChatTemplateError) in
        while let item = try unfiltered.next() {
          let inner = TemplateScope(in: scope)
          try self.assign(item, to: loop.target, in: inner)
          if try self.evaluate(condition, inner).isTrue { return item }
        }
        return nil
      }
    }
    let state = TemplateLoop(source, length: length)
    var hasFinishedOne = false
    while let item = try state.next() {
      try spend(1)
      let inner = TemplateScope(in: scope)
      inner.variables["loop"] = .loop(state)
      try assign(item, to: loop.target, in: inner)
      let flow = try run(loop.body, in: inner, into: &output)
      // A macro in its own scope refers to the scope, and it to the macro.
      inner.variables = [:]
      if flow == .breakLoop { break }
      if flow == .onward { hasFinishedOne = true }
    }
    // As in Jinja2, a loop that never came to the end of its body takes `else`, even if it began.
    if !hasFinishedOne, !loop.otherwise.isEmpty {
      return try run(loop.otherwise, in: TemplateScope(in: scope), into: &output)
    }
    return .onward
  }

  private func assign(
    _ value: TemplateValue, to target: TemplateTarget, in scope: TemplateScope
  ) throws(ChatTemplateError) {
    switch target {
    case .name(let name): scope.variables[name] = value
    case .attribute(let name, let attribute):
      guard case .namespace(let namespace)? = scope.find(name) else {
        throw .failed("cannot assign attribute on non-namespace object `\(name)`")
      }
      try set(attribute, of: namespace, to: value)
    case .tuple(let targets):
      var values: [TemplateValue] = []
      let source = try iterator(over: value)
      while values.count <= targets.count, let next = try source.next() { values.append(next) }
      guard values.count == targets.count else {
        throw .failed("cannot unpack a \(value.type) into \(targets.count) names")
      }
      for (target, value) in zip(targets, values) { try assign(value, to: target, in: scope) }
    }
  }

  func set(
    _ attribute: String, of namespace: TemplateNamespace, to value: TemplateValue
  ) throws(ChatTemplateError) {
    if attribute.hasPrefix("_") {
      throw .failed("a namespace may not have the attribute `\(attribute)`")
    }
    if value.depth == nil { throw .unsupported("a \(value.type) inside a namespace") }
    namespace.attributes[attribute] = value
  }

  // MARK: Macros

  func call(
    _ macro: TemplateMacro, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateValue {
    let definition = macro.definition
    let names = definition.parameters.names
    let scope = TemplateScope(in: macro.scope)
    defer { scope.variables = [:] }
    var named = given.named
    func take(_ name: String) -> TemplateValue? {
      named.firstIndex { $0.name == name }.map { named.remove(at: $0).value }
    }
    var missing: [String] = []
    for (index, name) in names.enumerated() {
      if index < given.positional.count {
        scope.variables[name] = given.positional[index]
      } else if let value = take(name) {
        scope.variables[name] = value
      } else {
        missing.append(name)
      }
    }
    if definition.implicit.contains("caller") {
      scope.variables["caller"] = take("caller") ?? .undefined("No caller defined")
    }
    let surplus = Array(given.positional.dropFirst(names.count))
    if definition.implicit.contains("varargs") {
      scope.variables["varargs"] = try .tuple(surplus)
    } else if !surplus.isEmpty {
      throw .failed("macro `\(definition.name)` takes not more than \(names.count) argument(s)")
    }
    if definition.implicit.contains("kwargs") {
      scope.variables["kwargs"] = .dictionary(
        try TemplateDictionary(named.map { (.text($0.name), $0.value) }))
    } else if let first = named.first {
      throw .failed("macro `\(definition.name)` takes no keyword argument `\(first.name)`")
    }
    return try nested(by: Self.callDepth) { () throws(ChatTemplateError) in
      let defaults = definition.parameters.defaults
      let firstDefault = names.count - defaults.count
      for (index, name) in names.enumerated() where missing.contains(name) {
        scope.variables[name] =
          index >= firstDefault
          ? try evaluate(defaults[index - firstDefault], scope)
          : .undefined("parameter `\(name)` was not provided")
      }
      let callLine = line
      var written: TemplateText = []
      _ = try run(definition.body, in: scope, into: &written)
      line = callLine  // not when it throws: then the line is where
      return .text(written)
    }
  }
}
