import Foundation
import Numerics
import Statistics
import Testing

@testable import LanguageModels

/// A safetensors file put together by hand: any header, any data.
func safetensors(_ header: String, _ data: [UInt8]) -> Data {
  let length = UInt64(header.utf8.count)
  return Data((0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) })
    + Data(header.utf8) + Data(data)
}

@Suite struct SafetensorsTests {
  let directory: TemporaryDirectory
  let file: URL

  init() throws {
    directory = try TemporaryDirectory()
    file = directory.file("model.safetensors")
  }

  func error(_ data: Data) throws -> CheckpointError? {
    try data.write(to: file)
    return #expect(throws: CheckpointError.self) { try Safetensors.read(file) }
  }

  @Test("what is written is read back: names in order, shapes, every bit")
  func roundTrip() throws {
    let values: [Float] = [1, -0.0, .infinity, .leastNonzeroMagnitude, 3.1415927, -2e30]
    try Safetensors.write(
      [
        NamedTensor(name: "z.weight", tensor: Tensor(values, shape: [2, 3])),
        NamedTensor(name: "a \"quoted\" ü", tensor: Tensor([7], shape: [])),
        NamedTensor(name: "empty", tensor: Tensor([], shape: [0, 4])),
      ], to: file)
    let archive = try Safetensors.read(file)
    #expect(archive.names == ["z.weight", "a \"quoted\" ü", "empty"])
    let read = try #require(archive["z.weight"])
    #expect(read.shape == [2, 3])
    #expect(read.values.map(\.bitPattern) == values.map(\.bitPattern))
    #expect(archive["a \"quoted\" ü"]?.shape == [])
    #expect(archive["empty"]?.shape == [0, 4])
  }

  @Test("the bytes are those of the format, aligned and repeatable")
  func bytes() throws {
    try Safetensors.write([NamedTensor(name: "w", tensor: Tensor([1, 2], shape: [2]))], to: file)
    let header =
      #"{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
    let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    #expect(try Data(contentsOf: file) == safetensors(padded, [0, 0, 128, 63, 0, 0, 0, 64]))
  }

  @Test("F16 and BF16 are widened exactly, subnormal numbers and infinities included")
  func halfPrecision() throws {
    // 1.5, -2, the smallest subnormal, the largest number, infinity
    let halves: [UInt16] = [0x3E00, 0xC000, 0x0001, 0x7BFF, 0x7C00]
    let brains: [UInt16] = [0x3FC0, 0xC000]
    let header =
      #"{"h":{"dtype":"F16","shape":[5],"data_offsets":[0,10]},"#
      + #""b":{"dtype":"BF16","shape":[2,1],"data_offsets":[10,14]}}"#
    let data = (halves + brains).flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    try safetensors(header, data).write(to: file)
    let archive = try Safetensors.read(file)
    #expect(archive["h"]?.values == [1.5, -2, 0x1p-24, 65504, .infinity])
    #expect(archive["b"]?.values == [1.5, -2])
    #expect(archive["b"]?.shape == [2, 1])
  }

