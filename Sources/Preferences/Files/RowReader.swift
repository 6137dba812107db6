import Formats
import Foundation

/// The rows of a file, one at a time: memory does not grow with the file.
///
/// A file of JSON lines, a JSON list, CSV (RFC 4180; TSV by its name) or, where texts are wanted, one
/// text a line: what it is, its first line says, and only where that could be several things its name.
final class RowReader {
  private enum Layout {
    case lines
    case list
    case table(Separated)
    case texts
  }

  private let scanner: ByteScanner
  private let ending: String
  private let takesTexts: Bool
  private let keepsWriting: Bool
  private var layout: Layout?
  private var isFirstElement = true

  /// - Parameters:
  ///   - takesTexts: whether a line that is no JSON is a row that holds it as `prompt`.
  ///   - keepsWriting: whether rows know how they are written.
  init(
    _ file: RowFile, takesTexts: Bool = false, keepsWriting: Bool = false
  ) throws(PreferenceError) {
    scanner = ByteScanner(try file.source())
    ending = file.ending
    self.takesTexts = takesTexts
    self.keepsWriting = keepsWriting
  }

  /// The next row, nil at the end; lines are numbered from 1, and blank ones are passed over.
  ///
  /// - Throws: ``PreferenceError``. After one of a single row, the next call goes on behind that row.
  func next() throws(PreferenceError) -> RowFields? {
    if layout == nil { layout = try detect() }
    switch layout {
    case .lines:
      guard let (line, bytes) = try scanner.nextLine() else { return nil }
      return try fields(of: bytes, line: line, advice: "write one JSON object a line")
    case .list:
      guard let (line, bytes) = try scanner.nextElement(isFirst: isFirstElement) else { return nil }
      isFirstElement = false
      return try fields(of: bytes, line: line, advice: "write a list of JSON objects")
    case .table(let table):
      guard let (line, cells) = try scanner.nextRecord(separator: table.separator) else {
        return nil
      }
      return try row(of: cells, line: line, header: table.header)
    case .texts:
      guard let (line, bytes) = try scanner.nextLine() else { return nil }
      return try text(of: bytes, line: line)
    case nil: return nil
    }
  }

  // MARK: - What a file is

  private struct Separated {
    let separator: UInt8
    let header: [String]
  }

  private func detect() throws(PreferenceError) -> Layout? {
    if ending == "csv" || ending == "tsv" {
      // Spreadsheets of some countries put semicolons between the cells of `.csv`.
      let usual: Unicode.Scalar = ending == "tsv" ? "\t" : ","
      var line = try scanner.peekLine() ?? []
      // Excel's line that says which.
      if line.starts(with: Array("sep=".utf8)) {
        _ = try scanner.nextLine()
        line = try scanner.peekLine() ?? []
      }
      let separators: [Unicode.Scalar] = [usual, ";", "\t", ","]
      return try table(separators.first { isHeader(line, UInt8(ascii: $0)) } ?? usual)
    }
    guard let line = try scanner.peekLine() else { return nil }
    let isNamedJSON = ending == "jsonl" || ending == "json"
    switch line.first {
    case UInt8(ascii: "{"):
      return isNamedJSON || !takesTexts || isMeantAsJSON(line) ? .lines : .texts
    case UInt8(ascii: "["):
      guard isNamedJSON || !takesTexts || isMeantAsList(line) else { return .texts }
      try scanner.skipBracket()
      return .list
    default:
      if isNamedJSON { return .lines }
      for separator: Unicode.Scalar in [",", "\t"]
      where isHeader(line, UInt8(ascii: separator)) {
        return try table(separator)
      }
      return takesTexts ? .texts : .lines
    }
  }

  private func isMeantAsJSON(_ line: ArraySlice<UInt8>) -> Bool {
    let next = line.dropFirst().first { $0 != 0x20 }
    return next == UInt8(ascii: "\"") || next == UInt8(ascii: "}")
  }

  private func isMeantAsList(_ line: ArraySlice<UInt8>) -> Bool {
    guard let next = line.dropFirst().first(where: { $0 != 0x20 && $0 != 0x0D }) else {
      return true
    }
    return [UInt8(ascii: "{"), UInt8(ascii: "\""), UInt8(ascii: "]")].contains(next)
  }

