import Foundation

/// Python's operators.
extension TemplateRenderer {
  func arithmetic(
    _ sign: String, _ left: TemplateValue, _ right: TemplateValue
  ) throws(ChatTemplateError) -> TemplateValue {
    if sign == "%", case .text(let format) = left { return try percent(format, right) }
    switch (left, right) {
    case (.undefined(let why), _), (_, .undefined(let why)): throw .failed(why)
    case (.text(let first), .text(let second)) where sign == "+":
      try spend(first.count + second.count)
      return .text(first + second)
    case (.markup(let first), .markup(let second)) where sign == "+":
      try spend(first.count + second.count)
      return .markup(first + second)
    case (.markup(let first), .text(let second)) where sign == "+":
      return .markup(first + (try escaped(second, beside: first)))
    case (.text(let first), .markup(let second)) where sign == "+":
      return .markup(try escaped(first, beside: second) + second)
    case (.markup, _): throw .unsupported("`\(sign)` after the filter `safe`")
    case (.sequence(let first), .sequence(let second))
    where sign == "+" && first.kind == second.kind
      && (first.kind == .list || first.kind == .tuple):
      try spend(8 * (first.elements.count + second.elements.count))
      return .sequence(try TemplateSequence(first.kind, first.elements + second.elements))
    case (.text(let text), _) where sign == "*":
      if let count = Self.int(right) { return .text(try repeated(text, count)) }
    case (_, .text(let text)) where sign == "*":
      if let count = Self.int(left) { return .text(try repeated(text, count)) }
    case (.sequence(let list), _) where sign == "*" && (list.kind == .list || list.kind == .tuple):
      if let count = Self.int(right) {
        return .sequence(try TemplateSequence(list.kind, try repeated(list.elements, count)))
      }
    case (_, .sequence(let list)) where sign == "*" && (list.kind == .list || list.kind == .tuple):
      if let count = Self.int(left) {
        return .sequence(try TemplateSequence(list.kind, try repeated(list.elements, count)))
      }
    default: break
    }
    if let first = Self.int(left), let second = Self.int(right) {
      return try whole(sign, first, second)
    }
    guard let first = Self.number(left), let second = Self.number(right) else {
      throw .failed("unsupported operand type(s) for \(sign): `\(left.type)` and `\(right.type)`")
    }
    return try floating(sign, first, second)
  }

  /// As `markupsafe.escape` does.
  private func escaped(
    _ text: TemplateText, beside other: TemplateText
  ) throws(ChatTemplateError) -> TemplateText {
    let entities: [Unicode.Scalar: String] = [
      "&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", "\"": "&#34;",
    ]
    try spend(5 * text.count + other.count)
    return text.flatMap { entities[$0].map { Array($0.unicodeScalars) } ?? [$0] }
  }

  private func whole(
    _ sign: String, _ left: Int, _ right: Int
  ) throws(ChatTemplateError) -> TemplateValue {
    var result: (partialValue: Int, overflow: Bool)
    switch sign {
    case "+": result = left.addingReportingOverflow(right)
    case "-": result = left.subtractingReportingOverflow(right)
    case "*": result = left.multipliedReportingOverflow(by: right)
    case "/": return try floating("/", Double(left), Double(right))
    case "//", "%":
      if right == 0 { throw .failed("division by zero") }
      result = left.dividedReportingOverflow(by: right)
      if !result.overflow {
        let remainder = left % right
        let isBelow = remainder != 0 && (remainder < 0) != (right < 0)
        if sign == "%" { return .int(isBelow ? remainder + right : remainder) }
        if isBelow { result.partialValue -= 1 }
      }
    default:  // **
      if right < 0 { return try floating("**", Double(left), Double(right)) }
      result = (1, false)
      if right > 64, !(-1...1).contains(left) { result.overflow = true }
      for _ in 0..<(left.magnitude > 1 ? min(right, 64) : right == 0 ? 0 : right % 2 == 0 ? 2 : 1) {
        let next = result.partialValue.multipliedReportingOverflow(by: left)
        result = (next.partialValue, result.overflow || next.overflow)
      }
    }
    if result.overflow { throw .unsupported("a whole number of more than 64 bits") }
    return .int(result.partialValue)
  }

