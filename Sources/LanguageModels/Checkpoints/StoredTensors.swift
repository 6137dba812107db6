import Foundation
import Numerics

/// The tensors of a checkpoint as they lie in its files: headers are read at once, numbers when they are
/// asked for, straight into where they are wanted. So a shape can be refused before anything is
/// allocated for it, and loading takes no more memory than the model.
struct StoredTensors {
  /// What a message names as the place: a file or a directory.
  let source: String
  /// All names, in the order of the data.
  private(set) var names: [String] = []
  private var places: [String: (file: SafetensorsFile, entry: SafetensorsHeader.Entry)] = [:]

  /// Those of one file.
  init(file: URL) throws {
    source = file.path
    try insert(SafetensorsFile(file))
  }

  /// Those of `model.safetensors`, or of the shards that `model.safetensors.index.json` lists.
  init(directory: URL) throws {
    let single = directory.appending(path: "model.safetensors")
    let index = directory.appending(path: "model.safetensors.index.json")
    if FileManager.default.fileExists(atPath: single.path) {
      try self.init(file: single)
    } else if FileManager.default.fileExists(atPath: index.path) {
      try self.init(index: index, of: directory)
    } else {
      throw Self.missing(single, in: directory)
    }
  }

  private init(index: URL, of directory: URL) throws {
    source = directory.path
    let map = try ConfigurationFile(index).nested("weight_map")
    var shards: [String] = []  // in order of first mention
    for name in map.keys {
      let shard = try map.string(name)
      guard !shard.isEmpty, !shard.contains("/"), shard != "..", shard != "." else {
        throw CheckpointError.damaged(
          file: index.path, tensor: name, problem: "`\(shard)` is not a file of this directory")
      }
      if !shards.contains(shard) { shards.append(shard) }
    }
    for shard in shards {
      let file = directory.appending(path: shard)
      guard FileManager.default.fileExists(atPath: file.path) else {
        throw CheckpointError.unreadable(
          path: file.path, reason: "is not there, and model.safetensors.index.json lists it",
          remedy: "copy or download all \(shards.count) of its files")
      }
      try insert(SafetensorsFile(file))
    }
    for name in map.keys where places[name] == nil {
      throw CheckpointError.damaged(
        file: index.path, tensor: name, problem: "is not in the shard that the index names")
    }
  }

  /// Why there are no tensors, and what to do.
  private static func missing(_ file: URL, in directory: URL) -> CheckpointError {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    if let pickle = files.sorted().first(where: { $0.hasSuffix(".bin") || $0.hasSuffix(".pt") }) {
      return .unreadable(
        path: directory.appending(path: pickle).path,
        reason: "is in PyTorch's own format, which runs code when it is read, and is not read here",
        remedy:
          "save it as safetensors: python3 -c \"from transformers import AutoModelForCausalLM "
          + "as M; M.from_pretrained('\(directory.path)').save_pretrained('NEW_DIRECTORY')\"")
    }
    return .unreadable(
      path: file.path, reason: "no such file",
      remedy: "name a directory that holds config.json and model.safetensors")
  }

  private mutating func insert(_ file: SafetensorsFile) throws {
    for entry in file.header.entries {
      guard places.updateValue((file, entry), forKey: entry.name) == nil else {
        throw CheckpointError.damaged(
          file: file.path, tensor: entry.name, problem: "the name occurs twice")
      }
      names.append(entry.name)
    }
  }

  /// Puts tensors of another file in the place of those here, under other names; nil leaves one out.
  mutating func overlay(_ other: StoredTensors, renaming: (String) -> String?) {
    for name in other.names {
      guard let newName = renaming(name), let place = other.places[name] else { continue }
      if places.updateValue(place, forKey: newName) == nil { names.append(newName) }
    }
  }

  func contains(_ name: String) -> Bool { places[name] != nil }

  func shape(of name: String) -> [Int]? { places[name]?.entry.shape }

  /// How many bytes the numbers take in the files.
  var byteCount: Int { places.values.reduce(0) { $0 + $1.entry.length } }

  /// Throws ``CheckpointError`` naming file and tensor when it is missing, of another shape, or of a type
  /// that is not read.
  func require(_ name: String, shape: [Int]) throws(CheckpointError) {
    guard let (file, entry) = places[name] else {
      throw .missingTensor(file: source, tensor: name, nearest: nearest(to: name))
    }
    guard entry.shape == shape else {
      throw .wrongShape(file: file.path, tensor: name, found: entry.shape, expected: shape)
    }
    guard StoredNumber(headerName: entry.type) != nil else {
      throw .unsupportedType(file: file.path, tensor: name, type: entry.type)
    }
  }

