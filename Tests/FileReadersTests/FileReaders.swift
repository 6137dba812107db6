import Formats
import Foundation
import LanguageModels
import Preferences
import RunRecords

/// Every reader of files, for bytes that may be damaged: `script/fuzz` and the tests beside run them.
struct FileReaders {
  typealias Reader = @Sendable (FileReaders, Data) throws -> Void

  /// By name; each is given a directory of its own and damaged bytes. It returns, or throws an error of its
  /// own.
  static let all = formats.merging(models) { $1 }.merging(texts) { $1 }.merging(rows) { $1 }
    .merging(settings) { $1 }.merging(records) { $1 }

  private static let formats: [String: Reader] = [
    "json": { files, data in
      let value = try JSONValue(parsing: data)
      try require(
        JSONValue(parsing: value.text().utf8) == value, "JSON that is written reads as it was")
      _ = try WrittenObject(parsing: data)?.text
    },
    "safetensors": { _ = try Safetensors.read($0.file("model.safetensors", $1)) },
    "index": { files, data in
      _ = files.file("index/model.safetensors.index.json", data)
      _ = try Safetensors.readDirectory(files.directory.appending(path: "index"))
    },
  ]

  private static let models: [String: Reader] = [
    // config.json before the tensors of the model whose own is most like it.
    "config": { files, data in try files.models.load(data, files) },
    "adapter": { files, data in try files.adapters.load(data, files) },
    "model": { files, data in
      _ = files.file("tensors/model.safetensors", data)
      try load(files.directory.appending(path: "tensors"))
    },
    "adapter-tensors": { files, data in
      _ = files.file("adapter/model/adapter_model.safetensors", data)
      try load(files.directory.appending(path: "adapter/model"))
    },
    "generation": { files, data in
      _ = files.file("small/generation_config.json", data)
      defer { files.remove("small/generation_config.json") }
      try load(files.directory.appending(path: "small"))
    },
    "card": { files, data in
      _ = files.file("small/README.md", data)
      try load(files.directory.appending(path: "small"))
    },
  ]

  private static let texts: [String: Reader] = [
    "tokenizer": { files, data in
      _ = files.file("tokenizer/tokenizer.json", data)
      let tokenizer = try Tokenizer(directory: files.directory.appending(path: "tokenizer"))
      let ids = tokenizer.encodePrompt(files.text)
      _ = tokenizer.decode(ids) + tokenizer.decode(ids, skippingSpecialTokens: false)
      _ = tokenizer.decode(ids.reversed().prefix(100))
      for id in ids.prefix(9) { _ = tokenizer.id(of: tokenizer.token(id)) }
    },
    "tokenizer-settings": { files, data in
      _ = files.file("words/tokenizer_config.json", data)
      _ = files.file("words/special_tokens_map.json", data)
      let directory = files.directory.appending(path: "words")
      _ = try? ChatTemplates(directory: directory).template()
      _ = try? ChatTemplates(directory: directory).template(forTools: true)
      let tokenizer = try Tokenizer(directory: directory)
      _ = tokenizer.decode(tokenizer.encode("a b c n't ."), skippingSpecialTokens: false)
      _ = try tokenizer.sharesVocabulary(
        with: Tokenizer(directory: files.directory.appending(path: "tokens")))
    },
    // Its config.json, which may name tokens.
    "tokenizer-model": { files, data in
      _ = files.file("tokens/config.json", data)
      _ = try Tokenizer(directory: files.directory.appending(path: "tokens"))
    },
    "template": { files, data in
      _ = files.file("chat/chat_template.jinja", data)
      let template = try ChatTemplates(directory: files.directory.appending(path: "chat"))
        .template()
      try files.conversations.render(by: template)
    },
  ]

