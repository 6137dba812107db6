import Formats
import Foundation
import LanguageModels
import Testing

@Suite struct ConfigurationFileTests {
  let directory: TemporaryDirectory
  let file: URL

  init() throws {
    directory = try TemporaryDirectory()
    file = directory.file("config.json")
    try Data(
      """
      {"layers": 4, "whole": 4.0, "rate": 1e-5, "tied": true, "type": "llama", "unset": null,
       "names": ["a", "b"], "mixed": ["a", 1], "rope": {"theta": 10000}}
      """.utf8
    ).write(to: file)
  }

  @Test("typed getters read what is there and fall back where they may")
  func getters() throws {
    let configuration = try ConfigurationFile(file)
    #expect(try configuration.int("layers") == 4)
    #expect(try configuration.int("whole") == 4)
    #expect(try configuration.double("rate") == 1e-5)
    #expect(try configuration.double("layers") == 4)
    #expect(try configuration.bool("tied"))
    #expect(try configuration.string("type") == "llama")
    #expect(try configuration.strings("names") == ["a", "b"])
    #expect(try configuration.nested("rope").int("theta") == 10000)
    #expect(try configuration.int("unset", default: 7) == 7)
    #expect(try configuration.int("absent", default: 8) == 8)
    #expect(configuration["unset"] == nil)
  }

  @Test("a missing key and a wrong type are named with file, key and what to write")
  func errors() throws {
    let configuration = try ConfigurationFile(file)
    func message(_ body: () throws -> Void) throws -> String {
      "\(try #require(#expect(throws: CheckpointError.self, performing: body)))"
    }
    #expect(
      try message { _ = try configuration.int("heads") }
        == "\(file.path): key `heads`: is missing; add it with a whole number")
    #expect(
      try message { _ = try configuration.int("type", default: 1) }
        == "\(file.path): key `type`: is a string; write a whole number")
    #expect(
      try message { _ = try configuration.nested("rope").string("theta") }
        .contains("key `rope.theta`"))
    #expect(try message { _ = try configuration.int("rate") }.contains("a whole number"))
    #expect(try message { _ = try configuration.strings("mixed") }.contains("list of strings"))
    #expect(try message { _ = try configuration.int("unset") }.contains("is missing"))
  }

  @Test("a file that is not a JSON object is refused")
  func malformed() throws {
    for text in ["[]", "{", ""] {
      try Data(text.utf8).write(to: file)
      #expect(throws: CheckpointError.self) { try ConfigurationFile(file) }
    }
    #expect(throws: CheckpointError.self) { try ConfigurationFile(directory.file("absent")) }
  }

  @Test("what is written is indented, ordered and ends with a newline")
  func writing() throws {
    try ConfigurationFile.write([("b", .int(1)), ("a", .string("x"))], to: file)
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text == "{\n  \"b\": 1,\n  \"a\": \"x\"\n}\n")
  }
}