  private func floating(
    _ sign: String, _ left: Double, _ right: Double
  ) throws(ChatTemplateError) -> TemplateValue {
    if right == 0, ["/", "//", "%"].contains(sign) { throw .failed("division by zero") }
    switch sign {
    case "+": return .double(left + right)
    case "-": return .double(left - right)
    case "*": return .double(left * right)
    case "/": return .double(left / right)
    case "**":
      if left == 0, right < 0 { throw .failed("0.0 cannot be raised to a negative power") }
      if left < 0, right != right.rounded() { throw .unsupported("a complex number") }
      let result = pow(left, right)
      if result.isInfinite, left.isFinite, right.isFinite { throw .failed("a result too large") }
      return .double(result)
    default:
      // Python's `float_divmod`.
      var remainder = fmod(left, right)
      var quotient = (left - remainder) / right
      if remainder == 0 {
        remainder = copysign(0, right)
      } else if (right < 0) != (remainder < 0) {
        remainder += right
        quotient -= 1
      }
      if sign == "%" { return .double(remainder) }
      if quotient == 0 { return .double(copysign(0, left / right)) }
      let floor = quotient.rounded(.down)
      return .double(quotient - floor > 0.5 ? floor + 1 : floor)
    }
  }

  func signed(_ isMinus: Bool, _ value: TemplateValue) throws(ChatTemplateError) -> TemplateValue {
    if case .undefined(let why) = value { throw .failed(why) }
    if case .double(let value) = value { return .double(isMinus ? -value : value) }
    guard let number = Self.int(value) else {
      throw .failed("bad operand type for unary \(isMinus ? "-" : "+"): `\(value.type)`")
    }
    return isMinus ? try whole("-", 0, number) : .int(number)
  }

  private func repeated<Element>(
    _ elements: [Element], _ count: Int
  ) throws(ChatTemplateError) -> [Element] {
    if count <= 0 || elements.isEmpty { return [] }
    let size = elements.count.multipliedReportingOverflow(by: count)
    try spend(size.overflow ? .max : size.partialValue)
    return elements.count == 1
      ? Array(repeating: elements[0], count: count)
      : Array(repeatElement(elements, count: count).joined())
  }

  /// Whole numbers, of which Python's truth values are two.
  static func int(_ value: TemplateValue) -> Int? {
    switch value {
    case .int(let value): value
    case .bool(let value): value ? 1 : 0
    default: nil
    }
  }

  static func number(_ value: TemplateValue) -> Double? {
    if case .double(let value) = value { return value }
    return int(value).map(Double.init)
  }

  // MARK: Comparing

  func compare(
    _ sign: String, _ left: TemplateValue, _ right: TemplateValue
  ) throws(ChatTemplateError) -> Bool {
    switch sign {
    case "==": return try isEqual(left, right)
    case "!=": return !(try isEqual(left, right))
    case "<": return try isLess(left, right, sign)
    case ">": return try isLess(right, left, sign)
    case "<=": return try isLess(left, right, sign, orEqual: true)
    case ">=": return try isLess(right, left, sign, orEqual: true)
    case "in": return try contains(right, left)
    default: return !(try contains(right, left))
    }
  }

