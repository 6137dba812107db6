/// Cuts text into the pieces that the model sees one by one.
indirect enum PreTokenizer: Sendable, Equatable {
  /// Runs of word characters and runs of other visible characters: `\w+|[^\w\s]+`.
  case whitespace
  /// What stands between white space.
  case whitespaceSplit
  case digits(areIndividual: Bool)
  case split(SplitPattern, TextPieces.Behavior, isInverted: Bool)
  /// GPT-2's cut, or none, then every byte as a character of ``ByteAlphabet``.
  case byteLevel(addsPrefixSpace: Bool, splits: Bool)
  /// A visible character for spaces, as SentencePiece has it, also in front.
  case metaspace(Unicode.Scalar, Prefix, splits: Bool)
  case sequence([PreTokenizer])

  /// Where ``metaspace(_:_:splits:)`` puts its character in front of a piece that has none.
  enum Prefix: String, Sendable, CaseIterable {
    case always, first, never
  }

  func apply(to pieces: inout TextPieces) {
    switch self {
    case .whitespace:
      pieces.split(.removed) { scalars, range, matches in
        Self.runs(scalars, range, into: &matches)
      }
    case .whitespaceSplit: pieces.split(.removed) { $0.properties.isWhitespace }
    case .digits(let areIndividual):
      pieces.split(areIndividual ? .isolated : .contiguous) { $0.isNumeric }
    case .split(let pattern, let behavior, let isInverted):
      pieces.split(behavior, inverted: isInverted, pattern.find)
    case .byteLevel(let addsPrefixSpace, let splits):
      if addsPrefixSpace {
        pieces.rewrite { piece, _, written in
          if piece.first != " " { written.append(" ") }
          written += piece
        }
      }
      if splits { pieces.split(.isolated, SplitPattern.gpt2.find) }
      pieces.rewrite { piece, _, written in
        for scalar in piece { ByteAlphabet.append(scalar, to: &written) }
      }
    case .metaspace(let sign, let prefix, let splits):
      pieces.rewrite { piece, startsText, written in
        let isPrefixed = prefix == .always || (prefix == .first && startsText)
        if isPrefixed, piece.first != sign, piece.first != " " { written.append(sign) }
        written += piece.lazy.map { $0 == " " ? sign : $0 }
      }
      if splits { pieces.split(.mergedWithNext) { $0 == sign } }
    case .sequence(let parts): for part in parts { part.apply(to: &pieces) }
    }
  }

  /// Maximal runs of word characters and of other visible characters; white space is the match.
  private static func runs(
    _ scalars: [Unicode.Scalar], _ range: Range<Int>, into matches: inout [TextPieces.Match]
  ) {
    func kind(_ scalar: Unicode.Scalar) -> Int {
      scalar.isWord ? 1 : scalar.properties.isWhitespace ? 2 : 0
    }
    var start = range.lowerBound
    while start < range.upperBound {
      let first = kind(scalars[start])
      var end = start + 1
      while end < range.upperBound, kind(scalars[end]) == first { end += 1 }
      matches.append(.init(range: start..<end, isMatch: first == 2))
      start = end
    }
  }
}

extension Unicode.Scalar {
  /// Rust's `char::is_numeric`, which knows the same Unicode as Swift.
  var isNumeric: Bool {
    if isASCII { return ("0"..."9").contains(self) }
    switch properties.generalCategory {
    case .decimalNumber, .letterNumber, .otherNumber: return true
    default: return false
    }
  }

  /// `\w` of Unicode Technical Standard 18, annex C.
  var isWord: Bool {
    if isASCII { return properties.isAlphabetic || isNumeric || self == "_" }
    if isNewer(than: ScalarClass.unicodeVersion) { return false }
    if properties.isAlphabetic || properties.isJoinControl { return true }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default: return false
    }
  }
}
