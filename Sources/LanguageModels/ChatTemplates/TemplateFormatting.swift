import Foundation

/// Python's two ways to format: `'%s' % value` and `'{}'.format(value)`, as far as templates use
/// them: texts, whole numbers, decimal places.
extension TemplateRenderer {
  /// Python's `format % value`; the filter `format` calls it too.
  func percent(
    _ format: TemplateText, _ value: TemplateValue
  ) throws(ChatTemplateError) -> TemplateValue {
    var values = [value]
    if case .sequence(let tuple) = value, tuple.kind == .tuple { values = tuple.elements }
    var next = values[...]
    var isNamed = false
    var result: TemplateText = []
    var index = 0
    while index < format.count {
      if format[index] != "%" {
        result.append(format[index])
        index += 1
        continue
      }
      index += 1
      var argument: TemplateValue?
      if index < format.count, format[index] == "(" {
        guard let end = format[index...].firstIndex(of: ")") else {
          throw .failed("incomplete format key")
        }
        guard case .dictionary(let dictionary) = value,
          let found = dictionary[.text(Array(format[(index + 1)..<end]))]
        else { throw .failed("the format needs the key `\(String(format[(index + 1)..<end]))`") }
        argument = found
        isNamed = true
        index = end + 1
      }
      var places: Int?
      if index < format.count, format[index] == "." {
        let digits = format[(index + 1)...].prefix { ("0"..."9").contains($0) }
        places = digits.isEmpty ? 0 : Int(String(digits)) ?? .max
        index = digits.endIndex
      }
      guard index < format.count else { throw .failed("incomplete format") }
      let kind = format[index]
      index += 1
      if kind == "%" {
        result.append("%")
        continue
      }
      guard let item = argument ?? next.popFirst() else {
        throw .failed("not enough arguments for format string")
      }
      result += try formatted(item, as: kind, places: places)
    }
    // Python passes over a single value that can be indexed, other than a string or a tuple.
    let isPassedOver = ["dict", "list", "range", "Undefined"].contains(value.type)
    if !isNamed, !next.isEmpty, !isPassedOver {
      throw .failed("not all arguments converted during string formatting")
    }
    try spend(result.count)
    return .text(result)
  }

  private func formatted(
    _ value: TemplateValue, as kind: Unicode.Scalar, places: Int?
  ) throws(ChatTemplateError) -> TemplateText {
    switch kind {
    case "s", "r":
      let text = try kind == "s" ? self.text(of: value) : description(of: value)
      return places.map { Array(text.prefix($0)) } ?? text
    case "d", "i", "u":
      guard places == nil else { break }
      if case .double(let number) = value, let whole = Int(exactly: number.rounded(.towardZero)) {
        return Array("\(whole)".unicodeScalars)
      }
      guard let number = Self.int(value) else {
        throw .failed("%\(kind) format: a number is required, not \(value.type)")
      }
      return Array("\(number)".unicodeScalars)
    case "f", "F":
      guard let number = Self.number(value) else {
        throw .failed("%f format: a number is required, not \(value.type)")
      }
      guard number.isFinite, (places ?? 6) <= 100 else { break }
      return Array(String(format: "%.\(places ?? 6)f", number).unicodeScalars)
    default: break
    }
    throw .unsupported("the format `%\(kind)`")
  }

  /// Python's `str.format` with plain fields: `{}`, `{0}`, `{name}`.
  func formatted(
    _ format: TemplateText, _ given: TemplateArguments
  ) throws(ChatTemplateError) -> TemplateText {
    var result: TemplateText = []
    var index = 0
    var automatic = 0
    while index < format.count {
      let scalar = format[index]
      let isDoubled = index + 1 < format.count && format[index + 1] == scalar
      if scalar == "{" || scalar == "}", isDoubled {
        result.append(scalar)
        index += 2
      } else if scalar == "}" {
        throw .failed("Single '}' encountered in format string")
      } else if scalar == "{" {
        guard let end = format[index...].firstIndex(of: "}") else {
          throw .failed("expected '}' before end of string")
        }
        let field = String(format[(index + 1)..<end])
        index = end + 1
        guard field.unicodeScalars.allSatisfy({ $0 == "_" || $0.properties.isXIDContinue }) else {
          throw .unsupported("the format `{\(field)}`")
        }
        let position = field.isEmpty ? automatic : Int(field)
        if field.isEmpty { automatic += 1 }
        let value: TemplateValue?
        if let position {
          value = given.positional.indices.contains(position) ? given.positional[position] : nil
        } else {
          value = given.named.last { $0.name == field }?.value
        }
        guard let value else { throw .failed("the format has no value for `{\(field)}`") }
        result += try text(of: value)
      } else {
        result.append(scalar)
        index += 1
      }
    }
    try spend(result.count)
    return result
  }
}
