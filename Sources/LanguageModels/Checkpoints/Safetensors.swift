import Formats
package import Foundation
package import Numerics

/// A tensor and the name under which a checkpoint keeps it.
package struct NamedTensor: Sendable {
  package let name: String
  package let tensor: Tensor

  package init(name: String, tensor: Tensor) {
    self.name = name
    self.tensor = tensor
  }
}

/// A tensor that is put together when it is written.
struct TensorToWrite {
  let name: String
  let shape: [Int]
  let tensor: () -> Tensor

  var count: Int { shape.reduce(1, *) }
}

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

  /// Writes tensors in the given order; equal tensors give equal bytes. The file appears whole or not
  /// at all.
  ///
  /// - Throws: ``CheckpointError`` when a name occurs twice or the file cannot be written.
  package static func write(_ tensors: [NamedTensor], to file: URL) throws(CheckpointError) {
    try write(
      tensors.map { named in
        TensorToWrite(name: named.name, shape: named.tensor.shape) { named.tensor }
      }, as: .float32, to: file)
  }

  /// The same, one tensor after another in memory, and also for a number too large for the type.
  static func write(
    _ tensors: [TensorToWrite], as type: StoredNumber, to file: URL
  ) throws(CheckpointError) {
    let header = try SafetensorsHeader.bytes(describing: tensors, as: type, file: file.path)
    do throws(FileWritingError) {
      try writeFileAtomically(to: file) { handle in
        try handle.write(contentsOf: header)
        for entry in tensors {
          let tensor = entry.tensor()
          if type == .float16, tensor.values.contains(where: { abs($0) >= 65_520 }) {
            throw FileWritingError.unwritable(
              path: file.path,
              reason:
                "tensor `\(entry.name)` holds numbers above 65504, the largest of float16; use "
                + "bfloat16")
          }
          try write(tensor, as: type, to: handle)
        }
      }
    } catch { throw CheckpointError(error) }
  }

  /// About a million numbers at a time, so that writing takes little memory beside the model.
  private static func write(
    _ tensor: Tensor, as type: StoredNumber, to handle: FileHandle
  ) throws {
    let atOnce = 1 << 20
    for start in stride(from: 0, to: tensor.count, by: atOnce) {
      let count = min(atOnce, tensor.count - start)
      var data = Data(count: count * type.byteCount)
      tensor.read { source in
        data.withUnsafeMutableBytes { target in
          for index in 0..<count {
            let bits = source[start + index].bitPattern
            switch type {
            case .float32:
              target.storeBytes(of: bits.littleEndian, toByteOffset: index * 4, as: UInt32.self)
            case .bfloat16:
              target.storeBytes(
                of: HalfPrecision.bfloat16(bits).littleEndian, toByteOffset: index * 2,
                as: UInt16.self)
            case .float16:
              target.storeBytes(
                of: HalfPrecision.binary16(bits).littleEndian, toByteOffset: index * 2,
                as: UInt16.self)
            }
          }
        }
      }
      try handle.write(contentsOf: data)
    }
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

  /// The nearest bfloat16 of the bits of a `Float`.
  static func bfloat16(_ bits: UInt32) -> UInt16 {
    if bits & 0x7FFF_FFFF > 0x7F80_0000 { return UInt16(bits >> 16) | 0x40 }  // not-a-number
    return UInt16((bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16)
  }

  /// The nearest binary16 of the bits of a `Float` under 65520.
  static func binary16(_ bits: UInt32) -> UInt16 {
    let sign = UInt16(bits >> 16 & 0x8000)
    let magnitude = bits & 0x7FFF_FFFF
    if magnitude > 0x7F80_0000 { return sign | 0x7E00 }  // not-a-number
    if magnitude >= 0x477F_F000 { return sign | 0x7C00 }  // at least 65520
    if magnitude < 0x3880_0000 {  // under 2⁻¹⁴: a multiple of 2⁻²⁴
      // Adding 0.5 rounds to the nearest such multiple by itself: those are the last bits of it.
      let rounded = Float(bitPattern: magnitude) + 0.5
      return sign | UInt16(rounded.bitPattern - 0x3F00_0000)
    }
    return sign | UInt16((magnitude - (112 << 23) + 0xFFF + (magnitude >> 13 & 1)) >> 13)
  }
}
