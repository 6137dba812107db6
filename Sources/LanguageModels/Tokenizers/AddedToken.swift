/// A token that is matched verbatim in the text before anything else is done to it.
struct AddedToken: Sendable, Equatable {
  let content: String
  let id: Int32
  /// Left out of decoded text.
  let isSpecial: Bool
  /// Matched only after those that are not normalized.
  let isNormalized: Bool
}

/// Cuts text at added tokens: the leftmost match counts, and of those at one place the longest.
struct AddedTokenMatcher: Sendable, Equatable {
  enum Part {
    case text(Substring)
    case token(Int32)
  }

  private let candidates: [UInt8: [AddedToken]]  // by first byte, longest first

  init(_ tokens: [AddedToken]) {
    var candidates: [UInt8: [AddedToken]] = [:]
    for token in tokens {
      if let first = token.content.utf8.first { candidates[first, default: []].append(token) }
    }
    self.candidates = candidates.mapValues { tokens in
      tokens.sorted { $0.content.utf8.count > $1.content.utf8.count }
    }
  }

  func parts(of text: Substring) -> [Part] {
    if candidates.isEmpty || text.isEmpty { return text.isEmpty ? [] : [.text(text)] }
    var parts: [Part] = []
    let bytes = text.utf8
    var start = bytes.startIndex
    var position = start
    while position < bytes.endIndex {
      let rest = bytes[position...]
      if let token = candidates[bytes[position]]?.first(where: {
        rest.starts(with: $0.content.utf8)
      }) {
        if start < position { parts.append(.text(text[start..<position])) }
        parts.append(.token(token.id))
        position = bytes.index(position, offsetBy: token.content.utf8.count)
        start = position
      } else {
        position = bytes.index(after: position)
      }
    }
    if start < position { parts.append(.text(text[start..<position])) }
    return parts
  }
}
