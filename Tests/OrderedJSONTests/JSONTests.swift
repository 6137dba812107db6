import Formats
import Foundation
import Statistics
import Testing

@Suite struct JSONTests {
  @Test(
    "documents are read and written back as they were",
    arguments: [
      #"{"z":1,"a":[true,false,null,-2.5,"x"],"m":{}}"#, "[]", "\"é\\n\\\"\\\\\"", "0", "-0.0",
      "12345678901", "1e+20", "{\"\u{E9}\":1,\"e\u{301}\":2}", "\"😀\\u0001\"",
    ])
  func roundTrip(text: String) throws {
    let value = try JSONValue(parsing: text.utf8)
    #expect(try value.text().utf8.elementsEqual(text.utf8))
    #expect(try JSONValue(parsing: try value.text(.indented).utf8) == value)
  }

  @Test("escapes and surrogate pairs are decoded")
  func escapes() throws {
    let value = try JSONValue(parsing: #"  "\u00e9\ud83d\ude00\/\t\b" "#.utf8)
    #expect(value == .string("é😀/\t\u{8}"))
  }

  @Test("the indented layout is the one of the examples: two spaces, a member a line")
  func indented() throws {
    let value = JSONValue.object(["b": .array([.int(1)]), "a": .object([:])])
    #expect(try value.text(.indented) == "{\n  \"b\": [\n    1\n  ],\n  \"a\": {}\n}")
  }

  @Test(
    "what is not JSON is refused with its place",
    arguments: [
      "", "{", "[1,]", "{\"a\":1,\"a\":2}", "01", "1.", "-", "\"\\x\"", "\"\\ud800\"", "nul",
      "1 2", "\"\n\"", "1e999", "{\"a\" 1}", "{a:1}", "NaN", "[1", "\"abc", "\"\\u12",
      "\"\\udc00\"",
    ])
  func refused(text: String) {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text.utf8) }
    #expect(error?.offset != nil)
  }

  @Test("invalid UTF-8 and bottomless nesting are refused")
  func hostile() {
    #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xC3, 0x28, 0x22]) }
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: JSONError.self) { try JSONValue(parsing: deep.utf8) }
  }

  @Test("random damage never does more than throw")
  func damage() throws {
    let text = Array(#"{"a":[1,2.5e-3,"x\u00e9\n"],"b":{"c":null,"d":true}}"#.utf8)
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<5000 {
      var bytes = text
      bytes[generator.index(below: bytes.count)] = UInt8(generator.index(below: 256))
      bytes.removeLast(generator.index(below: 4))
      _ = try? JSONValue(parsing: bytes)
    }
  }

  @Test("a number that is not finite is not written")
  func notFinite() {
    #expect(throws: JSONError.self) { try JSONValue.array([.double(.nan)]).text() }
  }

  @Test("setting a member replaces it in place, appends it or removes it")
  func members() {
    var object: JSONObject = ["a": .int(1), "b": .int(2)]
    object["a"] = .int(3)
    object["c"] = .null
    object["b"] = nil
    #expect(object == ["a": .int(3), "c": .null])
  }
}
