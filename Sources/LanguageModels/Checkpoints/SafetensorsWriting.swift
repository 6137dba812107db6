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

extension Safetensors {
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

extension SafetensorsHeader {
  /// The length and the header for tensors laid out in the given order, padded with spaces so that the
  /// data starts at a multiple of 8 bytes.
  static func bytes(
    describing tensors: [TensorToWrite], as type: StoredNumber, file: String
  ) throws(CheckpointError) -> Data {
    var object: JSONObject = ["__metadata__": .object(["format": .string("pt")])]
    var names: Set<String> = ["__metadata__"]
    var members: [(String, JSONValue)] = object.members.map { ($0.key, $0.value) }
    var offset = 0
    for named in tensors {
      guard names.insert(named.name).inserted else {
        throw .unwritable(path: file, reason: "two tensors are named `\(named.name)`")
      }
      let end = offset + named.count * type.byteCount
      let entry: JSONObject = [
        "dtype": .string(type.headerName), "shape": .array(named.shape.map { .int($0) }),
        "data_offsets": .array([.int(offset), .int(end)]),
      ]
      members.append((named.name, .object(entry)))
      offset = end
    }
    object = JSONObject(members)
    let text: String
    do { text = try JSONValue.object(object).text() } catch {
      throw .unwritable(path: file, reason: error.description)
    }
    var header = Data(text.utf8)
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    let length = UInt64(header.count)
    return Data((0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }) + header
  }
}

extension HalfPrecision {
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