  func isEqual(_ left: TemplateValue, _ right: TemplateValue) throws(ChatTemplateError) -> Bool {
    try spend(1)
    switch (left, right) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.text(let first), .text(let second)), (.text(let first), .markup(let second)),
      (.markup(let first), .text(let second)), (.markup(let first), .markup(let second)):
      return first == second
    case (.sequence(let first), .sequence(let second)):
      if first === second { return true }
      switch (first.kind, second.kind) {
      case (.list, .list), (.tuple, .tuple), (.range, .range): break
      case (.list, _), (.tuple, _), (.range, _), (_, .list), (_, .tuple), (_, .range): return false
      default: throw .unsupported("comparing a \(left.type) with a \(right.type)")
      }
      guard first.elements.count == second.elements.count else { return false }
      for (one, other) in zip(first.elements, second.elements) where !(try isEqual(one, other)) {
        return false
      }
      return true
    case (.dictionary(let first), .dictionary(let second)):
      if first === second { return true }
      guard first.keys.count == second.keys.count else { return false }
      for (key, value) in first.members {
        guard let other = second[key], try isEqual(value, other) else { return false }
      }
      return true
    case (.namespace(let first), .namespace(let second)): return first === second
    case (.loop(let first), .loop(let second)): return first === second
    case (.macro(let first), .macro(let second)): return first === second
    case (.iterator(let first), .iterator(let second)): return first === second
    case (.function, .function): throw .unsupported("comparing functions")
    default:
      if let first = Self.int(left), let second = Self.int(right) { return first == second }
      guard let first = Self.number(left), let second = Self.number(right) else { return false }
      return first == second
    }
  }

  private func isLess(
    _ left: TemplateValue, _ right: TemplateValue, _ sign: String, orEqual: Bool = false
  ) throws(ChatTemplateError) -> Bool {
    try spend(1)
    switch (left, right) {
    case (.undefined(let why), _), (_, .undefined(let why)): throw .failed(why)
    case (.text(let first), .text(let second)):
      return first.lexicographicallyPrecedes(second) || (orEqual && first == second)
    case (.sequence(let first), .sequence(let second))
    where first.kind == second.kind && (first.kind == .list || first.kind == .tuple):
      for (one, other) in zip(first.elements, second.elements) where !(try isEqual(one, other)) {
        return try isLess(one, other, sign, orEqual: orEqual)
      }
      return first.elements.count < second.elements.count
        || (orEqual && first.elements.count == second.elements.count)
    default:
      if let first = Self.int(left), let second = Self.int(right) {
        return first < second || (orEqual && first == second)
      }
      guard let first = Self.number(left), let second = Self.number(right) else {
        throw .failed("`\(sign)` not supported between `\(left.type)` and `\(right.type)`")
      }
      return first < second || (orEqual && first == second)
    }
  }

  /// Python's `left < right`, for sorting.
  func isLess(_ left: TemplateValue, _ right: TemplateValue) throws(ChatTemplateError) -> Bool {
    try isLess(left, right, "<")
  }

  /// Python's `value in container`.
  func contains(
    _ container: TemplateValue, _ value: TemplateValue
  ) throws(ChatTemplateError) -> Bool {
    switch container {
    case .text(let text), .markup(let text):
      if case .markup(let part) = value { return try contains(container, .text(part)) }
      guard case .text(let part) = value else {
        throw .failed("`in <string>` requires string as left operand, not \(value.type)")
      }
      try spend(text.count)
      return Self.find(part, in: text[...]) != nil
    case .dictionary(let dictionary):
      if value.type == "list" || value.type == "dict" {
        throw .failed("unhashable type: `\(value.type)`")
      }
      return dictionary[value] != nil
    default:
      let source = try iterator(over: container)
      while let next = try source.next() {
        if try isEqual(next, value) { return true }
      }
      return false
    }
  }

  /// The first place of `part` in `text`, in linear time (Knuth, Morris and Pratt 1977).
  static func find(_ part: TemplateText, in text: ArraySlice<Unicode.Scalar>) -> Int? {
    guard let first = part.first else { return text.startIndex }
    if part.count == 1 { return text.firstIndex(of: first) }
    var fallback = [0]  // by length matched less one: the next shorter match
    var matched = 0
    for scalar in part.dropFirst() {
      while matched > 0, part[matched] != scalar { matched = fallback[matched - 1] }
      if part[matched] == scalar { matched += 1 }
      fallback.append(matched)
    }
    matched = 0
    for index in text.indices {
      while matched > 0, part[matched] != text[index] { matched = fallback[matched - 1] }
      if part[matched] == text[index] { matched += 1 }
      if matched == part.count { return index + 1 - part.count }
    }
    return nil
  }
}
