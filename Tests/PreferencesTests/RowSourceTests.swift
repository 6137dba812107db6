import Foundation
import Statistics
import TestSupport
import Testing

@testable import Numerics
@testable import Preferences

@Suite("Where rows come from")
struct RowSourceTests {
  static let line = #"{"prompt":"p","chosen":"a","rejected":"b"}"# + "\n"

  /// The bytes of a text as gzip makes them.
  func compressed(_ text: String) throws -> Data {
    let file = try TemporaryFile(text)
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["gzip", "-c", file.url.path]
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return try #require(data)
  }

  @Test("a compressed file reads as the plain one, across many pieces")
  func gzip() throws {
    let text = (0..<20_000).map {
      #"{"prompt":"p\#($0)","chosen":"good \#($0)","rejected":"bad"}"# + "\n"
    }.joined()
    let plain = try TemporaryFile(text)
    let packed = try TemporaryFile(name: "-rows.jsonl.gz")
    try compressed(text).write(to: packed.url)
    let (rows, report) = try PreferenceFile.read(packed.url)
    #expect(rows.count == 20_000 && report.repeated == 0)
    #expect(try PreferenceFile.read(plain.url).rows == rows)
  }

  @Test("what is compressed is known by its first bytes, whatever its name, also from a pipe")
  func unnamedGzip() throws {
    let packed = try TemporaryFile(name: "rows.jsonl")
    let data = try compressed(Self.line + Self.line)
    try data.write(to: packed.url)
    #expect(try PreferenceFile.read(packed.url).rows.count == 2)
    let pipe = Pipe()
    let writer = Thread {
      // The first byte alone, as a slow writer may give it.
      try? pipe.fileHandleForWriting.write(contentsOf: data.prefix(1))
      usleep(50_000)
      try? pipe.fileHandleForWriting.write(contentsOf: data.dropFirst())
      try? pipe.fileHandleForWriting.close()
    }
    writer.start()
    let source = try PreferenceSource(
      URL(string: "-")!, standardInput: pipe.fileHandleForReading)
    // Twice, for training reads rows again.
    #expect(try source.all.count == 2 && source.all.count == 2)
  }

  @Test(
    "a long file is read in memory that does not grow with it, but for 8 bytes a row or so",
    .disabled(if: isSanitized))
  func memory() throws {
    let count = 100_000
    let file = try TemporaryFile()
    let handle = try FileHandle(forWritingTo: file.url)
    for start in stride(from: 0, to: count, by: 1_000) {
      let text = (start..<start + 1_000).map {
        #"{"prompt":"the soup of the day \#($0)","chosen":"was not very good and \#($0)","rejected":"#
          + #""was the best that we ever had and \#($0)"}"# + "\n"
      }.joined()
      try handle.write(contentsOf: Data(text.utf8))
    }
    try handle.close()
    let before = NumericalLibraries.threadBytes
    var (rows, peak) = (0, 0)
    try PreferenceSource(file.url).survey { _ in
      rows += 1
      if rows.isMultiple(of: 1_000) {
        peak = max(peak, NumericalLibraries.threadBytes - before)
      }
    }
    #expect(rows == count)
    // The file has 14 MB. Digests of its rows take 3.
    #expect(peak < 10 << 20, "\(peak)")
    #expect(peak > count * 8)
  }

  @Test("members that follow each other read as one text, with zeros after them")
  func members() throws {
    let text = #"{"prompt":"p","chosen":"a","rejected":"b"}"#
    let file = try TemporaryFile(name: "rows.jsonl.gz")
    // The first line goes on in the second member.
    let members = [String(text.prefix(9)), String(text.dropFirst(9)) + "\n", "", Self.line]
    var data = Data()
    for member in members { data += try compressed(member) }
    try (data + Data(count: 1_000)).write(to: file.url)
    #expect(try PreferenceFile.read(file.url).rows.count == 2)
  }

  @Test("what a piece expands to takes no more memory than a piece")
  func expansion() throws {
    let file = try TemporaryFile(name: "rows.jsonl.gz")
    try compressed(String(repeating: Self.line, count: 1_000_000)).write(to: file.url)
    #expect(try Data(contentsOf: file.url).count < 1 << 18)
    let before = NumericalLibraries.threadBytes
    var peak = 0
    let source = try RowSource(opening: file.url)
    var count = 0
    while case let piece = try source.read(), !piece.isEmpty {
      count += piece.count
      peak = max(peak, NumericalLibraries.threadBytes - before)
    }
    #expect(count == 1_000_000 * Self.line.utf8.count)
    #expect(peak < 4 << 20, "\(peak)")
  }

