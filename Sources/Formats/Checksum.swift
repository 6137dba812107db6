import CZlib
package import Foundation

/// CRC-32 as gzip and PNG have it (RFC 1952): finds every change of up to 32 bits in a row, and of
/// any others all but one in 4 billion. It is no seal against somebody who means to deceive.
package struct Checksum {
  private var value = crc32(0, nil, 0)

  package init() {}

  package mutating func add(_ data: Data) {
    value = data.withUnsafeBytes { bytes in
      crc32_z(value, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
    }
  }

  /// Adds the bytes of a file, piece by piece.
  ///
  /// - Throws: what reading throws.
  package mutating func add(contentsOf file: URL) throws {
    let handle = try FileHandle(forReadingFrom: file)
    defer { try? handle.close() }
    while case let piece = try readPiece(of: handle, atMost: 1 << 20), !piece.isEmpty { add(piece) }
  }

  /// Eight hexadecimal digits, as Python's `f"{zlib.crc32(data):08x}"` gives them.
  package var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
