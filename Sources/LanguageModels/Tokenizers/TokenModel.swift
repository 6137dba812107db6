/// Turns one piece of text into token ids.
enum TokenModel: Sendable, Equatable {
  /// A piece is a token, or else the unknown token.
  case wordLevel(unknown: Int32)
  /// Byte-pair encoding.
  case bytePair(BytePairMerges)

  func encode(_ piece: String, _ vocabulary: Vocabulary, into ids: inout [Int32]) {
    switch self {
    case .wordLevel(let unknown): ids.append(vocabulary.id(of: piece.utf8) ?? unknown)
    case .bytePair(let merges): merges.encode(piece, vocabulary, into: &ids)
    }
  }
}

/// Byte-pair encoding (Sennrich et al. 2016): beginning with single characters, the pair learned
/// first is joined first, from left to right, until no pair is left.
struct BytePairMerges: Sendable, Equatable {
  struct Pair: Hashable, Sendable {
    let left: Int32
    let right: Int32
  }

  struct Result: Equatable, Sendable {
    let rank: Int
    let id: Int32
  }

  /// In the order in which they were learned.
  private(set) var pairs: [Pair] = []
  private var results: [Pair: Result] = [:]
  /// Whether a piece that is a token stays whole whatever the merges say, as in Llama 3.
  let keepsWholeTokens: Bool
  /// What stands for a character that is no token; without it such characters are left out, as
  /// the `tokenizers` library does.
  let unknown: Int32?

  init(keepsWholeTokens: Bool = false, unknown: Int32? = nil) {
    self.keepsWholeTokens = keepsWholeTokens
    self.unknown = unknown
  }

  mutating func append(_ pair: Pair, makes id: Int32) {
    results[pair] = Result(rank: pairs.count, id: id)
    pairs.append(pair)
  }

  func encode(_ piece: String, _ vocabulary: Vocabulary, into ids: inout [Int32]) {
    if keepsWholeTokens, let id = vocabulary.id(of: piece.utf8) {
      ids.append(id)
      return
    }
    var symbols = piece.unicodeScalars.compactMap {
      vocabulary.id(of: String(Character($0)).utf8) ?? unknown
    }
    while symbols.count > 1 {
      var best: (position: Int, result: Result)?
      for position in 0..<(symbols.count - 1) {
        let pair = Pair(left: symbols[position], right: symbols[position + 1])
        guard let result = results[pair] else { continue }
        if result.rank < (best?.result.rank ?? .max) { best = (position, result) }
      }
      guard let best else { break }
      symbols[best.position] = best.result.id
      symbols.remove(at: best.position + 1)
    }
    ids.append(contentsOf: symbols)
  }
}
