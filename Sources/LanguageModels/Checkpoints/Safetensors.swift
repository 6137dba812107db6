import Formats
package import Foundation
import Numerics

/// The safetensors format: the length of a JSON header in 8 little-endian bytes, the header, and
/// the numbers of all tensors one after another without a gap.
///
/// Source: https://huggingface.co/docs/safetensors, "Format".
package enum Safetensors {
  /// The format's own bound, which keeps a damaged length from asking for all memory.
  static let largestHeader = 100_000_000

  /// Reads a file; F16 and BF16 are widened to float32.
  ///
  /// - Parameter skipping: tensors for whose names this is true are checked but not decoded, so
  ///   they may be of any type: GPT-2 files carry attention masks that no model needs.
  /// - Throws: ``CheckpointError`` naming the file and, where there is one, the tensor.
  package static func read(
    _ file: URL, skipping: (String) -> Bool = { _ in false }
  ) throws(CheckpointError) -> TensorArchive {
    let handle: FileHandle
    do { handle = try FileHandle(forReadingFrom: file) } catch {
      throw .unreadable(
        path: file.path, reason: "cannot be opened", remedy: "check the path and its permissions")
    }
    defer { try? handle.close() }
    let header = try SafetensorsHeader(reading: handle, file: file.path)
    var archive = TensorArchive(source: file.path)
    for entry in header.entries where !skipping(entry.name) {
      let data = try bytes(
        entry.length, at: header.dataStart + UInt64(entry.begin), of: handle, file: file.path,
        tensor: entry.name)
      try archive.insert(decode(data, entry, file: file.path), named: entry.name)
    }
    return archive
  }

  /// Reads the checkpoint of a directory: `model.safetensors`, or the shards that
  /// `model.safetensors.index.json` lists.
  package static func readDirectory(
    _ directory: URL, skipping: (String) -> Bool = { _ in false }
  ) throws(CheckpointError) -> TensorArchive {
    let single = directory.appending(path: "model.safetensors")
    if FileManager.default.fileExists(atPath: single.path) {
      return try read(single, skipping: skipping)
    }
    let index = directory.appending(path: "model.safetensors.index.json")
    guard FileManager.default.fileExists(atPath: index.path) else {
      throw .unreadable(
        path: single.path, reason: "no such file",
        remedy: "name a directory that holds config.json and model.safetensors")
    }
    return try readShards(index, of: directory, skipping: skipping)
  }

  private static func readShards(
    _ index: URL, of directory: URL, skipping: (String) -> Bool
  ) throws(CheckpointError) -> TensorArchive {
    let map = try ConfigurationFile(index).nested("weight_map")
    var shards: [String] = []  // in order of first mention
    for name in map.keys {
      let shard = try map.string(name)
      guard !shard.isEmpty, !shard.contains("/"), shard != "..", shard != "." else {
        throw .damaged(
          file: index.path, tensor: name, problem: "`\(shard)` is not a file of this directory")
      }
      if !shards.contains(shard) { shards.append(shard) }
    }
    var archive = TensorArchive(source: directory.path)
    for shard in shards {
      let part = try read(directory.appending(path: shard), skipping: skipping)
      for name in part.names {
        if let tensor = part[name] { try archive.insert(tensor, named: name) }
      }
    }
    for name in map.keys where archive[name] == nil && !skipping(name) {
      throw .damaged(
        file: index.path, tensor: name, problem: "is not in the shard that the index names")
    }
    return archive
  }

  /// Writes float32 tensors in the given order; equal tensors give equal bytes. The file appears
  /// whole or not at all.
  ///
  /// - Throws: ``CheckpointError`` when a name occurs twice or the file cannot be written.
  package static func write(_ tensors: [NamedTensor], to file: URL) throws(CheckpointError) {
    let header = try SafetensorsHeader.bytes(describing: tensors, file: file.path)
    do throws(FileWritingError) {
      try writeFileAtomically(to: file) { handle in
        try handle.write(contentsOf: header)
        for named in tensors { try handle.write(contentsOf: encode(named.tensor)) }
      }
    } catch { throw CheckpointError(error) }
  }

  static func bytes(
    _ count: Int, at offset: UInt64, of handle: FileHandle, file: String, tensor: String? = nil
  ) throws(CheckpointError) -> Data {
    do {
      try handle.seek(toOffset: offset)
      let data = count == 0 ? Data() : try handle.read(upToCount: count) ?? Data()
      if data.count == count { return data }
    } catch {
      throw .unreadable(
        path: file, reason: error.localizedDescription, remedy: "check the disk and try again")
    }
    throw .damaged(file: file, tensor: tensor, problem: "the file ends too early")
  }

  private static func decode(
    _ data: Data, _ entry: SafetensorsHeader.Entry, file: String
  ) throws(CheckpointError) -> Tensor {
    let count = entry.count
    let convert: (UnsafeRawBufferPointer, UnsafeMutablePointer<Float>) -> Void
    switch entry.type {
    case "F32":
      convert = { source, target in
        for index in 0..<count {
          let bits = source.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)
          target[index] = Float(bitPattern: UInt32(littleEndian: bits))
        }
      }
    case "F16":
      convert = { source, target in
        for index in 0..<count {
          let bits = source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
          target[index] = HalfPrecision.widen(binary16: UInt16(littleEndian: bits))
        }
      }
    case "BF16":
      convert = { source, target in
        for index in 0..<count {
          let bits = source.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
          target[index] = HalfPrecision.widen(bfloat16: UInt16(littleEndian: bits))
        }
      }
    default: throw .unsupportedType(file: file, tensor: entry.name, type: entry.type)
    }
    return Tensor(uninitialized: entry.shape) { target in
      data.withUnsafeBytes { convert($0, target) }
    }
  }

  private static func encode(_ tensor: Tensor) -> Data {
    tensor.read { source in
      var data = Data(count: tensor.count * 4)
      data.withUnsafeMutableBytes { target in
        for index in 0..<tensor.count {
          target.storeBytes(
            of: source[index].bitPattern.littleEndian, toByteOffset: index * 4, as: UInt32.self)
        }
      }
      return data
    }
  }
}
