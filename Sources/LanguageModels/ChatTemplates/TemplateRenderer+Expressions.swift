/// The arguments of a call with their values.
struct TemplateArguments {
  var positional: [TemplateValue] = []
  var named: [(name: String, value: TemplateValue)] = []

  /// The values by parameter, in order; `nil` where none is given.
  func bound(to names: [String], of function: String) throws(ChatTemplateError) -> [TemplateValue?]
  {
    guard positional.count <= names.count else {
      throw .failed("`\(function)` takes at most \(names.count) argument(s)")
    }
    var values: [TemplateValue?] = positional.map(\.self)
    values += Array(repeating: nil, count: names.count - positional.count)
    for (name, value) in named {
      guard let index = names.firstIndex(of: name) else {
        throw .failed("`\(function)` takes no argument `\(name)`")
      }
      guard values[index] == nil else {
        throw .failed("`\(function)` is given the argument `\(name)` twice")
      }
      values[index] = value
    }
    return values
  }
}

extension TemplateRenderer {
  /// - Parameter block: what a filter without a value is about.
  func evaluate(
    _ expression: TemplateExpression, _ scope: TemplateScope, block: TemplateValue? = nil
  ) throws(ChatTemplateError) -> TemplateValue {
    try nested { () throws(ChatTemplateError) in
      switch expression.kind {
      case .none: return .none
      case .bool(let value): return .bool(value)
      case .int(let value): return .int(value)
      case .double(let value): return .double(value)
      case .text(let value): return .text(value)
      case .name(let name): return try variable(name, scope)
      case .attribute(let base, let name): return try attribute(name, of: try evaluate(base, scope))
      case .item(let base, let index):
        return try item(try evaluate(index, scope), of: try evaluate(base, scope))
      case .not(let value): return .bool(!(try evaluate(value, scope).isTrue))
      case .and(let left, let right):
        let value = try evaluate(left, scope)
        return value.isTrue ? try evaluate(right, scope) : value
      case .or(let left, let right):
        let value = try evaluate(left, scope)
        return value.isTrue ? value : try evaluate(right, scope)
      case .conditional(let condition, let value, let otherwise):
        if try evaluate(condition, scope).isTrue { return try evaluate(value, scope) }
        if let otherwise { return try evaluate(otherwise, scope) }
        return .undefined("the inline if-expression was false and had no else")
      case .binary(let sign, let left, let right):
        return try arithmetic(sign, try evaluate(left, scope), try evaluate(right, scope))
      case .sign(let isMinus, let value):
        return try signed(isMinus, try evaluate(value, scope))
      default: return try evaluateComposite(expression, scope, block: block)
      }
    }
  }

  /// The kinds with more operands, apart, so that the common ones need little of the stack.
  private func evaluateComposite(
    _ expression: TemplateExpression, _ scope: TemplateScope, block: TemplateValue?
  ) throws(ChatTemplateError) -> TemplateValue {
    switch expression.kind {
    case .list(let items): return try .list(try values(items, scope))
    case .tuple(let items): return try .tuple(try values(items, scope))
    case .dictionary(let members):
      var pairs: [(TemplateValue, TemplateValue)] = []
      for (key, value) in members {
        pairs.append((try evaluate(key, scope), try evaluate(value, scope)))
      }
      return .dictionary(try TemplateDictionary(pairs))
    case .slice(let base, let bounds):
      var values: [TemplateValue] = []
      let sliced = try evaluate(base, scope)
      for bound in bounds {
        values.append(
          try bound.map { (bound) throws(ChatTemplateError) in
            try evaluate(bound, scope)
          } ?? .none)
      }
      return try slice(sliced, values)
    case .call(let callee, let call):
      let function = try evaluate(callee, scope)
      return try self.call(function, try arguments(call, scope))
    case .filter(let base, let name, let call):
      let value = try base.map { (base) throws(ChatTemplateError) in
        try evaluate(base, scope, block: block)
      }
      return try filter(name, value ?? block ?? .none, try arguments(call, scope))
    case .test(let base, let name, let call):
      let value = try evaluate(base, scope)
      return .bool(try test(name, value, try arguments(call, scope)))
    case .compare(let first, let operands):
      var left = try evaluate(first, scope)
      for (sign, right) in operands {
        let right = try evaluate(right, scope)
        if !(try compare(sign, left, right)) { return .bool(false) }
        left = right
      }
      return .bool(true)
    case .concatenation(let parts):
      var text: TemplateText = []
      for part in parts {
        let next = try self.text(of: try evaluate(part, scope))
        try spend(next.count)
        text += next
      }
      return .text(text)
    default: preconditionFailure("an expression that `evaluate` handles")
    }
  }

  private func values(
    _ expressions: [TemplateExpression], _ scope: TemplateScope
  ) throws(ChatTemplateError) -> [TemplateValue] {
    var values: [TemplateValue] = []
    for expression in expressions { values.append(try evaluate(expression, scope)) }
    return values
  }

  func arguments(
    _ call: TemplateCall, _ scope: TemplateScope
  ) throws(ChatTemplateError) -> TemplateArguments {
    var arguments = TemplateArguments(positional: try values(call.positional, scope))
    for (name, value) in call.named {
      arguments.named.append((name, try evaluate(value, scope)))
    }
    if let list = call.list {
      arguments.positional += try elements(of: try evaluate(list, scope))
    }
    if let dictionary = call.dictionary {
      guard case .dictionary(let members) = try evaluate(dictionary, scope) else {
        throw .failed("what follows ** is no dictionary")
      }
      for (key, value) in members.members {
        guard case .text(let name) = key else { throw .failed("keywords must be strings") }
        arguments.named.append((String(name), value))
      }
    }
    return arguments
  }

  private func variable(
    _ name: String, _ scope: TemplateScope
  ) throws(ChatTemplateError) -> TemplateValue {
    if let value = scope.find(name) { return value }
    switch name {
    case "range", "dict", "namespace", "raise_exception", "strftime_now":
      return .function(TemplateFunction(name))
    case "lipsum", "cycler", "joiner": throw .unsupported("the function `\(name)`")
    default: return .undefined("`\(name)` is undefined")
    }
  }
}
