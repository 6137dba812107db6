import Formats
import Foundation
import LanguageModels
import Preferences
import RunRecords
import Settings
import Worlds

/// Every reader of files, for bytes that may be damaged: `script/fuzz` and the tests beside run them.
struct FileReaders {
  /// By name; each is given a directory of its own and damaged bytes. It returns, or throws an error of its
  /// own.
  static let all: [String: @Sendable (FileReaders, Data) throws -> Void] = [
    "json": { files, data in
      let value = try JSONValue(parsing: data)
      try require(
        JSONValue(parsing: value.text().utf8) == value, "JSON that is written reads as it was")
      _ = try WrittenObject(parsing: data)
    },
    "safetensors": { _ = try Safetensors.read($0.file("model.safetensors", $1)) },
    "index": { files, data in
      _ = files.file("index/model.safetensors.index.json", data)
      _ = try Safetensors.readDirectory(files.directory.appending(path: "index"))
    },
    // config.json before tensors of some model.
    "config": { files, data in
      _ = files.file("model/config.json", data)
      do { _ = try ScalarModel(directory: files.directory.appending(path: "model")) } catch {
        _ = "\(error)"
      }
      _ = try LanguageModel(directory: files.directory.appending(path: "model"))
    },
    "adapter": { files, data in
      _ = files.file("adapter/adapter_config.json", data)
      _ = try LanguageModel(directory: files.directory.appending(path: "adapter"))
    },
    "tokenizer": { files, data in
      _ = files.file("tokenizer/tokenizer.json", data)
      let tokenizer = try Tokenizer(directory: files.directory.appending(path: "tokenizer"))
      _ = tokenizer.decode(tokenizer.encodePrompt("The soup, 12 é\u{301} 漢字 \n <s>it's"))
    },
    "tokenizer-settings": { files, data in
      _ = files.file("words/tokenizer_config.json", data)
      _ = files.file("words/special_tokens_map.json", data)
      let directory = files.directory.appending(path: "words")
      _ = try ChatTemplates(directory: directory).template()
      _ = try Tokenizer(directory: directory).encode("a b c")
    },
    "template": { files, data in
      let template = try ChatTemplate(String(decoding: data, as: UTF8.self), name: "template")
      let tool = try JSONValue(
        parsing: #"{"name":"f","description":"d","parameters":{"type":"object","properties":{}}}"#
          .utf8)
      let messages: [JSONObject] = ["system", "user", "assistant"].map {
        ["role": .string($0), "content": .string(" a\n\($0) é ")]
      }
      _ = try template.render(
        messages: messages, tools: [tool], addGenerationPrompt: true,
        variables: ["bos_token": .string("<s>"), "eos_token": .string("</s>")])
    },
    "rows": { try survey($0.file("rows.jsonl", $1)) },
    "csv": { try survey($0.file("rows.csv", $1)) },
    "texts": { try survey($0.file("rows.txt", $1)) },
    "gzip": { try survey($0.file("rows.gz", $1)) },
    "settings": { files, data in
      let document = try SettingsDocument(contentsOf: files.file("world.yaml", data))
      _ = try document.read(WorldConfiguration.self)
    },
    "metrics": { files, data in
      _ = files.file("run/metrics/ppo.jsonl", data)
      _ = try MetricsTable(stage: .ppo, in: files.run)
    },
    "evaluation": { files, data in
      _ = files.file("run/evaluation.json", data)
      _ = try EvaluationSummary.read(from: files.run)
    },
    "samples": { files, data in
      _ = files.file("run/samples/before_after.jsonl", data)
      _ = try SampleComparison.read(from: files.run)
    },
    "rollouts": { files, data in
      _ = files.file("run/samples/rollouts.jsonl", data)
      for rollout in try RolloutRecord.read(from: files.run) {
        _ = rollout.deltas
        for token in rollout.tokens.indices { _ = rollout.isClipped(token) }
      }
    },
    "information": { files, data in
      _ = files.file("run/run.json", data)
      _ = try RunInformation.read(from: files.run)
    },
  ]

  private static func survey(_ file: URL) throws {
    do { _ = try PreferenceSource([file]).survey { _ in } } catch { _ = "\(error)" }
    _ = try DataSurvey(of: file, as: RowReading(skips: true))
  }

  private static func require(_ holds: Bool, _ rule: String) {
    precondition(holds, "broken: \(rule)")
  }

  /// Where files are written for the readers that want some.
  let directory: URL

  /// - Parameters:
  ///   - parent: of a new directory, which is removed by ``remove()``.
  ///   - repository: whose committed models stand beside damaged configurations.
  init(in parent: URL, repository: URL) throws {
    directory = parent.appending(path: "rlhf-sim-readers-\(UUID().uuidString)")
    for folder in ["index", "tokenizer", "words", "run/metrics", "run/samples"] {
      try FileManager.default.createDirectory(
        at: directory.appending(path: folder), withIntermediateDirectories: true)
    }
    let adapter = "Tests/ParityTests/Fixtures/architectures/adapter-llama"
    for (source, folder) in [
      ("checkpoints/sentiment/sft", "model"), (adapter + "/base", "base"),
      (adapter + "/model", "adapter"),
    ] {
      try FileManager.default.copyItem(
        at: repository.appending(path: source), to: directory.appending(path: folder))
    }
    _ = file("run/run.json", Data("{}".utf8))
    _ = file("tokenizer/config.json", Data(#"{"eos_token_id":0}"#.utf8))
    try Tokenizer.wordLevel(words: ["a", "b", "c"]).save(to: directory.appending(path: "words"))
  }

  func remove() { try? FileManager.default.removeItem(at: directory) }

  private var run: RunDirectory {
    get throws { try .open(directory.appending(path: "run")) }
  }

  /// Writes a file as quickly as it goes: libFuzzer does so some thousand times a second.
  private func file(_ name: String, _ data: Data) -> URL {
    let file = directory.appending(path: name)
    let descriptor = open(file.path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    data.withUnsafeBytes { bytes in
      let count = write(descriptor, bytes.baseAddress, bytes.count)
      precondition(count == bytes.count, "\(file.path) cannot be written")
    }
    close(descriptor)
    return file
  }
}