  @Test("every binary16 number widens to what its three fields say")
  func allHalves() {
    for bits in UInt16.min...UInt16.max {
      let sign: Double = bits >> 15 == 1 ? -1 : 1
      let exponent = Int(bits >> 10) & 31
      let fraction = Double(bits & 1023)
      let widened = HalfPrecision.widen(binary16: bits)
      switch exponent {
      case 31: #expect(fraction == 0 ? Double(widened) == sign * .infinity : widened.isNaN)
      case 0: #expect(Double(widened) == sign * fraction * 0x1p-24)
      default:
        let expected = Double(
          sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
        #expect(Double(widened) == sign * expected)
      }
    }
  }

  @Test(
    "a header that does not fit its data is refused, naming file and tensor",
    arguments: [
      (#"{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, "needs 12 bytes, not 8"),
      (#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, "need 16 bytes"),
      (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, "holds 8"),
      (#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, "follows a gap"),
      (#"{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#, "whole numbers"),
      (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, "ascending"),
      (#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#, "ascending"),
      (
        #"{"w":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#,
        "too large"
      ),
      (
        #"{"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
          + #""w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, "overlaps"
      ),
      (#"{"w":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#, "type I64"),
      (#"{"w":{"dtype":"Q4","shape":[1],"data_offsets":[0,8]}}"#, "type Q4"),
      (#"{"w":{"shape":[1],"data_offsets":[0,8]}}"#, "`dtype` is missing"),
      (#"{"w":{"dtype":"F32","data_offsets":[0,8]}}"#, "`shape` is missing"),
      (#"{"w":[]}"#, "no object"),
      (
        #"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
          + #""w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, "written twice"
      ),
    ])
  func inconsistentHeader(header: String, expected: String) throws {
    let message = try #require(try error(safetensors(header, Array(repeating: 0, count: 8))))
    #expect("\(message)".contains(expected))
    #expect("\(message)".contains(file.path))
    #expect("\(message)".contains("w"))
  }

  @Test("a header length beyond the format or the file is refused before it is allocated")
  func headerLength() throws {
    let huge = try #require(try error(Data(repeating: 0xFF, count: 16)))
    let large = try #require(try error(Data([0, 0, 0, 2, 0, 0, 0, 0]) + Data(count: 2 << 24)))
    #expect("\(large)".contains("at most 16 MiB are read; split the file"))
    #expect("\(huge)".contains("at most 16 MiB are read"))
    let long = try #require(try error(Data([200, 0, 0, 0, 0, 0, 0, 0]) + Data("{}".utf8)))
    #expect("\(long)".contains("ends inside its header"))
    #expect(throws: CheckpointError.self) { try Safetensors.read(directory.url) }
    #expect(throws: CheckpointError.self) { try Safetensors.read(directory.file("missing")) }
  }

  @Test("every truncation of a file is refused")
  func truncation() throws {
    try Safetensors.write(
      [
        NamedTensor(name: "a", tensor: Tensor([1, 2, 3, 4], shape: [2, 2])),
        NamedTensor(name: "b", tensor: Tensor([5], shape: [1])),
      ], to: file)
    let whole = try Data(contentsOf: file)
    for length in 0..<whole.count { _ = try error(whole.prefix(length)) }
    _ = try error(whole + [0])
  }

  @Test("flipped bytes are read or refused, and never more than that")
  func flippedBytes() throws {
    try Safetensors.write(
      [
        NamedTensor(name: "a", tensor: Tensor([1, 2, 3, 4], shape: [2, 2])),
        NamedTensor(name: "b", tensor: Tensor([5], shape: [1])),
      ], to: file)
    let whole = try Data(contentsOf: file)
    var generator = SeededGenerator(seed: 11)
    var refused = 0
    for _ in 0..<600 {
      var damaged = whole
      for _ in 0...generator.index(below: 3) {
        damaged[generator.index(below: damaged.count)] = UInt8(generator.index(below: 256))
      }
      try damaged.write(to: file)
      if let archive = try? Safetensors.read(file) {
        #expect(archive.names.reduce(0) { $0 + (archive[$1]?.count ?? 0) } <= 5)
      } else {
        refused += 1
      }
    }
    #expect(refused > 200)
  }

  @Test("two tensors of one name are not written, and the old file stays")
  func duplicateNames() throws {
    try Data("old".utf8).write(to: file)
    let tensor = NamedTensor(name: "w", tensor: Tensor([1], shape: [1]))
    #expect(throws: CheckpointError.self) { try Safetensors.write([tensor, tensor], to: file) }
    #expect(try String(contentsOf: file, encoding: .utf8) == "old")
    #expect(try directory.contents == ["model.safetensors"])
  }

  @Test("a missing tensor is named with the nearest one there is, a misshapen one with both shapes")
  func lookups() throws {
    let name = "model.layers.0.mlp.up_proj.weight"
    try Safetensors.write([NamedTensor(name: name, tensor: Tensor([1, 2], shape: [2]))], to: file)
    let stored = try StoredTensors(file: file)
    let missing = #expect(throws: CheckpointError.self) {
      try stored.require("layers.0.mlp.up_proj.weight", shape: [2])
    }
    #expect("\(try #require(missing))".contains("nearest name in the file is `\(name)`"))
    #expect(
      throws: CheckpointError.wrongShape(
        file: file.path, tensor: name, found: [2], expected: [1, 2])
    ) { try stored.require(name, shape: [1, 2]) }
  }

  @Test("tensors that nobody needs may be of any type")
  func skipping() throws {
    let header =
      #"{"mask":{"dtype":"BOOL","shape":[4],"data_offsets":[0,4]},"#
      + #""w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#
    try safetensors(header, [1, 1, 1, 1, 0, 0, 128, 63]).write(to: file)
    #expect(throws: CheckpointError.self) { try Safetensors.read(file) }
    let archive = try Safetensors.read(file, skipping: { $0 == "mask" })
    #expect(archive.names == ["w"])
    #expect(archive["w"]?.values == [1])
  }
}

@Suite struct ShardedCheckpointTests {
  let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    for (shard, name) in [("one", "a"), ("two", "b")] {
      try Safetensors.write(
        [NamedTensor(name: name, tensor: Tensor([shard == "one" ? 1 : 2], shape: [1]))],
        to: directory.file("\(shard).safetensors"))
    }
  }

  func index(_ map: String) throws {
    try Data(#"{"metadata": {}, "weight_map": {\#(map)}}"#.utf8)
      .write(to: directory.file("model.safetensors.index.json"))
  }

  @Test("shards are read as one checkpoint")
  func reading() throws {
    try index(#""a": "one.safetensors", "b": "two.safetensors""#)
    let archive = try Safetensors.readDirectory(directory.url)
    #expect(archive.names == ["a", "b"])
    #expect(archive["b"]?.values == [2])
  }

  @Test(
    "an index that contradicts its files is refused",
    arguments: [
      #""a": "one.safetensors", "b": "one.safetensors""#, #""a": "../one.safetensors""#,
      #""a": "three.safetensors""#, #""a": 1"#,
    ])
  func lies(map: String) throws {
    try index(map)
    #expect(throws: CheckpointError.self) { try Safetensors.readDirectory(directory.url) }
  }

  @Test("a directory with neither file says which file is missing")
  func nothing() throws {
    let error = #expect(throws: CheckpointError.self) {
      try Safetensors.readDirectory(directory.url)
    }
    #expect("\(try #require(error))".contains("model.safetensors: no such file"))
  }
}
