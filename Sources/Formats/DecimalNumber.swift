extension Double {
  /// A number written in decimal, such as `-2`, `.5` or `1e-3`, white space around it aside; nil for
  /// anything else, and for a number that float32 cannot hold.
  ///
  /// Swift's own initializer also reads hexadecimal numbers, `inf` and `nan`, which nobody means as a
  /// judgement.
  package init?(decimal text: String) {
    let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
    var bytes = text.utf8[...]
    bytes = bytes.drop(while: isSpace)
    while let last = bytes.last, isSpace(last) { bytes.removeLast() }
    guard bytes.allSatisfy({ Self.decimalSigns.contains($0) }),
      let number = Double(String(decoding: bytes, as: UTF8.self)), number.fitsFloat
    else { return nil }
    self = number
  }

  private static let decimalSigns = Set("0123456789+-.eE".utf8)

  /// Whether float32, in which models compute, holds it: neither too large nor infinite.
  package var fitsFloat: Bool { Float(self).isFinite }
}
