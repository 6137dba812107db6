import Formats
import Foundation
import LanguageModels
import Preferences
import RunRecords
import Settings
import Worlds

// One libFuzzer target for every reader of files; `script/fuzz` builds and runs it. READER says which.

/// A reader is given damaged bytes. It returns, or throws an error of its own.
private typealias Reader = (Data) throws -> Void

private let readers: [String: Reader] = [
  "json": { data in
    let value = try JSONValue(parsing: data)
    try require(JSONValue(parsing: value.text().utf8) == value, "JSON that is written reads as it was")
    _ = try WrittenObject(parsing: data)
  },
  "safetensors": { _ = try Safetensors.read(place.file("model.safetensors", $0)) },
  "index": { data in
    _ = place.file("index/model.safetensors.index.json", data)
    _ = try Safetensors.readDirectory(place.url.appending(path: "index"))
  },
  // config.json before tensors of some model.
  "config": { data in
    _ = place.file("model/config.json", data)
    do { _ = try LanguageModel(directory: place.url.appending(path: "model")) } catch {
      _ = "\(error)"
    }
    _ = try ScalarModel(directory: place.url.appending(path: "model"))
  },
  "adapter": { data in
    _ = place.file("adapter/adapter_config.json", data)
    _ = try LanguageModel(directory: place.url.appending(path: "adapter"))
  },
  "tokenizer": { data in
    _ = place.file("tokenizer/tokenizer.json", data)
    let tokenizer = try Tokenizer(directory: place.url.appending(path: "tokenizer"))
    _ = tokenizer.decode(tokenizer.encodePrompt("The soup, 12 é\u{301} 漢字 \n <s>it's"))
  },
  "tokenizer-settings": { data in
    _ = place.file("words/tokenizer_config.json", data)
    _ = place.file("words/special_tokens_map.json", data)
    let directory = place.url.appending(path: "words")
    _ = try ChatTemplates(directory: directory).template()
    _ = try Tokenizer(directory: directory).encode("a b c")
  },
  "template": { data in
    let template = try ChatTemplate(String(decoding: data, as: UTF8.self), name: "template")
    let messages: [JSONObject] = ["system", "user", "assistant"].map {
      ["role": .string($0), "content": .string(" a\n\($0) é ")]
    }
    _ = try template.render(
      messages: messages, tools: [.object(["name": .string("f")])], addGenerationPrompt: true,
      variables: ["bos_token": .string("<s>"), "eos_token": .string("</s>")])
  },
  "rows": { try survey(place.file("rows.jsonl", $0)) },
  "csv": { try survey(place.file("rows.csv", $0)) },
  "texts": { try survey(place.file("rows.txt", $0)) },
  "gzip": { try survey(place.file("rows.gz", $0)) },
  "settings": { data in
    let document = try SettingsDocument(contentsOf: place.file("world.yaml", data))
    _ = try document.read(WorldConfiguration.self)
  },
  "metrics": { data in
    _ = place.file("run/metrics/ppo.jsonl", data)
    _ = try MetricsTable(stage: .ppo, in: run())
  },
  "evaluation": { data in
    _ = place.file("run/evaluation.json", data)
    _ = try EvaluationSummary.read(from: run())
  },
  "samples": { data in
    _ = place.file("run/samples/before_after.jsonl", data)
    _ = try SampleComparison.read(from: run())
  },
  "rollouts": { data in
    _ = place.file("run/samples/rollouts.jsonl", data)
    for rollout in try RolloutRecord.read(from: run()) {
      _ = rollout.deltas
      for token in rollout.tokens.indices { _ = rollout.isClipped(token) }
    }
  },
  "information": { data in
    _ = place.file("run/run.json", data)
    _ = try RunInformation.read(from: run())
  },
]

private func survey(_ file: URL) throws {
  do { _ = try PreferenceFile([file]).survey { _ in } } catch { _ = "\(error)" }
  _ = try DataSurvey(of: file, as: RowReading(skips: true))
}

private func run() throws -> RunDirectory { try .open(place.url.appending(path: "run")) }

private func require(_ holds: Bool, _ rule: String) {
  if !holds { fatalError("broken: \(rule)") }
}

/// Files of this process, in memory where the system has such a place.
private struct Place {
  let url: URL

  init() {
    let shared = "/dev/shm"
    let base =
      FileManager.default.isWritableFile(atPath: shared)
      ? URL(filePath: shared) : FileManager.default.temporaryDirectory
    url = base.appending(path: "rlhf-sim-fuzzing-\(getpid())")
    for folder in ["index", "model", "adapter", "tokenizer", "words", "run/metrics", "run/samples"] {
      try? FileManager.default.createDirectory(
        at: url.appending(path: folder), withIntermediateDirectories: true)
    }
    _ = file("run/run.json", Data("{}".utf8))
    let words = Tokenizer.wordLevel(words: ["a", "b", "c"])
    try? words.save(to: url.appending(path: "words"))
    // The committed policy is the model, and the base of the adapter.
    let policy = URL(filePath: FileManager.default.currentDirectoryPath)
      .appending(path: "checkpoints/sentiment/sft")
    for name in ["model.safetensors", "config.json"] {
      try? FileManager.default.copyItem(
        at: policy.appending(path: name), to: url.appending(path: "model/\(name)"))
    }
  }

  func file(_ name: String, _ data: Data) -> URL {
    let file = url.appending(path: name)
    let descriptor = open(file.path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    data.withUnsafeBytes { bytes in
      let count = write(descriptor, bytes.baseAddress, bytes.count)
      precondition(count == bytes.count, "\(file.path) cannot be written")
    }
    close(descriptor)
    return file
  }

  func remove() { try? FileManager.default.removeItem(at: url) }
}

nonisolated(unsafe) private let place = Place()
nonisolated(unsafe) private let reader: Reader = {
  let name = ProcessInfo.processInfo.environment["READER"] ?? ""
  guard let reader = readers[name] else {
    print(readers.keys.sorted().joined(separator: " "))
    exit(64)
  }
  atexit { place.remove() }
  return reader
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do { try reader(Data(UnsafeBufferPointer(start: bytes, count: count))) } catch {
    // Every error can be said.
    require(!"\(error)".isEmpty, "an error has a message")
  }
  return 0
}