  /// A whole tensor.
  func tensor(_ name: String) throws -> Tensor {
    let (file, entry) = try place(of: name)
    var tensor = Tensor(uninitialized: entry.shape) { _ in }
    try tensor.modify { try file.read(entry, 0..<entry.count, into: $0) }
    return tensor
  }

  /// Some of a tensor's numbers, in the order of the file.
  func read(
    _ name: String, _ elements: Range<Int>, into target: UnsafeMutablePointer<Float>
  ) throws {
    let (file, entry) = try place(of: name)
    try file.read(entry, elements, into: target)
  }

  private func place(
    of name: String
  ) throws(CheckpointError) -> (file: SafetensorsFile, entry: SafetensorsHeader.Entry) {
    guard let place = places[name] else {
      throw .missingTensor(file: source, tensor: name, nearest: nearest(to: name))
    }
    return place
  }

  /// The name sharing the longest ending: checkpoints differ mostly by a prefix such as `model.`.
  private func nearest(to name: String) -> String? {
    let reversed = Array(name.utf8.reversed())
    var best: (name: String, length: Int)?
    for candidate in names {
      let length = zip(candidate.utf8.reversed(), reversed).prefix { $0 == $1 }.count
      if length > (best?.length ?? 7) { best = (candidate, length) }
    }
    return best?.name
  }
}

/// An open safetensors file, whose header has been checked.
///
/// It reads at places of its own (`pread`) and maps nothing: pages of a mapping would count as memory of
/// the program beside the tensors, and a file that shrinks would end it by a signal.
final class SafetensorsFile {
  let path: String
  let header: SafetensorsHeader
  private let handle: FileHandle

  init(_ file: URL) throws(CheckpointError) {
    path = file.path
    do { handle = try FileHandle(forReadingFrom: file) } catch {
      throw .unreadable(
        path: file.path, reason: "cannot be opened", remedy: "check the path and its permissions")
    }
    header = try SafetensorsHeader(reading: handle, file: file.path)
  }

  deinit { try? handle.close() }

  /// Some of a tensor's numbers, in the order of the file; F16 and BF16 are widened.
  func read(
    _ entry: SafetensorsHeader.Entry, _ elements: Range<Int>,
    into target: UnsafeMutablePointer<Float>
  ) throws(CheckpointError) {
    guard let type = StoredNumber(headerName: entry.type) else {
      throw .unsupportedType(file: path, tensor: entry.name, type: entry.type)
    }
    let start = Int(header.dataStart) + entry.begin + elements.lowerBound * type.byteCount
    func bytes(
      _ buffer: UnsafeMutableRawBufferPointer, at offset: Int
    ) throws(CheckpointError) {
      try Safetensors.read(
        into: buffer, at: start + offset, of: handle, file: path, tensor: entry.name)
    }
    if type == .float32 {
      try bytes(
        UnsafeMutableRawBufferPointer(start: target, count: elements.count * 4), at: 0)
      #if _endian(big)
        for index in elements.indices {
          target[index] = Float(bitPattern: target[index].bitPattern.byteSwapped)
        }
      #endif
      return
    }
    let atOnce = 1 << 16
    var halves = [UInt16](repeating: 0, count: min(atOnce, elements.count))
    for first in stride(from: 0, to: elements.count, by: atOnce) {
      let count = min(atOnce, elements.count - first)
      var failure: CheckpointError?
      halves.withUnsafeMutableBytes { buffer in
        do throws(CheckpointError) {
          try bytes(UnsafeMutableRawBufferPointer(rebasing: buffer[..<(2 * count)]), at: 2 * first)
        } catch { failure = error }
      }
      if let failure { throw failure }
      for index in 0..<count {
        let bits = UInt16(littleEndian: halves[index])
        target[first + index] =
          type == .bfloat16
          ? HalfPrecision.widen(bfloat16: bits) : HalfPrecision.widen(binary16: bits)
      }
    }
  }
}

extension Safetensors {
  /// Fills a buffer from a place of a file.
  static func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int, of handle: FileHandle,
    file: String, tensor: String? = nil
  ) throws(CheckpointError) {
    var done = 0
    while done < buffer.count, let base = buffer.baseAddress {
      let count = pread(
        handle.fileDescriptor, base + done, buffer.count - done, off_t(offset + done))
      if count > 0 {
        done += count
      } else if count == 0 {
        throw .damaged(file: file, tensor: tensor, problem: "the file ends too early")
      } else if errno != EINTR {
        throw .unreadable(
          path: file, reason: String(cString: strerror(errno)),
          remedy: "check the disk and try again")
      }
    }
  }
}
