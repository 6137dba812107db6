/// The regular expressions by which GPT-2 and Llama 3 cut text, written out as a scanner: one
/// alternative a line, tried in order at each place.
///
/// GPT-2: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
/// Llama 3: ``PreTokenizer/llama3Pattern``. Every scalar belongs to exactly one piece.
struct ByteLevelSplitter {
  private enum Kind { case letter, number, space, other }

  private let scalars: [Unicode.Scalar]
  private let kinds: [Kind]
  private let isLlama3: Bool
  private var start = 0

  init(_ scalars: [Unicode.Scalar], isLlama3: Bool) {
    self.scalars = scalars
    self.isLlama3 = isLlama3
    kinds = scalars.map { scalar in
      switch scalar.properties.generalCategory {
      case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
        .letter
      case .decimalNumber, .letterNumber, .otherNumber: .number
      default: scalar.properties.isWhitespace ? .space : .other
      }
    }
  }

  mutating func pieces() -> [ArraySlice<Unicode.Scalar>] {
    var pieces: [ArraySlice<Unicode.Scalar>] = []
    while start < scalars.count {
      let end = contraction ?? (isLlama3 ? llama3Word : gpt2Word) ?? spaces
      pieces.append(scalars[start..<end])
      start = end
    }
    return pieces
  }

  private var contraction: Int? {
    guard scalars[start] == "'" else { return nil }
    for ending in ["s", "t", "re", "ve", "m", "ll", "d"] {
      let end = start + 1 + ending.unicodeScalars.count
      guard end <= scalars.count else { continue }
      let matches = zip(scalars[(start + 1)..<end], ending.unicodeScalars).allSatisfy {
        $0 == $1 || (isLlama3 && Self.folded($0) == $1)
      }
      if matches { return end }
    }
    return nil
  }

  /// Case folding as far as the contractions need it: U+017F, the long s, folds to s.
  private static func folded(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
    if scalar == "\u{17F}" { return "s" }
    return ("A"..."Z").contains(scalar) ? Unicode.Scalar(scalar.value + 32) : scalar
  }

  private var gpt2Word: Int? {
    let first = scalars[start] == " " ? start + 1 : start
    guard first < scalars.count, kinds[first] != .space else { return nil }
    return end(of: kinds[first], from: first)
  }

  private var llama3Word: Int? {
    let next = start + 1
    if kinds[start] == .letter { return end(of: .letter, from: start) }
    if kinds[start] != .number, !isLineBreak(start), next < scalars.count, kinds[next] == .letter {
      return end(of: .letter, from: next)
    }
    if kinds[start] == .number { return min(end(of: .number, from: start), start + 3) }
    let first = scalars[start] == " " ? next : start
    guard first < scalars.count, kinds[first] == .other else { return nil }
    var end = end(of: .other, from: first)
    while end < scalars.count, isLineBreak(end) { end += 1 }
    return end
  }

  /// White space, all but its last scalar when a word follows that takes it along.
  private var spaces: Int {
    let end = end(of: .space, from: start)
    if isLlama3, let last = (start..<end).last(where: isLineBreak) { return last + 1 }
    return end < scalars.count && end - start > 1 ? end - 1 : max(end, start + 1)
  }

  private func end(of kind: Kind, from first: Int) -> Int {
    kinds[first...].firstIndex { $0 != kind } ?? kinds.count
  }

  private func isLineBreak(_ index: Int) -> Bool {
    scalars[index] == "\n" || scalars[index] == "\r"
  }
}
