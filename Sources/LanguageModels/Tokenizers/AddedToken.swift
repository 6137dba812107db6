/// A token that is looked for in the text before anything else is done to it.
struct AddedToken: Sendable, Equatable {
  var content: String
  var id: Int32
  /// Left out of decoded text.
  var isSpecial: Bool
  /// Looked for in normalized text, after those that are not.
  var isNormalized = false
  /// Not beside a letter or digit.
  var isSingleWord = false
  /// Takes white space before it along.
  var stripsLeft = false
  /// Takes white space after it along.
  var stripsRight = false

  /// Longer ones are refused: looking for them would take too long.
  static let maximumLength = 4_096
}

/// Cuts text at added tokens: the leftmost match counts, and of those at one place the longest.
struct AddedTokenMatcher: Sendable, Equatable {
  enum Part: Equatable {
    case text(Range<Int>)
    case token(Int32)
  }

  private struct Node: Sendable, Equatable {
    var next: [Unicode.Scalar: Int] = [:]
    var token: Int?
  }

  private let tokens: [AddedToken]
  private var nodes = [Node()]
  /// Whether an ASCII character begins a token, so that most text is passed over quickly.
  private var begins = [Bool](repeating: false, count: 128)

  /// - Parameter spelling: how a token stands in the text.
  init(_ tokens: [AddedToken], _ spelling: (AddedToken) -> [Unicode.Scalar]) {
    self.tokens = tokens
    for (index, token) in tokens.enumerated() {
      var node = 0
      for scalar in spelling(token) {
        if node == 0, scalar.isASCII { begins[Int(scalar.value)] = true }
        if let next = nodes[node].next[scalar] {
          node = next
        } else {
          nodes.append(Node())
          nodes[node].next[scalar] = nodes.count - 1
          node = nodes.count - 1
        }
      }
      if node > 0 { nodes[node].token = index }
    }
  }

  func parts(of text: [Unicode.Scalar]) -> [Part] {
    if text.isEmpty { return [] }
    if tokens.isEmpty { return [.text(0..<text.count)] }
    var parts: [Part] = []
    var start = 0
    var position = 0
    while position < text.count {
      guard let (index, end) = match(text, at: position) else {
        position += 1
        continue
      }
      let token = tokens[index]
      var (first, last) = (position, end)
      position = end
      if token.isSingleWord {
        let touches =
          (first > 0 && text[first - 1].isWord) || (last < text.count && text[last].isWord)
        if touches { continue }
      }
      if token.stripsLeft {
        while first > start, text[first - 1].properties.isWhitespace { first -= 1 }
      }
      if token.stripsRight {
        while last < text.count, text[last].properties.isWhitespace { last += 1 }
      }
      if start < first { parts.append(.text(start..<first)) }
      parts.append(.token(token.id))
      start = last
    }
    if start < text.count { parts.append(.text(start..<text.count)) }
    return parts
  }

  private func match(_ text: [Unicode.Scalar], at start: Int) -> (token: Int, end: Int)? {
    if text[start].isASCII, !begins[Int(text[start].value)] { return nil }
    var node = 0
    var found: (token: Int, end: Int)?
    var index = start
    while index < text.count, let next = nodes[node].next[text[index]] {
      node = next
      index += 1
      if let token = nodes[node].token { found = (token, index) }
    }
    return found
  }
}
