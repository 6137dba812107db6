/// A text as Python sees it: a sequence of code points. Swift's strings compare and count graphemes.
typealias TemplateText = [Unicode.Scalar]

/// Python's methods of strings on code points.
extension [Unicode.Scalar] {
  func stripped(
    _ characters: TemplateText? = nil, left: Bool = true, right: Bool = true
  ) -> TemplateText {
    let set = characters.map(Set.init)
    let isStripped: (Unicode.Scalar) -> Bool = { set?.contains($0) ?? $0.isPythonSpace }
    var rest = self[...]
    if left { rest = rest.drop(while: isStripped) }
    if right { while let last = rest.last, isStripped(last) { rest.removeLast() } }
    return TemplateText(rest)
  }

  /// `split`, or `rsplit` when counted from the end.
  func split(
    by separator: TemplateText?, atMost limit: Int, fromEnd: Bool = false
  ) -> [TemplateText] {
    if fromEnd {
      let parts = TemplateText(reversed()).split(
        by: separator.map { $0.reversed() }, atMost: limit)
      return parts.reversed().map { $0.reversed() }
    }
    var parts: [TemplateText] = []
    var rest = self[...]
    if let separator {
      while limit < 0 || parts.count < limit,
        let index = TemplateRenderer.find(separator, in: rest)
      {
        parts.append(TemplateText(rest[..<index]))
        rest = rest[(index + separator.count)...]
      }
      return parts + [TemplateText(rest)]
    }
    while true {
      rest = rest.drop(while: \.isPythonSpace)
      if rest.isEmpty { return parts }
      if limit >= 0, parts.count >= limit { return parts + [TemplateText(rest)] }
      let word = rest.prefix { !$0.isPythonSpace }
      parts.append(TemplateText(word))
      rest = rest[word.endIndex...]
    }
  }

  func lines(keepingEnds: Bool = false) -> [TemplateText] {
    var lines: [TemplateText] = []
    var start = 0
    var index = 0
    while index < count {
      switch self[index].value {
      case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029:
        let isPair = self[index] == "\r" && index + 1 < count && self[index + 1] == "\n"
        let next = index + (isPair ? 2 : 1)
        lines.append(TemplateText(self[start..<(keepingEnds ? next : index)]))
        index = next
        start = next
      default: index += 1
      }
    }
    if start < count { lines.append(TemplateText(self[start...])) }
    return lines
  }

  func uppercased() -> TemplateText { flatMap(\.properties.uppercaseMapping.unicodeScalars) }

  func lowercased() -> TemplateText { lowercased(from: 0) }

  /// Lower case from a place on; a capital sigma at the end of a word becomes a final one.
  private func lowercased(from start: Int) -> TemplateText {
    var result: TemplateText = []
    for index in start..<Swift.max(start, count) {
      if self[index] == "Σ" {
        result.append(isFinalSigma(index) ? "ς" : "σ")
      } else {
        result += self[index].properties.lowercaseMapping.unicodeScalars
      }
    }
    return result
  }

  private func isFinalSigma(_ index: Int) -> Bool {
    let before = self[..<index].last { !$0.properties.isCaseIgnorable }
    let after = self[(index + 1)...].first { !$0.properties.isCaseIgnorable }
    return before?.properties.isCased == true && after?.properties.isCased != true
  }

  func capitalized() -> TemplateText {
    guard let first else { return [] }
    return first.properties.titlecaseMapping.unicodeScalars + lowercased(from: 1)
  }

  /// `str.title`: words are runs of cased letters.
  func titlecased() -> TemplateText {
    var result: TemplateText = []
    var isInside = false
    for (index, scalar) in enumerated() {
      if !isInside {
        result += scalar.properties.titlecaseMapping.unicodeScalars
      } else if scalar == "Σ" {
        result.append(isFinalSigma(index) ? "ς" : "σ")
      } else {
        result += scalar.properties.lowercaseMapping.unicodeScalars
      }
      isInside = scalar.properties.isCased
    }
    return result
  }

  /// The filter `title` of Jinja2, whose words begin after white space, `-` and opening brackets.
  func titleFiltered() -> TemplateText {
    var result: TemplateText = []
    var word: TemplateText = []
    func flush() {
      guard let first = word.first else { return }
      result += first.properties.uppercaseMapping.unicodeScalars
      result += TemplateText(word.dropFirst()).lowercased()
      word = []
    }
    for scalar in self {
      if scalar.isPythonSpace || "-({[<".unicodeScalars.contains(scalar) {
        flush()
        result.append(scalar)
      } else {
        word.append(scalar)
      }
    }
    flush()
    return result
  }

  /// Whether there are cased letters and none of the other case.
  func isCased(upper: Bool) -> Bool {
    var found = false
    for scalar in self {
      let properties = scalar.properties
      if upper ? properties.isLowercase : properties.isUppercase { return false }
      if properties.generalCategory == .titlecaseLetter { return false }
      if upper ? properties.isUppercase : properties.isLowercase { found = true }
    }
    return found
  }

  func allMatch(_ predicate: (Unicode.Scalar) -> Bool) -> Bool {
    !isEmpty && allSatisfy(predicate)
  }
}

extension Unicode.Scalar {
  /// Python's `str.isspace`.
  var isPythonSpace: Bool {
    switch value {
    case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F,
      0x205F, 0x3000:
      true
    default: false
    }
  }

  var isPythonLetter: Bool {
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  var isPythonDigit: Bool {
    properties.numericType == .decimal || properties.numericType == .digit
  }
}

extension String {
  init(_ scalars: some Sequence<Unicode.Scalar>) {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    self.init(view)
  }
}
