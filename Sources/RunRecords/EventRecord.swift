import Foundation

/// The bytes of one record in a TensorBoard event file.
///
/// A TFRecord is `length: UInt64, masked crc of length: UInt32, data, masked crc of data: UInt32`,
/// all little-endian; the data is a protocol-buffer `Event` (tensorflow/core/util/event.proto).
enum EventRecord {
  /// `Event.file_version` (field 3): the first record of every file.
  static func header(wallTime: Double) -> Data {
    var event = ProtocolBuffer()
    event.append(double: wallTime, field: 1)
    event.append(bytes: Data("brain.Event:2".utf8), field: 3)
    return framed(event.data)
  }

  /// One event with a `Summary.Value { tag = 1, simple_value = 2 }` for every scalar.
  static func scalars(
    _ scalars: [(name: String, value: Double)], step: Int, wallTime: Double
  ) -> Data {
    var summary = ProtocolBuffer()
    for (name, value) in scalars {
      var entry = ProtocolBuffer()
      entry.append(bytes: Data(name.utf8), field: 1)
      entry.append(float: Float(value), field: 2)
      summary.append(bytes: entry.data, field: 1)
    }
    var event = ProtocolBuffer()
    event.append(double: wallTime, field: 1)
    event.append(integer: UInt64(bitPattern: Int64(step)), field: 2)
    event.append(bytes: summary.data, field: 5)
    return framed(event.data)
  }

  /// The first records of a file, or as many whole ones as it has.
  static func prefix(of file: Data, records: Int) -> Data {
    let file = Data(file)  // from index 0
    var end = 0
    for _ in 0..<records {
      guard file.count - end >= 12 else { break }
      let length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(file[end + $1]) << (8 * UInt64($1)) }
      guard length <= UInt64(max(0, file.count - end - 16)) else { break }
      end += 16 + Int(length)
    }
    return file.prefix(end)
  }

  /// `data` between its length and the two checksums.
  static func framed(_ data: Data) -> Data {
    let length = littleEndian(UInt64(data.count))
    return length + littleEndian(CyclicRedundancyCheck.masked(length)) + data
      + littleEndian(CyclicRedundancyCheck.masked(data))
  }
}

/// The four wire forms that an `Event` needs.
private struct ProtocolBuffer {
  private(set) var data = Data()

  mutating func append(integer value: UInt64, field: UInt64) {
    append(varint: field << 3 | 0)
    append(varint: value)
  }

  mutating func append(double value: Double, field: UInt64) {
    append(varint: field << 3 | 1)
    data += littleEndian(value.bitPattern)
  }

  mutating func append(bytes value: Data, field: UInt64) {
    append(varint: field << 3 | 2)
    append(varint: UInt64(value.count))
    data += value
  }

  mutating func append(float value: Float, field: UInt64) {
    append(varint: field << 3 | 5)
    data += littleEndian(value.bitPattern)
  }

  private mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      data.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    data.append(UInt8(rest))
  }
}

private func littleEndian(_ value: some FixedWidthInteger) -> Data {
  withUnsafeBytes(of: value.littleEndian) { Data($0) }
}
