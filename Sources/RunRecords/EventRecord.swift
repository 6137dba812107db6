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
    event.append(bytes: Array("brain.Event:2".utf8), field: 3)
    return framed(event.data)
  }

  /// One event with a `Summary.Value { tag = 1, simple_value = 2, metadata = 9 {
  /// summary_description = 3 } }` for every scalar, and the values of the details behind them.
  static func summary(
    _ scalars: [(name: String, value: Double, description: String?)],
    _ details: StepDetails = StepDetails(), step: Int, wallTime: Double
  ) -> Data {
    var summary = ProtocolBuffer()
    for (name, value, description) in scalars {
      var entry = ProtocolBuffer()
      entry.append(bytes: Array(name.utf8), field: 1)
      entry.append(float: Float(value), field: 2)
      if let description {
        var metadata = ProtocolBuffer()
        metadata.append(bytes: Array(description.utf8), field: 3)
        entry.append(bytes: metadata.data, field: 9)
      }
      summary.append(bytes: entry.data, field: 1)
    }
    for (name, values) in details.distributions {
      guard let histogram = histogram(of: values) else { continue }
      summary.append(bytes: value(name, histogram, field: 5, plugin: "histograms"), field: 1)
    }
    for (name, text) in details.texts {
      // TensorProto { dtype = 1: DT_STRING, tensor_shape = 2: none, string_val = 8 }
      var tensor = ProtocolBuffer()
      tensor.append(integer: 7, field: 1)
      tensor.append(bytes: [], field: 2)
      tensor.append(bytes: Array(text.utf8), field: 8)
      summary.append(bytes: value(name, tensor.data, field: 8, plugin: "text"), field: 1)
    }
    var event = ProtocolBuffer()
    event.append(double: wallTime, field: 1)
    event.append(integer: UInt64(bitPattern: Int64(step)), field: 2)
    event.append(bytes: summary.data, field: 5)
    return framed(event.data)
  }

  /// `Summary.Value { tag = 1, (histo = 5 | tensor = 8), metadata = 9 { plugin_data = 1 { name = 1 } } }`
  private static func value(
    _ name: String, _ content: [UInt8], field: UInt64, plugin: String
  ) -> [UInt8] {
    var pluginData = ProtocolBuffer()
    pluginData.append(bytes: Array(plugin.utf8), field: 1)
    var metadata = ProtocolBuffer()
    metadata.append(bytes: pluginData.data, field: 1)
    var value = ProtocolBuffer()
    value.append(bytes: Array(name.utf8), field: 1)
    value.append(bytes: content, field: field)
    value.append(bytes: metadata.data, field: 9)
    return value.data
  }

  /// `HistogramProto { min = 1, max = 2, num = 3, sum = 4, sum_squares = 5, bucket_limit = 6,
  /// bucket = 7 }` of what is finite, in buckets of equal width; `nil` for nothing.
  private static func histogram(of values: [Double], buckets: Int = 30) -> [UInt8]? {
    let values = values.filter(\.isFinite)
    guard let low = values.min(), let high = values.max() else { return nil }
    let width = (high - low) / Double(buckets)
    var counts = Array(repeating: 0.0, count: width > 0 && width.isFinite ? buckets : 1)
    for value in values {
      let bucket = counts.count == 1 ? 0 : Int((value - low) / width)
      counts[min(bucket, counts.count - 1)] += 1
    }
    var limits = counts.indices.map { low + Double($0 + 1) * width }
    limits[limits.count - 1] = high
    var histogram = ProtocolBuffer()
    histogram.append(double: low, field: 1)
    histogram.append(double: high, field: 2)
    histogram.append(double: Double(values.count), field: 3)
    histogram.append(double: values.reduce(0, +), field: 4)
    histogram.append(double: values.reduce(0) { $0 + $1 * $1 }, field: 5)
    histogram.append(packed: limits, field: 6)
    histogram.append(packed: counts, field: 7)
    return histogram.data
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
  static func framed(_ data: [UInt8]) -> Data {
    let length = littleEndian(UInt64(data.count))
    return Data(
      length + littleEndian(CyclicRedundancyCheck.masked(length)) + data
        + littleEndian(CyclicRedundancyCheck.masked(data)))
  }
}

/// The four wire forms that an `Event` needs.
private struct ProtocolBuffer {
  // Bytes one by one: `Data` takes several times as long for that as an array.
  private(set) var data: [UInt8] = []

  mutating func append(integer value: UInt64, field: UInt64) {
    append(varint: field << 3 | 0)
    append(varint: value)
  }

  mutating func append(double value: Double, field: UInt64) {
    append(varint: field << 3 | 1)
    data += littleEndian(value.bitPattern)
  }

  mutating func append(packed values: [Double], field: UInt64) {
    append(bytes: values.reduce(into: []) { $0 += littleEndian($1.bitPattern) }, field: field)
  }

  mutating func append(bytes value: [UInt8], field: UInt64) {
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

private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

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
