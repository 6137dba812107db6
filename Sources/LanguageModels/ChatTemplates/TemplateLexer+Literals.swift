extension TemplateLexer {
  mutating func readNumber() throws(ChatTemplateError) -> TemplateToken.Kind {
    let start = position
    let mayBeFloat = start == 0 || source[start - 1] != "."
    var radix = 10
    var digits = ""
    if source[position] == "0", position + 1 < source.count,
      let found = ["b": 2, "o": 8, "x": 16][String(source[position + 1]).lowercased()]
    {
      radix = found
      position += 2
    }
    digits = readDigits(radix: radix)
    if radix == 10, mayBeFloat {
      var isFloat = false
      if position + 1 < source.count, source[position] == ".", isDigit(position + 1) {
        position += 1
        digits += "." + readDigits(radix: 10)
        isFloat = true
      }
      if position < source.count, source[position] == "e" || source[position] == "E" {
        var exponent = position + 1
        if exponent < source.count, source[exponent] == "+" || source[exponent] == "-" {
          exponent += 1
        }
        if isDigit(exponent) {
          let sign = String(source[(position + 1)..<exponent])
          position = exponent
          digits += "e" + sign + readDigits(radix: 10)
          isFloat = true
        }
      }
      if isFloat, let value = Double(digits) { return .float(value) }
    }
    if radix == 10, digits.count > 1, digits.first == "0", digits.contains(where: { $0 != "0" }) {
      throw ChatTemplateError(.syntax, "the number `\(digits)` begins with 0", line: line)
    }
    guard let value = Int(digits, radix: radix) else {
      throw ChatTemplateError(.unsupported, "the number `\(digits)`", line: line)
    }
    return .integer(value)
  }

  private mutating func readDigits(radix: Int) -> String {
    var digits = ""
    while position < source.count {
      let isSeparator =
        source[position] == "_" && position + 1 < source.count
        && Character(source[position + 1]).hexDigitValue.map { $0 < radix } == true
      if isSeparator {
        position += 1
      } else if source[position].isASCII,
        Character(source[position]).hexDigitValue.map({ $0 < radix }) == true
      {
        digits.unicodeScalars.append(source[position])
        position += 1
      } else {
        break
      }
    }
    return digits
  }

  private func isDigit(_ index: Int) -> Bool {
    index < source.count && ("0"..."9").contains(source[index])
  }

  mutating func readString(quote: Unicode.Scalar) throws(ChatTemplateError) -> TemplateText {
    let first = line
    let start = position + 1
    var index = start
    while index < source.count, source[index] != quote { index += source[index] == "\\" ? 2 : 1 }
    guard index < source.count else {
      throw ChatTemplateError(.syntax, "a string is not closed", line: first)
    }
    let text = source[start..<index]
    advance(to: index + 1)
    return text.contains("\\") ? try Self.unescape(text, line: first) : Array(text)
  }

  /// Python's `.encode("ascii", "backslashreplace").decode("unicode-escape")`.
  private static func unescape(
    _ text: ArraySlice<Unicode.Scalar>, line: Int
  ) throws(ChatTemplateError) -> TemplateText {
    var source: TemplateText = []
    for scalar in text {
      if scalar.isASCII {
        source.append(scalar)
      } else {
        let digits = String(scalar.value, radix: 16)
        let (letter, width) =
          scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
        let padding = String(repeating: "0", count: width - digits.count)
        source += Array("\\\(letter)\(padding)\(digits)".unicodeScalars)
      }
    }
    let simple: [Unicode.Scalar: Unicode.Scalar] = [
      "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}", "f": "\u{C}", "n": "\n",
      "r": "\r", "t": "\t", "v": "\u{B}",
    ]
    var result: TemplateText = []
    var index = 0
    while index < source.count {
      guard source[index] == "\\", index + 1 < source.count else {
        result.append(source[index])
        index += 1
        continue
      }
      let letter = source[index + 1]
      index += 2
      if let scalar = simple[letter] {
        result.append(scalar)
      } else if letter == "\n" {
        continue
      } else if ("0"..."7").contains(letter) {
        var value = letter.value - 48
        var count = 1
        while count < 3, index < source.count, ("0"..."7").contains(source[index]) {
          value = value * 8 + source[index].value - 48
          index += 1
          count += 1
        }
        if let scalar = Unicode.Scalar(value) { result.append(scalar) }
      } else if let width = [Unicode.Scalar("x"): 2, "u": 4, "U": 8][letter] {
        let digits = source[index..<min(index + width, source.count)]
        guard digits.count == width, digits.allSatisfy({ Character($0).isHexDigit }),
          let scalar = UInt32(String(digits), radix: 16).flatMap(Unicode.Scalar.init)
        else { throw ChatTemplateError(.syntax, "a broken escape in a string", line: line) }
        result.append(scalar)
        index += width
      } else if letter == "N" {
        throw ChatTemplateError(.unsupported, "the escape `\\N`", line: line)
      } else {
        result += ["\\", letter]
      }
    }
    return result
  }
}