  private static let rows: [String: Reader] = [
    "rows": { try survey($0.file("rows.jsonl", $1), as: RowReading()) },
    "csv": { try survey($0.file("rows.csv", $1), as: RowReading()) },
    "texts": { try survey($0.file("rows.txt", $1), as: RowReading()) },
    "gzip": { files, data in
      try survey(files.file("rows.gz", data), as: RowReading())
    },
    // Behind a line of options: columns such as `chosen=good`, an ending of the name such as `.tsv`, `-`
    // for standard input, and from the first brace on a chat template.
    "options": { files, data in
      let end = data.firstIndex(of: UInt8(ascii: "\n")) ?? data.endIndex
      let line = String(decoding: data[..<end], as: UTF8.self)
      let options = line.prefix { $0 != "{" }.split(separator: " ").map(String.init)
      let ending = options.first { ["csv", "tsv", "txt", "json", "gz"].contains($0.dropFirst()) }
      let template = String(line.drop { $0 != "{" })
      let reading = RowReading(
        columns: options.compactMap { NamedColumn($0) },
        format: template.isEmpty ? .plain : try Conversations.format(template))
      let file = files.file("rows\(ending ?? ".jsonl")", Data(data[end...].dropFirst()))
      if options.contains("-"), let handle = FileHandle(forReadingAtPath: file.path) {
        try PreferenceSource([URL(filePath: "-")], as: reading, standardInput: handle).survey { _ in
        }
      }
      try survey(file, as: reading)
    },
  ]

  /// Both kinds of model that a directory may hold; one of them must be there.
  static func load(_ directory: URL) throws {
    _ = try CheckpointFiles(directory).hasScalarHead
    do {
      _ = try ScalarModel.normalization(directory: directory)
      _ = try ScalarModel(directory: directory).paddingNote
      _ = try ScalarModel(directory: directory, narrowingAbove: 0)
    } catch {
      _ = "\(error)"
      _ = try LanguageModel(directory: directory).withAllEnds(
        SpecialTokens(endOfSequence: 1, padding: nil))
    }
  }

  /// All that reads rows: training as it ends at the first fault, and everything as it passes over them.
  static func survey(_ file: URL, as reading: RowReading) throws {
    var reading = reading
    for skips in [false, true] {
      reading.skips = skips
      do {
        let source = try PreferenceSource([file], as: reading)
        for report in try source.survey({ _ = ($0.responses, try? $0.line()) }) {
          _ = "\(report) \(report.columns.notes)"
        }
        if skips { try Judgements(of: source).forEachRow { _ = $0.goldMargin } }
      } catch { _ = "\(error)" }
    }
    do { _ = try PromptFile.read([file], as: reading).report.notes } catch { _ = "\(error)" }
    for readsJudgements in [false, true] {
      let rows = ResponseRowReader([file], as: reading, readsJudgements: readsJudgements)
      while true {
        do {
          guard var row = try rows.nextRow() else { break }
          var count = 1
          if case .text(_, let responses, _) = row.content { count = responses.count }
          try row.set(rewards: Array(repeating: 0.5, count: count), order: Array(0..<count))
          try row.set(logProbabilities: [-0.5], promptIDs: [1], responseIDs: [2])
          _ = row.line
        } catch {
          guard error.isOfOneRow else { break }
        }
      }
    }
    do { _ = try ResponseRowReader.count(in: [file]) } catch { _ = "\(error)" }
    let survey = try DataSurvey(of: file, as: reading)
    for row in survey.shown { _ = row.judgement.text }
  }

  private static func require(_ holds: Bool, _ rule: String) {
    precondition(holds, "broken: \(rule)")
  }

  /// Where files are written for the readers that want some.
  let directory: URL
  let models: StoredModels
  let adapters: StoredModels
  let conversations: Conversations
  /// What tokenizers are given.
  private let text: String

