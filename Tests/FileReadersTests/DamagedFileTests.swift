import Formats
import Foundation
import LanguageModels
import Numerics
import Preferences
import Statistics
import Testing

private let repository = URL(filePath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// Files as they should be, by the reader that they are for.
private let valid: [(reader: String, text: Data)] = {
  func file(_ path: String) -> Data {
    (try? Data(contentsOf: repository.appending(path: path))) ?? Data()
  }
  let pair = #"{"prompt":"a","chosen":[{"role":"user","content":"b"}],"rejected":"c"}"#
  let rollout =
    #"{"iteration":1,"episode":0,"prompt":"a","tokens":["b"],"response_ids":[3],"ended":true,"#
    + #""score":1,"coefficient":0.1,"discount":1,"lambda":0.9,"clip_range":0.2,"kl":[0],"#
    + ["log_probabilities", "reference_log_probabilities", "kl_exact", "entropies", "rewards"]
    .map { "\"\($0)\":[0.5]," }.joined()
    + #""values":[0],"advantages":[1],"returns":[1],"ratios":[1]}"#
  let header = #"{"a":{"dtype":"BF16","shape":[2,1],"data_offsets":[0,4]}}"#
  let tensors = Data([UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0]) + Data(header.utf8)
  let fixtures = "Tests/TokenizersTests/Fixtures"
  let parity = "Tests/ParityTests/Fixtures"
  /// The first input of a file of them.
  func first(_ name: String) -> Data { inputs(of: place.appending(path: name)).first ?? Data() }
  return [
    ("json", Data(#" {"a":[1,-2.5e-3,"é\n\ud83d\ude00",null,true],"b":{"c":[]}}"#.utf8)),
    ("safetensors", tensors + Data([0, 0, 128, 63])),
    ("config", file("checkpoints/sentiment/sft/config.json")),
    (
      "adapter",
      file(
        "Tests/ParityTests/Fixtures/architectures/adapter-llama/model/adapter_config.json")
    ),
    ("tokenizer", file("\(fixtures)/qwen/tokenizer.json")),
    ("tokenizer", file("\(fixtures)/llama2/tokenizer.json")),
    ("template", file("Tests/ChatTemplatesTests/Fixtures/families/modes.jinja")),
    (
      "rows",
      Data("\(pair)\n{\"prompt\":\"a\",\"responses\":[\"b\",\"c\"],\"ranking\":[1,0]}\n".utf8)
    ),
    ("rows", Data("[\(pair),\n\(pair)]".utf8)),
    ("csv", Data("prompt,chosen,rejected\n\"a \"\"b\"\"\nc\",d,e\r\n".utf8)),
    ("texts", Data("one text\nand another\n".utf8)),
    ("gzip", gzipped),
    ("settings", file("scenarios/sentiment.yaml")),
    ("settings", Data("a: &x [1, \"b\", ~]\nc: *x\nd: |\n  e\n? f\n: {g: 1e3}\n".utf8)),
    (
      "metrics",
      Data("{\"step\":1,\"seconds\":0.5,\"a/b\":null}\n{\"step\":2,\"seconds\":1}\n".utf8)
    ),
    ("evaluation", Data(#"{"win_rate":{"value":0.8,"low":0.7,"high":0.9,"n":5}}"#.utf8)),
    ("rollouts", Data((rollout + "\n").utf8)),
    ("samples", Data("{\"prompt\":\"a\",\"before\":\"b\",\"after\":\"c\"}\n".utf8)),
    ("model", file("\(parity)/kto-step/policy/model.safetensors")),
    (
      "adapter-tensors",
      file("\(parity)/architectures/adapter-llama/model/adapter_model.safetensors")
    ),
    ("index", first("index/indexes.lines")),
    ("generation", first("generation/configurations.lines")),
    ("card", first("card/cards.parts")),
    ("tokenizer-settings", first("tokenizer-settings/settings.lines")),
    ("tokenizer-model", first("tokenizer-model/configurations.lines")),
    ("options", first("options/columns.parts")),
    ("scenario", file("scenarios/sentiment.yaml")),
    ("overrides", first("overrides/assignments.parts")),
    ("plan", first("plan/plans.parts")),
    ("lesson", first("lesson/lessons.parts")),
    ("evaluation", first("evaluation/figures.lines")),
    ("events", first("events/three.tfevents")),
    ("fixed-prompts", first("fixed-prompts/rows.lines")),
    ("information", first("information/runs.lines")),
    ("state", first("state/stages.lines")),
    ("labels", first("labels/journals.parts")),
    ("sweep", first("sweep/tasks.lines")),
    ("directory", first("directory/files.parts")),
  ]
}()

private let place = URL(filePath: #filePath).deletingLastPathComponent()
  .appending(path: "Fixtures")

/// What a committed file holds: an input a line of `.lines`, and between lines of four equal signs of
/// `.parts`; any other is one.
private func inputs(of file: URL) -> [Data] {
  let data = (try? Data(contentsOf: file)) ?? Data()
  let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  switch file.pathExtension {
  case "lines": return lines.dropLast().map { Data($0) }
  case "parts":
    return lines.split(separator: Data("====".utf8), omittingEmptySubsequences: false).map {
      Data($0.joined(separator: Data("\n".utf8)))
    }
  default: return [data]
  }
}

/// `{"prompt":"a"}` and a line end.
private let gzipped =
  Data(
    base64Encoded: "H4sIAAAAAAACA6tWKijKzy0oUbJSSlSq5QIA+Y2t6g8AAAA=") ?? Data()

extension Data {
  /// With up to four bytes changed, cut out, doubled or put in.
  fileprivate func damaged(using generator: inout SeededGenerator) -> Data {
    var bytes = [UInt8](self)
    for _ in 0...generator.index(below: 4) where !bytes.isEmpty {
      let start = generator.index(below: bytes.count)
      let range = start..<Swift.min(bytes.count, start + 1 + generator.index(below: 16))
      switch generator.index(below: 5) {
      case 0: bytes[start] ^= 1 << UInt8(generator.index(below: 8))
      case 1: bytes[start] = Array("\"{}[],:0-9eE.\\\n &*'\u{0}".utf8)[generator.index(below: 20)]
      case 2: bytes.removeSubrange(range)
      case 3: bytes.insert(contentsOf: bytes[range], at: start)
      default: bytes.removeLast(bytes.count - start)
      }
    }
    return Data(bytes)
  }
}

@Suite("Files of every reader")
struct DamagedFileTests {
  @Test("read when they are as they should be, and damaged never crash: 200 seeded damages each")
  func damage() throws {
    let files = try FileReaders(in: FileManager.default.temporaryDirectory, repository: repository)
    defer { files.remove() }
    var (generator, refused) = (SeededGenerator(seed: 18), 0)
    for (name, text) in valid {
      let read = try #require(FileReaders.all[name])
      #expect(!text.isEmpty)
      if name != "settings" {
        #expect(throws: Never.self, "\(name)") { try read(files, text) }
      }
      for _ in 0..<200 {
        do { try read(files, text.damaged(using: &generator)) } catch {
          refused += 1
          // An error of a reader says what and where, and how the program ends.
          #expect(error is any EndingError || error is JSONError, "\(name): \(error)")
        }
      }
    }
    #expect(refused > 100 * valid.count / 2)
  }

  @Test("the inputs that fuzzing begins with are read, or refused by an error that says why")
  func committed() throws {
    let files = try FileReaders(in: FileManager.default.temporaryDirectory, repository: repository)
    defer { files.remove() }
    let paths = try FileManager.default.subpathsOfDirectory(atPath: place.path).sorted()
    var (read, refused) = (0, 0)
    for path in paths {
      guard let name = path.split(separator: "/").first, path.contains("/") else { continue }
      let reader = try #require(FileReaders.all[String(name)], "\(path)")
      for input in inputs(of: place.appending(path: path)) {
        do {
          try reader(files, input)
          read += 1
        } catch {
          refused += 1
          #expect(error is any EndingError || error is JSONError, "\(path): \(error)")
        }
      }
    }
    #expect(read > 200 && refused > 400)
  }

  @Test("a number of a model's configuration that is beyond all bounds never ends the program")
  func extremes() throws {
    let files = try FileReaders(in: FileManager.default.temporaryDirectory, repository: repository)
    defer { files.remove() }
    let fixtures = repository.appending(path: "Tests/ParityTests/Fixtures")
    let paths = try #require(FileManager.default.enumerator(atPath: fixtures.path))
      .compactMap { $0 as? String }
    var count = 0
    for (name, file) in [("config", "/config.json"), ("adapter", "/adapter_config.json")] {
      let read = try #require(FileReaders.all[name])
      for path in paths.sorted() where path.hasSuffix(file) {
        let text = try String(contentsOf: fixtures.appending(path: path), encoding: .utf8)
        for number in text.matches(of: /: (-?[0-9][-+.0-9e]*)/) {
          for extreme in [
            "9223372036854775807", "-9223372036854775808", "4294967296", "16777216", "0", "-1",
            "1e308", "1e-308", "-0.0", "\"x\"", "[]",
          ] {
            var changed = text
            changed.replaceSubrange(
              number.output.1.startIndex..<number.output.1.endIndex, with: extreme)
            do { try read(files, Data(changed.utf8)) } catch {
              #expect(error is any EndingError, "\(path): \(error)")
            }
            count += 1
          }
        }
      }
    }
    #expect(count > 2000)
  }

  @Test("random JSON reads as it was written")
  func json() throws {
    var generator = SeededGenerator(seed: 3)
    func value(_ depth: Int) -> JSONValue {
      switch generator.index(below: depth > 4 ? 5 : 7) {
      case 0: return .null
      case 1: return .bool(generator.index(below: 2) == 0)
      case 2: return .int(Int(bitPattern: UInt(generator.next())))
      case 3:
        let number = Double(bitPattern: generator.next())
        return .double(
          number.isFinite && Double(Int(exactly: number) ?? 1) != number ? number : 0.5)
      case 4:
        return .string(
          String(
            String.UnicodeScalarView(
              (0..<generator.index(below: 6)).compactMap { _ in
                Unicode.Scalar(UInt32(generator.index(below: 0x11_0000)))
              })))
      case 5: return .array((0..<generator.index(below: 5)).map { _ in value(depth + 1) })
      default:
        return .object(
          JSONObject((0..<generator.index(below: 5)).map { ("k\($0)", value(depth + 1)) }))
      }
    }
    for _ in 0..<500 {
      let value = value(0)
      #expect(try JSONValue(parsing: value.text().utf8) == value)
      #expect(try JSONValue(parsing: value.text(.indented).utf8) == value)
    }
  }

  @Test("random tensors read as they were written, bit by bit")
  func tensors() throws {
    var generator = SeededGenerator(seed: 4)
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).safetensors")
    defer { try? FileManager.default.removeItem(at: file) }
    for _ in 0..<20 {
      let written = (0..<1 + generator.index(below: 4)).map { index in
        let shape = (0..<generator.index(below: 4)).map { _ in generator.index(below: 4) }
        let values = (0..<shape.reduce(1, *)).map { _ in
          Float(bitPattern: UInt32(truncatingIfNeeded: generator.next()))
        }
        return NamedTensor(name: "tensor \(index) é\"", tensor: Tensor(values, shape: shape))
      }
      try Safetensors.write(written, to: file)
      let read = try Safetensors.read(file)
      #expect(read.names == written.map(\.name))
      for named in written {
        let tensor = try #require(read[named.name])
        #expect(tensor.shape == named.tensor.shape)
        #expect(tensor.values.map(\.bitPattern) == named.tensor.values.map(\.bitPattern))
      }
    }
  }

  @Test("files larger than is read of them, and devices without an end, are refused")
  func bounds() throws {
    #expect(throws: FileReadingError.tooLarge(limit: 1000)) {
      try readFile(URL(filePath: "/dev/zero"), atMost: 1000)
    }
    let file = FileManager.default.temporaryDirectory.appending(path: "\(UUID())")
    try Data(repeating: 1, count: 1000).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    #expect(try readFile(file, atMost: 1000).count == 1000)
    #expect(throws: FileReadingError.self) { try readFile(file, atMost: 999) }
  }

  @Test("control characters are shown, and the middle of long texts is left out")
  func visible() {
    #expect(
      "a\u{1B}[2J\u{9B}b\r\n\tc\u{7F}é".withVisibleControls
        == "a\\u{1B}[2J\\u{9B}b\\u{D}\n\tc\\u{7F}é")
    #expect("abcdefghij".shortened(to: 4) == "ab … 6 characters … ij")
    #expect("abcd".shortened(to: 4) == "abcd")
  }
}
