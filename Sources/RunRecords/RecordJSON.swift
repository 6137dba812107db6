import Formats
import Foundation

/// JSON as this program writes it: keys sorted, slashes plain, times in ISO 8601, numbers finite.
enum RecordJSON {
  static func encode(
    _ value: some Encodable, pretty: Bool, for url: URL
  ) throws(RunRecordsError) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    encoder.dateEncodingStrategy = .iso8601
    do {
      return try encoder.encode(value)
    } catch EncodingError.invalidValue(_, let context) {
      throw .notFinite(path: url.path, key: dotted(context.codingPath))
    } catch {
      throw .unwritable(path: url.path, reason: FileWritingError.reason(of: error))
    }
  }

  static func decode<Value: Decodable>(
    _ type: Value.Type, from data: Data, at url: URL, line: Int? = nil
  ) throws(RunRecordsError) -> Value {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    do {
      return try decoder.decode(type, from: data)
    } catch {
      throw .malformed(path: url.path, line: line, reason: reason(of: error))
    }
  }

  /// One value a line.
  static func encodeLines(
    _ rows: [some Encodable], for url: URL
  ) throws(RunRecordsError) -> Data {
    var lines = Data()
    for row in rows {
      lines.append(try encode(row, pretty: false, for: url))
      lines.append(UInt8(ascii: "\n"))
    }
    return lines
  }

  /// One value a line; empty lines are passed over, and so is a last line cut off by an
  /// interruption, which is one without its line end that does not parse.
  static func decodeLines<Value: Decodable>(
    _ type: Value.Type, at url: URL
  ) throws(RunRecordsError) -> [Value] {
    let data = try AtomicFile.read(url)
    let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    var rows: [Value] = []
    for (index, line) in lines.enumerated() where !line.isEmpty {
      do {
        rows.append(try decode(type, from: Data(line), at: url, line: index + 1))
      } catch {
        // What follows the last line end is empty unless a row was cut off.
        guard index == lines.count - 1 else { throw error }
      }
    }
    return rows
  }

  private static func reason(of error: any Error) -> String {
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      "the key `\(dotted(context.codingPath + [key]))` is missing"
    case DecodingError.typeMismatch(let type, let context):
      "`\(dotted(context.codingPath))` is not of type \(type)"
    case DecodingError.valueNotFound(let type, let context):
      "`\(dotted(context.codingPath))` is null where \(type) is expected"
    case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
      "`\(dotted(context.codingPath))`: \(context.debugDescription)"
    default:
      "this is not JSON"
    }
  }

  private static func dotted(_ path: [any CodingKey]) -> String {
    path.map(\.stringValue).joined(separator: ".")
  }
}
