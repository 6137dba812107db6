import Formats
import Foundation
import Numerics

/// The checked header of a safetensors file: after `init` every entry lies inside the file, fills
/// exactly the bytes its type and shape ask for, and touches no other.
struct SafetensorsHeader {
  struct Entry {
    let name: String
    let type: String
    let shape: [Int]
    /// The number of elements.
    let count: Int
    let begin: Int
    let end: Int
    var length: Int { end - begin }
  }

  /// In the order of the data.
  let entries: [Entry]
  /// Where the data begins, to which the entries' offsets are relative.
  let dataStart: UInt64

  /// Bytes of one element; types that are not listed are unknown to the format.
  private static let widths = [
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2,
    "U16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1, "BOOL": 1,
  ]

  /// Reads and checks the header.
  init(reading handle: FileHandle, file: String) throws(CheckpointError) {
    func damaged(_ problem: String) -> CheckpointError {
      .damaged(file: file, tensor: nil, problem: problem)
    }
    let size: UInt64
    do {
      size = try handle.seekToEnd()
    } catch {
      throw .unreadable(
        path: file, reason: "is not a regular file", remedy: "name a safetensors file")
    }
    guard size >= 8 else { throw damaged("the file ends inside its header") }
    let prefix = try Self.bytes(8, at: 0, of: handle, file: file)
    if prefix == Data("version ".utf8) { throw .gitPointer(path: file) }
    let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= Safetensors.largestHeader else {
      throw damaged(
        "the header would be \(length) bytes long, and at most \(Safetensors.largestHeader >> 20) MiB "
          + "are read; split the file into shards")
    }
    guard size >= 8 + length else { throw damaged("the file ends inside its header") }
    let text = try Self.bytes(Int(length), at: 8, of: handle, file: file)
    let header: JSONValue
    do { header = try JSONValue(parsing: text) } catch {
      throw damaged("the header is not JSON: \(error)")
    }
    guard let members = header.object?.members else { throw damaged("the header is no object") }

    var entries: [Entry] = []
    for member in members where member.key != "__metadata__" {
      entries.append(try Self.entry(member.key, member.value, file: file))
    }
    entries.sort { ($0.begin, $0.end, $0.name) < ($1.begin, $1.end, $1.name) }
    var end = 0
    for entry in entries {
      guard entry.begin == end else {
        let problem = entry.begin < end ? "overlaps the tensor before it" : "follows a gap"
        throw .damaged(file: file, tensor: entry.name, problem: problem)
      }
      end = entry.end
    }
    let available = Int(clamping: size - 8 - length)
    guard end == available else {
      throw .damaged(
        file: file, tensor: entries.last?.name,
        problem: "the tensors need \(end) bytes and the file holds \(available)")
    }
    self.entries = entries
    dataStart = 8 + length
  }

  private static func bytes(
    _ count: Int, at offset: Int, of handle: FileHandle, file: String
  ) throws(CheckpointError) -> Data {
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: CheckpointError?
    bytes.withUnsafeMutableBytes { buffer in
      do throws(CheckpointError) {
        try Safetensors.read(into: buffer, at: offset, of: handle, file: file)
      } catch { failure = error }
    }
    if let failure { throw failure }
    return Data(bytes)
  }

  private static func entry(
    _ name: String, _ value: JSONValue, file: String
  ) throws(CheckpointError) -> Entry {
    func damaged(_ problem: String) -> CheckpointError {
      .damaged(file: file, tensor: name, problem: problem)
    }
    guard let object = value.object else { throw damaged("its header entry is no object") }
    guard let type = object["dtype"]?.string else { throw damaged("`dtype` is missing") }
    guard let width = widths[type] else {
      throw .unsupportedType(file: file, tensor: name, type: type)
    }
    guard let extents = object["shape"]?.array else { throw damaged("`shape` is missing") }
    var shape: [Int] = []
    var count = 1
    var overflow = false
    for extent in extents {
      guard let extent = extent.int, extent >= 0 else {
        throw damaged("`shape` must be a list of whole numbers")
      }
      shape.append(extent)
      let product = count.multipliedReportingOverflow(by: extent)
      count = product.partialValue
      overflow = overflow || product.overflow
    }
    let bytes = count.multipliedReportingOverflow(by: width)
    guard !overflow, !bytes.overflow else { throw damaged("shape \(shape) is too large") }
    guard let offsets = object["data_offsets"]?.array, offsets.count == 2,
      let begin = offsets[0].int, let end = offsets[1].int, begin >= 0, end >= begin
    else { throw damaged("`data_offsets` must be two ascending whole numbers") }
    guard end - begin == bytes.partialValue else {
      throw damaged(
        "shape \(shape) of \(type) needs \(bytes.partialValue) bytes, not \(end - begin)")
    }
    return Entry(name: name, type: type, shape: shape, count: count, begin: begin, end: end)
  }
}