  /// Several names of columns, one of them a name that rows have. A line of text is not one.
  private func isHeader(_ line: ArraySlice<UInt8>, _ separator: UInt8) -> Bool {
    let line = line.prefix { $0 != 0x0D }
    let names = line.split(separator: separator, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self).trimmingCharacters(in: Self.aroundNames)
    }
    return names.count > 1 && names.contains(where: ColumnNames.all.contains)
      && !names.contains { $0.contains(where: \.isWhitespace) }
  }

  private static let aroundNames = CharacterSet(charactersIn: " \"\r")

  private func table(_ separator: Unicode.Scalar) throws(PreferenceError) -> Layout? {
    let separator = UInt8(ascii: separator)
    guard let (line, cells) = try scanner.nextRecord(separator: separator) else { return nil }
    var header: [String] = []
    for cell in cells {
      let name = try string(cell, line: line).trimmingCharacters(in: .whitespaces)
      if header.contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
        throw .file(
          path: scanner.name, problem: "has two columns `\(name)`; give each a name of its own")
      }
      header.append(name)
    }
    return .table(Separated(separator: separator, header: header))
  }

  // MARK: - Rows

  private func fields(
    of bytes: ArraySlice<UInt8>, line: Int, advice: String
  ) throws(PreferenceError) -> RowFields {
    func failure(_ problem: String) -> PreferenceError {
      .line(path: scanner.name, line: line, problem: "\(problem); \(advice)")
    }
    if bytes.filter({ $0 > 0x20 }) == [UInt8(ascii: "{")] {
      throw failure("is an object that goes on in the next line (`jq -c . FILE` joins them)")
    }
    let value: JSONValue
    var written: WrittenObject?
    do throws(JSONError) {
      if keepsWriting { written = try WrittenObject(parsing: bytes) }
      if let written {
        value = .object(written.object)
      } else {
        value = try JSONValue(parsing: bytes)
      }
    } catch { throw failure("\(error)") }
    switch value {
    case .object(let object):
      if let list = Self.listOfRows(in: object) {
        throw failure("holds its rows in a list (`jq -c '.\(list)[]' FILE` takes them out)")
      }
      return RowFields(path: scanner.name, line: line, object: object, written: written)
    case .string(let text) where takesTexts: return row(ofText: text, line: line)
    default: throw failure("is \(value.kind)")
    }
  }

  /// The key of a list of objects in an object that is no row.
  private static func listOfRows(in object: JSONObject) -> String? {
    guard !object.members.contains(where: { ColumnNames.all.contains($0.key) }) else { return nil }
    return object.members.first { member in
      guard let list = member.value.array, let first = list.first?.object else { return false }
      return first.members.contains { ColumnNames.all.contains($0.key) } || first["row"] != nil
    }?.key
  }

  private func row(
    of cells: [[UInt8]], line: Int, header: [String]
  ) throws(PreferenceError) -> RowFields {
    guard cells.count == header.count else {
      throw .line(
        path: scanner.name, line: line,
        problem: "has \(cells.count) cells and the header \(header.count); quote cells that hold "
          + "the separator, quotes or line breaks")
    }
    var members: [(String, JSONValue)] = []
    for (name, cell) in zip(header, cells) {
      members.append((name, .string(try string(cell, line: line))))
    }
    return RowFields(
      path: scanner.name, line: line, object: JSONObject(members), isOfTable: true)
  }

  private func text(of bytes: ArraySlice<UInt8>, line: Int) throws(PreferenceError) -> RowFields {
    let start = bytes.drop { $0 == 0x20 || $0 == 0x09 }
    if start.first == UInt8(ascii: "{"), isMeantAsJSON(start),
      (try? JSONValue(parsing: start)) != nil
    {
      throw .line(
        path: scanner.name, line: line,
        problem: "is a JSON object, and the file begins with a line of plain text; write one or "
          + "the other")
    }
    let text = bytes.last == 0x0D ? bytes.dropLast() : bytes
    return row(ofText: try string(text, line: line), line: line)
  }

  private func row(ofText text: String, line: Int) -> RowFields {
    RowFields(path: scanner.name, line: line, object: ["prompt": .string(text)])
  }

  private func string(
    _ bytes: some Sequence<UInt8>, line: Int
  ) throws(PreferenceError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .line(
        path: scanner.name, line: line, problem: "is not valid UTF-8; convert it with `iconv`")
    }
    return text
  }
}
