/// The regular expressions by which published tokenizers cut text, each written out as a scanner: one
/// alternative a line, tried in order at each place. Any other is refused by its text.
enum SplitPattern: Sendable, Equatable {
  /// A text as it stands.
  case literal([Unicode.Scalar])
  /// GPT-2, also without a word for it in `ByteLevel`.
  case gpt2
  case words(Words)

  /// The family of `cl100k`: words take what stands before them along, punctuation the line breaks
  /// after it.
  struct Words: Sendable, Equatable {
    enum Letters: Sendable { case plain, withMarks, cased, casedWithContractions }

    /// `\p{L}+`; `[\p{L}\p{M}]+`; or upper case before lower, as in `camelCase`, with `'s` or without.
    var letters = Letters.plain
    /// Digits in one piece at most.
    var digits: Int
    /// Whether punctuation takes slashes after it along, as it does line breaks.
    var takesSlashes = false
  }

  private static let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let spaces = #"|\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let upper = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
  private static let lower = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#

  private static func words(_ letters: String, digits: String, other: String = #"\s\p{L}\p{N}"#)
    -> String
  {
    "\(contractions)|[^\\r\\n\\p{L}\\p{N}]?\(letters)+|\(digits)| ?[^\(other)]+[\\r\\n]*\(spaces)"
  }

  private static func cased(_ contractions: String, digits: String) -> String {
    let before = #"[^\r\n\p{L}\p{N}]?"#
    return "\(before)\(upper)*\(lower)+\(contractions)|\(before)\(upper)+\(lower)*\(contractions)"
      + #"|\#(digits)| ?[^\s\p{L}\p{N}]+[\r\n/]*\#(spaces)"#
  }

  private static let known: [String: SplitPattern] = [
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: .gpt2,
    #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: .gpt2,
    words(#"\p{L}"#, digits: #"\p{N}{1,3}"#): .words(Words(digits: 3)),  // Llama 3, cl100k
    words(#"\p{L}"#, digits: #"\p{N}"#): .words(Words(digits: 1)),  // Qwen 2
    words(#"[\p{L}\p{M}]"#, digits: #"\p{N}"#, other: #"\s\p{L}\p{M}\p{N}"#):  // Qwen 3.5
      .words(Words(letters: .withMarks, digits: 1)),
    cased("", digits: #"\p{N}"#):  // Tekken, of Mistral
      .words(Words(letters: .cased, digits: 1, takesSlashes: true)),
    cased("\(contractions)?", digits: #"\p{N}{1,3}"#):  // o200k
      .words(Words(letters: .casedWithContractions, digits: 3, takesSlashes: true)),
  ]

  /// `nil` when the expression is none of those above.
  init?(regularExpression: String) {
    guard let pattern = Self.known[regularExpression] else { return nil }
    self = pattern
  }

  func find(
    _ scalars: [Unicode.Scalar], _ range: Range<Int>, _ matches: inout [TextPieces.Match]
  ) {
    guard case .literal(let text) = self else {
      var scanner = PatternScanner(scalars, range, self)
      scanner.scan(into: &matches)
      return
    }
    var start = range.lowerBound
    var index = start
    while !text.isEmpty, index + text.count <= range.upperBound {
      if scalars[index] == text[0], scalars[index..<(index + text.count)].elementsEqual(text) {
        if start < index { matches.append(.init(range: start..<index, isMatch: false)) }
        start = index + text.count
        matches.append(.init(range: index..<start, isMatch: true))
        index = start
      } else {
        index += 1
      }
    }
    if start < range.upperBound {
      matches.append(.init(range: start..<range.upperBound, isMatch: false))
    }
  }
}

/// Unicode's categories as far as the patterns distinguish them, in the version that `tokenizers`
/// 0.23 has: what Swift knows from later versions is unassigned there.
enum ScalarClass: UInt8 {
  case upper, lower, otherLetter, mark, number, space, other

  init(_ scalar: Unicode.Scalar) {
    if scalar.isASCII {
      self = Self.ascii[Int(scalar.value)]
      return
    }
    self.init(properties: scalar.properties)
    if self != .other, self != .space, scalar.isNewer(than: Self.unicodeVersion) { self = .other }
    if scalar == "\u{295}" { self = .lower }  // another letter since Unicode 17
  }

  static let unicodeVersion = 16

  private static let ascii: [ScalarClass] = (0..<128).map {
    ScalarClass(properties: Unicode.Scalar(UInt8($0)).properties)
  }

  private init(properties: Unicode.Scalar.Properties) {
    switch properties.generalCategory {
    case .uppercaseLetter, .titlecaseLetter: self = .upper
    case .lowercaseLetter: self = .lower
    case .modifierLetter, .otherLetter: self = .otherLetter
    case .nonspacingMark, .spacingMark, .enclosingMark: self = .mark
    case .decimalNumber, .letterNumber, .otherNumber: self = .number
    default: self = properties.isWhitespace ? .space : .other
    }
  }

  var isLetter: Bool { rawValue <= Self.otherLetter.rawValue }
}

/// Goes through a piece from left to right; every scalar belongs to exactly one match.
private struct PatternScanner {
  private let scalars: [Unicode.Scalar]
  private let base: Int
  private let classes: [ScalarClass]  // from `base`
  private let words: SplitPattern.Words?
  private var start: Int
  private let end: Int

  init(_ scalars: [Unicode.Scalar], _ range: Range<Int>, _ pattern: SplitPattern) {
    self.scalars = scalars
    base = range.lowerBound
    start = base
    end = range.upperBound
    classes = scalars[range].map { ScalarClass($0) }
    words = if case .words(let words) = pattern { words } else { nil }
  }

  mutating func scan(into matches: inout [TextPieces.Match]) {
    while start < end {
      let next: Int
      if let words {
        let contraction = isCased(words) ? nil : contraction(at: start, foldsCase: true)
        next = contraction ?? word(words) ?? numbers(words) ?? others(words) ?? spaces
      } else {
        next = contraction(at: start, foldsCase: false) ?? gpt2Word ?? spaces
      }
      matches.append(.init(range: start..<next, isMatch: true))
      start = next
    }
  }

  private func isCased(_ words: SplitPattern.Words) -> Bool {
    words.letters == .cased || words.letters == .casedWithContractions
  }

  private func kind(_ index: Int) -> ScalarClass { classes[index - base] }

  private func end(from first: Int, while condition: (ScalarClass) -> Bool) -> Int {
    var index = first
    while index < end, condition(kind(index)) { index += 1 }
    return index
  }

  private static let endings: [[Unicode.Scalar]] = ["s", "t", "re", "ve", "m", "ll", "d"].map {
    Array($0.unicodeScalars)
  }

  private func contraction(at start: Int, foldsCase: Bool) -> Int? {
    guard start < end, scalars[start] == "'" else { return nil }
    for ending in Self.endings where start + ending.count < end {
      let matches = ending.indices.allSatisfy {
        let scalar = scalars[start + 1 + $0]
        return scalar == ending[$0] || (foldsCase && Self.folded(scalar) == ending[$0])
      }
      if matches { return start + 1 + ending.count }
    }
    return nil
  }

  /// Case folding as far as the contractions need it: U+017F, the long s, folds to s.
  private static func folded(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
    if scalar == "\u{17F}" { return "s" }
    return ("A"..."Z").contains(scalar) ? Unicode.Scalar(scalar.value + 32) : scalar
  }

  /// `' ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+'`.
  private var gpt2Word: Int? {
    let first = scalars[start] == " " ? start + 1 : start
    guard first < end, kind(first) != .space else { return nil }
    if kind(first).isLetter { return end(from: first) { $0.isLetter } }
    if kind(first) == .number { return end(from: first) { $0 == .number } }
    return end(from: first) { $0 == .other || $0 == .mark }
  }

  private func word(_ words: SplitPattern.Words) -> Int? {
    let takesBefore =
      !kind(start).isLetter && kind(start) != .number && !isLineBreak(start) && start + 1 < end
    switch words.letters {
    case .plain, .withMarks:
      let isLetter: (ScalarClass) -> Bool =
        words.letters == .plain ? { $0.isLetter } : { $0.isLetter || $0 == .mark }
      if isLetter(kind(start)) { return end(from: start, while: isLetter) }
      guard takesBefore, isLetter(kind(start + 1)) else { return nil }
      return end(from: start + 1, while: isLetter)
    case .cased, .casedWithContractions:
      let word =
        (takesBefore ? endingLower(start + 1) : nil) ?? endingLower(start)
        ?? (takesBefore ? endingUpper(start + 1) : nil) ?? endingUpper(start)
      guard let word, words.letters == .casedWithContractions else { return word }
      return contraction(at: word, foldsCase: true) ?? word
    }
  }

  private func isUpper(_ kind: ScalarClass) -> Bool {
    kind == .upper || kind == .otherLetter || kind == .mark
  }

  private func isLower(_ kind: ScalarClass) -> Bool {
    kind == .lower || kind == .otherLetter || kind == .mark
  }

  /// `upper*lower+`, which share some letters: the first gives back as little as it must.
  private func endingLower(_ first: Int) -> Int? {
    let turn = end(from: first, while: isUpper)
    if turn < end, isLower(kind(turn)) { return end(from: turn, while: isLower) }
    return (first..<turn).last { isLower(kind($0)) }.map { $0 + 1 }
  }

  /// `upper+lower*`.
  private func endingUpper(_ first: Int) -> Int? {
    let turn = end(from: first, while: isUpper)
    return turn > first ? end(from: turn, while: isLower) : nil
  }

  private func numbers(_ words: SplitPattern.Words) -> Int? {
    guard kind(start) == .number else { return nil }
    return min(end(from: start) { $0 == .number }, start + words.digits)
  }

  private func others(_ words: SplitPattern.Words) -> Int? {
    let first = scalars[start] == " " ? start + 1 : start
    let takesMarks = words.letters != .withMarks
    func isOther(_ kind: ScalarClass) -> Bool { kind == .other || takesMarks && kind == .mark }
    guard first < end, isOther(kind(first)) else { return nil }
    var index = end(from: first, while: isOther)
    while index < end, isLineBreak(index) || (words.takesSlashes && scalars[index] == "/") {
      index += 1
    }
    return index
  }

  /// White space: to its last line break where the pattern asks for it, or else all but its last
  /// scalar when something follows that takes it along.
  private var spaces: Int {
    let end = end(from: start) { $0 == .space }
    if words != nil, let last = (start..<end).last(where: isLineBreak) { return last + 1 }
    return end < self.end && end - start > 1 ? end - 1 : max(end, start + 1)
  }

  private func isLineBreak(_ index: Int) -> Bool {
    scalars[index] == "\n" || scalars[index] == "\r"
  }
}
