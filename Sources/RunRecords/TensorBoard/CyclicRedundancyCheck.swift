/// CRC-32C (Castagnoli, polynomial 0x1EDC6F41, reflected), as TFRecord files are framed with.
enum CyclicRedundancyCheck {
  /// The checksum of `bytes`.
  static func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in bytes {
      crc = table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ (crc >> 8)
    }
    return ~crc
  }

  /// The checksum as TFRecord stores it: rotated and shifted, so that a checksum of data which
  /// contains checksums stays strong.
  static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let crc = crc32c(bytes)
    return ((crc >> 15) | (crc << 17)) &+ 0xa282_ead8
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { crc, _ in
      crc & 1 == 1 ? (crc >> 1) ^ 0x82f6_3b78 : crc >> 1
    }
  }
}