  /// - Parameters:
  ///   - parent: of a new directory, which is removed by ``remove()``.
  ///   - repository: whose committed models stand beside damaged configurations.
  init(in parent: URL, repository: URL) throws {
    directory = parent.appending(path: "rlhf-sim-readers-\(UUID().uuidString)")
    for folder in ["tokenizer", "tokens", "words", "chat", "told", "stopped", "sweep"] {
      try FileManager.default.createDirectory(
        at: directory.appending(path: folder), withIntermediateDirectories: true)
    }
    let fixtures = repository.appending(path: "Tests/ParityTests/Fixtures")
    for (source, folder) in [
      ("kto-step/policy", "small"), ("kto-step/policy", "tensors"),
      ("architectures/adapter-llama", "adapter"),
      ("architectures/llama-bfloat16/model", "index"),
    ] {
      try FileManager.default.copyItem(
        at: fixtures.appending(path: source), to: directory.appending(path: folder))
    }
    models = try StoredModels(
      of: [fixtures, repository.appending(path: "checkpoints/sentiment")], "config.json",
      in: directory.appending(path: "models"))
    adapters = try StoredModels(
      of: [fixtures], "adapter_config.json", in: directory.appending(path: "adapters"))
    conversations = try Conversations(
      repository.appending(path: "Tests/ChatTemplatesTests/Fixtures/cases.json"))
    text = try Self.text(
      of: repository.appending(path: "Tests/TokenizersTests/Fixtures/cases.json"))
    for name in ["metrics", "events", "evaluation", "samples", "rollouts", "prompts", "stopped"] {
      _ = file("\(name)/run.json", Data("{}".utf8))
    }
    let rows = (1...6).map { #"{"step":\#($0),"objective/gold":0.5,"objective/score":1}"# }
    _ = file("evaluation/metrics/ppo.jsonl", Data(rows.joined(separator: "\n").utf8))
    _ = file("told/kept.txt", Data("kept".utf8))
    _ = file("tokenizer/config.json", Data(#"{"eos_token_id":0}"#.utf8))
    for name in ["words", "tokens"] {
      try Tokenizer.wordLevel(words: ["a", "b", "c"]).save(to: directory.appending(path: name))
    }
  }

  /// The texts that tokenizers are compared with another library by.
  private static func text(of file: URL) throws -> String {
    let cases = try JSONValue(parsing: Data(contentsOf: file)).object?.members ?? []
    let texts = cases.flatMap { ($0.value.array ?? []).compactMap { $0.object?["text"]?.string } }
    var seen: Set<String> = []
    return texts.filter { $0.utf8.count < 200 && seen.insert($0).inserted }.joined(separator: " ")
  }

  func remove() { try? FileManager.default.removeItem(at: directory) }

  func remove(_ name: String) {
    try? FileManager.default.removeItem(at: directory.appending(path: name))
  }

  func run(_ name: String) throws -> RunDirectory { try .open(directory.appending(path: name)) }

  /// Whether no part of a path is a file already.
  func canWrite(_ name: String) -> Bool {
    let parent = directory.appending(path: name).deletingLastPathComponent()
    try? FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    var isDirectory: ObjCBool = false
    let place = directory.appending(path: name).path
    return FileManager.default.fileExists(atPath: parent.path, isDirectory: &isDirectory)
      && isDirectory.boolValue
      && !(FileManager.default.fileExists(atPath: place, isDirectory: &isDirectory)
        && isDirectory.boolValue)
  }

  /// Writes a file as quickly as it goes: libFuzzer does so some thousand times a second.
  func file(_ name: String, _ data: Data) -> URL {
    let file = directory.appending(path: name)
    var descriptor = open(file.path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    if descriptor < 0 {
      let parent = file.deletingLastPathComponent()
      try? FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
      descriptor = open(file.path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    }
    data.withUnsafeBytes { bytes in
      let count = write(descriptor, bytes.baseAddress, bytes.count)
      precondition(count == bytes.count, "\(file.path) cannot be written")
    }
    close(descriptor)
    return file
  }
}