  @Test("what cannot be decompressed is refused with its name, also when it begins well")
  func damaged() throws {
    let whole = try compressed(String(repeating: Self.line, count: 50_000))
    var flipped = whole
    flipped[whole.count - 6] ^= 1  // of the checksum
    var unknown = whole
    unknown[2] = 7  // which is reserved
    for (data, reason) in [
      (whole.dropLast(20), "it ends too early"), (whole.dropLast(1), "it ends too early"),
      (whole.prefix(5), "it ends too early"), (Data(), "it ends too early"),
      (flipped, "incorrect data check"), (unknown, "unknown compression method"),
      (Data("no gzip".utf8), "incorrect header check"),
      (whole + Data("no gzip".utf8), "incorrect header check"),
    ] {
      let file = try TemporaryFile(name: "rows.jsonl.gz")
      try data.write(to: file.url)
      let error = #expect(throws: PreferenceError.self) { try PreferenceFile.read(file.url) }
      #expect(
        "\(try #require(error))".hasPrefix(
          "\(file.url.path): cannot be decompressed (\(reason)"))
    }
    #expect(throws: PreferenceError.self) {
      try PreferenceFile.read(URL(filePath: "/nonexistent/rows.jsonl.gz"))
    }
  }

  @Test("a malformed line of a compressed file is named, and reading stops there")
  func malformed() throws {
    let text = Self.line + "{\n" + String(repeating: Self.line, count: 200_000)
    let file = try TemporaryFile(name: "rows.jsonl.gz")
    try compressed(text).write(to: file.url)
    let error = #expect(throws: PreferenceError.self) { try PreferenceFile.read(file.url) }
    #expect("\(try #require(error))".contains("rows.jsonl.gz:2: "))
  }

  @Test("a dash is standard input, and a file of that name is not")
  func standardInput() throws {
    let pipe = Pipe()
    try pipe.fileHandleForWriting.write(contentsOf: Data((Self.line + Self.line + "{").utf8))
    try pipe.fileHandleForWriting.close()
    var rows = 0
    let error = #expect(throws: PreferenceError.self) {
      try PreferenceSource(URL(filePath: "-"), standardInput: pipe.fileHandleForReading)
        .forEachRow { _ in rows += 1 }
    }
    #expect(rows == 2)
    #expect("\(try #require(error))".hasPrefix("standard input:3: "))
    let file = try TemporaryFile(Self.line, name: "-")
    #expect(try PreferenceFile.read(file.url).rows.count == 1)
  }
}

@Suite("Repeated rows")
struct RepeatedRowTests {
  @Test("are counted and used when prompt, responses and judgement are the same")
  func counted() throws {
    let file = try TemporaryFile(
      """
      {"prompt": "p", "chosen": "a", "rejected": "b"}
      {"prompt": "p", "chosen": "a", "rejected": "b", "annotator": "other"}
      {"prompt": "p", "chosen": "b", "rejected": "a"}
      {"prompt": "q", "chosen": "a", "rejected": "b"}
      {"prompt": "p", "chosen": "ab", "rejected": "c"}
      {"prompt": "p", "chosen": "a", "rejected": "bc"}
      {"prompt": "p", "responses": ["a", "b", "c"], "ranking": [0, 1, 2]}
      {"prompt": "p", "responses": ["b", "a", "c"], "ranking": [1, 0, 2]}
      {"prompt": "p", "responses": ["a", "b", "c"], "ranking": [1, 0, 2]}
      {"prompt": "p", "response": "a", "rating": 1}
      {"prompt": "p", "response": "a", "rating": 2}
      {"prompt": "p", "response": "a", "rating": 1.0}
      {"prompt": "p", "chosen": "x", "rejected": "x"}
      {"prompt": "p", "chosen": "x", "rejected": "x"}
      """)
    let (rows, report) = try PreferenceFile.read(file.url)
    #expect(rows.count == 12)
    #expect(report.repeated == 3)
    #expect(report.identicalResponses == 2)
    #expect("\(report)".contains("3 repeat an earlier row, and are kept"))
    #expect("\(report)".contains("1 say the opposite of an earlier row, and are kept"))
  }
}
