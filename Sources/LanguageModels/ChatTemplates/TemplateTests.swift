/// Jinja2's tests: what stands after `is`.
extension TemplateRenderer {
  static let testNames: Set<String> = [
    "boolean", "callable", "defined", "divisibleby", "eq", "equalto", "escaped", "even", "false",
    "filter", "float", "ge", "greaterthan", "gt", "in", "integer", "iterable", "le", "lessthan",
    "lower", "lt", "mapping", "ne", "none", "number", "odd", "sameas", "sequence", "string",
    "test", "true", "undefined", "upper", "==", "!=", "<", "<=", ">", ">=",
  ]

  private static let comparisons = [
    "eq": "==", "equalto": "==", "ne": "!=", "lt": "<", "lessthan": "<", "le": "<=", "gt": ">",
    "greaterthan": ">", "ge": ">=", "==": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">",
    ">=": ">=", "in": "in",
  ]

  func test(
    _ name: String, _ value: TemplateValue, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> Bool {
    if let sign = Self.comparisons[name] {
      return try compare(sign, value, try operand(given, of: name))
    }
    switch name {
    case "divisibleby":
      return try isEqual(try arithmetic("%", value, try operand(given, of: name)), .int(0))
    case "sameas": return try isSame(value, try operand(given, of: name))
    default: _ = try given.bound(to: [], of: name)
    }
    switch name {
    case "odd": return try isEqual(try arithmetic("%", value, .int(2)), .int(1))
    case "even": return try isEqual(try arithmetic("%", value, .int(2)), .int(0))
    case "upper", "lower": return try text(of: value).isCased(upper: name == "upper")
    case "filter", "test":
      guard case .text(let wanted) = value else { return false }
      return (name == "filter" ? Self.filterNames : Self.testNames).contains(String(wanted))
    default: break
    }
    switch (name, value) {
    case ("defined", .undefined): return false
    case ("defined", _): return true
    case ("undefined", .undefined), ("none", .none), ("boolean", .bool), ("true", .bool(true)),
      ("false", .bool(false)), ("integer", .int), ("float", .double), ("string", .text),
      ("string", .markup),
      ("mapping", .dictionary), ("number", .bool), ("number", .int), ("number", .double),
      ("callable", .function), ("callable", .macro):
      return true
    // Jinja2's undefined value has a length, items and a call, which raise only when they are used.
    case ("callable", .undefined): return true
    case ("sequence", .text), ("sequence", .markup), ("sequence", .dictionary),
      ("sequence", .undefined):
      return true
    case ("sequence", .sequence(let sequence)): return sequence.kind.isIndexed
    case ("iterable", .text), ("iterable", .markup), ("iterable", .dictionary),
      ("iterable", .undefined),
      ("iterable", .sequence), ("iterable", .iterator), ("iterable", .loop):
      return true
    default: return false
    }
  }

  private func operand(
    _ given: TemplateArguments, of name: String
  ) throws(ChatTemplateError) -> TemplateValue {
    guard given.named.isEmpty, given.positional.count == 1 else {
      throw .failed("the test `\(name)` needs one operand")
    }
    return given.positional[0]
  }

  /// Python's `is`, where it does not depend on which objects Python happens to share.
  private func isSame(
    _ left: TemplateValue, _ right: TemplateValue
  ) throws(ChatTemplateError) -> Bool {
    switch (left, right) {
    case (.none, .none): true
    case (.bool(let first), .bool(let second)): first == second
    case (.none, _), (_, .none), (.bool, _), (_, .bool): false
    default: throw .unsupported("`sameas` of other than none, true and false")
    }
  }
}
