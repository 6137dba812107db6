package import Foundation
package import Numerics

/// How a file stores numbers; they are float32 in memory.
package enum StoredNumber: String, Sendable, CaseIterable {
  case float32, bfloat16, float16

  /// The name in the header of a safetensors file.
  var headerName: String {
    switch self {
    case .float32: "F32"
    case .bfloat16: "BF16"
    case .float16: "F16"
    }
  }

  var byteCount: Int { self == .float32 ? 4 : 2 }

  init?(headerName: String) {
    guard let found = Self.allCases.first(where: { $0.headerName == headerName }) else {
      return nil
    }
    self = found
  }
}

/// The safetensors format: the length of a JSON header in 8 little-endian bytes, the header, and
/// the numbers of all tensors one after another without a gap.
///
/// Source: https://huggingface.co/docs/safetensors, "Format".
package enum Safetensors {
  /// Bytes of a header that are read: entries of some 100 000 tensors. The format allows 100 MB, which as
  /// JSON take a gigabyte.
  static let largestHeader = 16 << 20

  /// Reads all tensors of a file; F16 and BF16 are widened to float32.
  ///
  /// - Parameter skipping: tensors for whose names this is true are checked but not read, so they may
  ///   be of any type.
  /// - Throws: ``CheckpointError`` naming the file and, where there is one, the tensor.
  package static func read(
    _ file: URL, skipping: (String) -> Bool = { _ in false }
  ) throws -> TensorArchive {
    try TensorArchive(StoredTensors(file: file), skipping: skipping)
  }

  /// Reads all tensors of a directory: `model.safetensors`, or the shards that
  /// `model.safetensors.index.json` lists.
  package static func readDirectory(_ directory: URL) throws -> TensorArchive {
    try TensorArchive(StoredTensors(directory: directory), skipping: { _ in false })
  }
}

/// The tensors of one file or directory, all in memory, in the order of the data.
package struct TensorArchive: Sendable {
  package private(set) var names: [String] = []
  private var tensors: [String: Tensor] = [:]

  init(_ stored: StoredTensors, skipping: (String) -> Bool) throws {
    for name in stored.names where !skipping(name) {
      names.append(name)
      tensors[name] = try stored.tensor(name)
    }
  }

  /// The tensor of that name, if there is one.
  package subscript(name: String) -> Tensor? { tensors[name] }
}

/// 16-bit floating-point numbers. Every one of them is a `Float`; the other way is rounded to the
/// nearest, ties to the even one.
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
