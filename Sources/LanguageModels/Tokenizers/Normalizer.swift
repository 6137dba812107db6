/// What is done to a text between its added tokens before it is cut.
indirect enum Normalizer: Sendable, Equatable {
  case nfc
  case nfd
  /// In front of a text that is not empty.
  case prepend([Unicode.Scalar])
  case replace([Unicode.Scalar], [Unicode.Scalar])
  case sequence([Normalizer])

  func apply(to text: [Unicode.Scalar]) -> [Unicode.Scalar] {
    switch self {
    case .nfc: return CanonicalForm.composed(text)
    case .nfd: return CanonicalForm.decomposed(text)
    case .prepend(let prefix): return text.isEmpty ? text : prefix + text
    case .replace(let old, let new):
      if old.count == 1, new.count == 1 { return text.map { $0 == old[0] ? new[0] : $0 } }
      var matches: [TextPieces.Match] = []
      SplitPattern.literal(old).find(text, 0..<text.count, &matches)
      return matches.flatMap { $0.isMatch ? new[...] : text[$0.range] }
    case .sequence(let parts): return parts.reduce(text) { $1.apply(to: $0) }
    }
  }
}
