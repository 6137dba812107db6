/// Cuts text into the pieces that the model sees one by one.
enum PreTokenizer: Sendable, Equatable {
  /// Runs of word characters and runs of other visible characters: `\w+|[^\w\s]+`.
  case whitespace
  /// What stands between white space.
  case whitespaceSplit
  /// GPT-2's cut, or none, then every byte as a character of ``ByteAlphabet``.
  case byteLevel(addsPrefixSpace: Bool, splits: Bool)
  /// Llama 3's cut, then every byte as a character of ``ByteAlphabet``.
  case byteLevelLlama3

  static let llama3Pattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"#
    + #" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

  func pieces(of text: Substring) -> [String] {
    switch self {
    case .whitespace:
      return Self.runs(of: text) { scalar in
        if scalar.properties.isWhitespace { return nil }
        return Self.isWord(scalar) ? 1 : 0
      }
    case .whitespaceSplit:
      return Self.runs(of: text) { $0.properties.isWhitespace ? nil : 0 }
    case .byteLevel(let addsPrefixSpace, let splits):
      var scalars = Array(text.unicodeScalars)
      if addsPrefixSpace, let first = scalars.first, first != " " {
        scalars.insert(" ", at: 0)
      }
      if scalars.isEmpty { return [] }
      if !splits { return [Self.spell(scalars[...])] }
      var splitter = ByteLevelSplitter(scalars, isLlama3: false)
      return splitter.pieces().map(Self.spell)
    case .byteLevelLlama3:
      var splitter = ByteLevelSplitter(Array(text.unicodeScalars), isLlama3: true)
      return splitter.pieces().map(Self.spell)
    }
  }

  private static func spell(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars)
    return ByteAlphabet.encode(String(text).utf8)
  }

  /// Maximal runs of scalars of one class; scalars of no class separate.
  private static func runs(
    of text: Substring, class classify: (Unicode.Scalar) -> Int?
  ) -> [String] {
    var pieces: [String] = []
    var run = String.UnicodeScalarView()
    var current: Int?
    for scalar in text.unicodeScalars {
      let next = classify(scalar)
      if next != current, !run.isEmpty {
        pieces.append(String(run))
        run = String.UnicodeScalarView()
      }
      if next != nil { run.append(scalar) }
      current = next
    }
    if !run.isEmpty { pieces.append(String(run)) }
    return pieces
  }

  /// `\w` of Unicode Technical Standard 18, annex C.
  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    let properties = scalar.properties
    if properties.isAlphabetic || properties.isJoinControl { return true }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default: return false
    }
  }
}
