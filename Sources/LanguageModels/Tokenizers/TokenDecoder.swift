/// Joins tokens to text, as the `decoder` of tokenizer.json says.
indirect enum TokenDecoder: Sendable, Equatable {
  /// Every character of a token is a byte.
  case byteLevel
  case replace([Unicode.Scalar], [Unicode.Scalar])
  /// `<0x0A>` is a byte; bytes that are no UTF-8 become U+FFFD each.
  case byteFallback
  case fuse
  /// Takes up to so many characters away at each end of a token.
  case strip(Unicode.Scalar, start: Int, stop: Int)
  case metaspace(Unicode.Scalar, hasPrefix: Bool)
  case sequence([TokenDecoder])

  func decode(_ tokens: [String]) -> [String] {
    switch self {
    case .byteLevel:
      return [String(decoding: tokens.flatMap(ByteAlphabet.decode), as: UTF8.self)]
    case .replace(let old, let new):
      let replace = Normalizer.replace(old, new)
      return tokens.map { String(replace.apply(to: Array($0.unicodeScalars))) }
    case .byteFallback: return Self.joiningBytes(tokens)
    case .fuse: return [tokens.joined()]
    case .strip(let sign, let start, let stop):
      return tokens.map { token in
        var scalars = Array(token.unicodeScalars)[...]
        for _ in 0..<min(start, scalars.count) where scalars.first == sign { scalars.removeFirst() }
        for _ in 0..<min(stop, scalars.count) where scalars.last == sign { scalars.removeLast() }
        return String(scalars)
      }
    case .metaspace(let sign, let hasPrefix):
      return tokens.enumerated().map { index, token in
        String(
          token.unicodeScalars.compactMap {
            $0 != sign ? $0 : index == 0 && hasPrefix ? nil : " "
          })
      }
    case .sequence(let parts): return parts.reduce(tokens) { $1.decode($0) }
    }
  }

  private static func joiningBytes(_ tokens: [String]) -> [String] {
    var joined: [String] = []
    var bytes: [UInt8] = []
    func flush() {
      if bytes.isEmpty { return }
      if let text = String(validating: bytes, as: UTF8.self) {
        joined.append(text)
      } else {
        joined += Array(repeating: "\u{FFFD}", count: bytes.count)
      }
      bytes = []
    }
    for token in tokens {
      let spelled = Array(token.utf8)
      if spelled.count == 6, token.hasPrefix("<0x"), token.hasSuffix(">"),
        let byte = UInt8(String(decoding: spelled[3..<5], as: UTF8.self), radix: 16)
      {
        bytes.append(byte)
      } else {
        flush()
        joined.append(token)
      }
    }
    flush()
    return joined
  }
}
