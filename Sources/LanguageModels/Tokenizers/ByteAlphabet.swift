/// The printable character that stands for each byte in byte-level vocabularies.
///
/// Source: openai/gpt-2 `encoder.py`, `bytes_to_unicode`: printable Latin-1 bytes stand for
/// themselves, the other 68 are numbered from U+0100.
enum ByteAlphabet {
  /// By byte.
  static let scalars: [Unicode.Scalar] = {
    var next = 0x100
    return (0..<256).map { byte in
      let isPrintable =
        (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
      defer { if !isPrintable { next += 1 } }
      return Unicode.Scalar(UInt32(isPrintable ? byte : next)) ?? " "
    }
  }()

  private static let bytes: [Unicode.Scalar: UInt8] = Dictionary(
    zip(scalars, UInt8.min...UInt8.max), uniquingKeysWith: { first, _ in first })

  /// The characters that stand for the UTF-8 of a scalar.
  static func append(_ scalar: Unicode.Scalar, to text: inout [Unicode.Scalar]) {
    if scalar.isASCII { return text.append(scalars[Int(scalar.value)]) }
    for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
      text.append(scalars[Int(byte)])
    }
  }

  /// The bytes a token stands for; its own UTF-8 when it holds characters of no byte.
  static func decode(_ token: String) -> [UInt8] {
    var decoded: [UInt8] = []
    for scalar in token.unicodeScalars {
      guard let byte = bytes[scalar] else { return Array(token.utf8) }
      decoded.append(byte)
    }
    return decoded
  }
}
