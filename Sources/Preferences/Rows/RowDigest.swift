extension PreferenceRow {
  /// 64 bits of what the row says: its prompt, its responses from the best to the worst, and a
  /// rating. Equal rows have equal digests in every process; that two of a million different rows
  /// share one has a probability of 3·10⁻⁸.
  var digest: UInt64 {
    var digest = RowDigest()
    digest.add(prompt)
    switch self {
    case .comparison(let row):
      digest.add(row.chosen)
      digest.add(row.rejected)
    case .ranking(let row):
      for index in row.ranking { digest.add(row.responses[index]) }
    case .rating(let row):
      digest.add(row.response)
      digest.add("\(row.rating)")
    }
    return digest.value
  }
}

/// FNV-1a over the bytes of texts, with an end to each that no UTF-8 holds.
struct RowDigest {
  private static let start: UInt64 = 0xcbf2_9ce4_8422_2325
  private(set) var value = start

  init() {}

  /// Of a text in which it does not matter how much white space there is between words, before the
  /// first, or behind the last.
  init(ofWordsOf text: String) {
    var isBetween = false
    for byte in text.utf8 {
      if byte == 0x20 || (0x09...0x0D).contains(byte) {
        isBetween = value != Self.start
      } else {
        if isBetween { add(0x20) }
        isBetween = false
        add(byte)
      }
    }
    add(0xFF)
  }

  mutating func add(_ text: String) {
    for byte in text.utf8 { add(byte) }
    add(0xFF)
  }

  private mutating func add(_ byte: UInt8) {
    value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
  }
}
