/// Widening of 16-bit floating-point numbers; exact, since every one of them is a `Float`.
enum HalfPrecision {
  /// IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits.
  static func widen(binary16 bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0:  // zero and subnormal numbers: fraction · 2⁻²⁴
      let magnitude = Float(fraction) * 0x1p-24
      return Float(bitPattern: magnitude.bitPattern | sign)
    case 0x1F:  // infinity and not-a-number
      return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default:
      return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// bfloat16: the upper half of a `Float`.
  static func widen(bfloat16 bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }
}
