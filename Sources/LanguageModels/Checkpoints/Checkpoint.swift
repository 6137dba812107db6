import Formats
package import Foundation

/// A checkpoint's directory, opened: its configuration, the headers of its tensors, and what is carried
/// over to what is saved of it. That of a PEFT adapter is its base model with the adapter upon it.
struct Checkpoint {
  let configuration: ConfigurationFile
  let tensors: StoredTensors
  let adapter: StoredAdapter?
  let origin: CheckpointOrigin

  init(_ directory: URL) throws {
    let files = try CheckpointFiles(directory)
    configuration = try ConfigurationFile(files.configuration)
    var tensors = try StoredTensors(directory: files.base)
    let adapter = try files.adapter.map { try StoredAdapter(directory: $0) }
    if let adapter { tensors.overlay(adapter.tensors, renaming: adapter.nameInPlaceOfBase) }
    self.tensors = tensors
    self.adapter = adapter
    origin = try CheckpointOrigin(files, configuration)
  }

  /// Throws ``CheckpointError`` when the architecture has not the head that is asked for.
  func requireHead(_ head: Head) throws {
    let name =
      configuration["architectures"] == nil ? nil : try configuration.strings("architectures").first
    let hasScalarHead = try hasScalarHead
    switch head {
    case .language where hasScalarHead:
      throw configuration.failure(
        "architectures",
        "is \(name ?? "missing"), which has no language head; "
          + "give the directory of a policy, such as checkpoints/sentiment/sft")
    case .scalar where name != nil && !hasScalarHead && valueHead == nil:
      throw configuration.failure(
        "architectures",
        "is \(name ?? ""), which has no scalar head; "
          + "give the directory of a reward model, such as checkpoints/sentiment/reward")
    default: break
    }
  }

  /// Whether it is a reward or value model, and no policy.
  var hasScalarHead: Bool {
    get throws {
      if adapter?.hasScalarHead == true { return true }
      guard configuration["architectures"] != nil else { return false }
      return try configuration.strings("architectures").first?
        .hasSuffix("ForSequenceClassification") ?? false
    }
  }

  enum Head { case language, scalar }

  /// That of a policy that has one (`AutoModelForCausalLMWithValueHead` of TRL and of trlX).
  var valueHead: ValueHead? {
    if tensors.contains("v_head.summary.weight") { return .linear }
    return tensors.contains("v_head.0.weight") ? .hidden : nil
  }
}

/// Where the parts of a checkpoint are.
package struct CheckpointFiles: Sendable {
  /// The directory that was given.
  package let directory: URL
  /// The directory of the model, or of an adapter's base model.
  package let base: URL
  /// That of an adapter, if it is one.
  let adapter: URL?

  /// - Throws: ``CheckpointError`` when an adapter does not say where its base model is.
  package init(_ directory: URL) throws {
    self.directory = directory
    let settings = directory.appending(path: "adapter_config.json")
    let hasModel = ["model.safetensors", "model.safetensors.index.json"].contains {
      FileManager.default.fileExists(atPath: directory.appending(path: $0).path)
    }
    guard !hasModel, FileManager.default.fileExists(atPath: settings.path) else {
      (base, adapter) = (directory, nil)
      return
    }
    let file = try ConfigurationFile(settings)
    let key = "base_model_name_or_path"
    let path = try file.string(key)
    let place = URL(filePath: path, relativeTo: directory.absoluteURL.directory).standardizedFileURL
    guard FileManager.default.fileExists(atPath: place.appending(path: "config.json").path) else {
      throw file.failure(
        key,
        "is \(path), and there is no config.json in \(place.path); download the base model and write "
          + "its directory here, absolute or relative to the adapter's")
    }
    (base, adapter) = (place, directory)
  }

  package var configuration: URL { base.appending(path: "config.json") }

  /// Whether it has a head to one number: that of a reward or value model, or beside a policy's own.
  package var hasScalarHead: Bool {
    get throws {
      let checkpoint = try Checkpoint(directory)
      return try checkpoint.hasScalarHead || checkpoint.valueHead != nil
    }
  }

  /// Where the tokenizer is: beside an adapter, if it has one, or beside its base model.
  package var tokenizer: URL {
    let own = directory.appending(path: "tokenizer.json").path
    return FileManager.default.fileExists(atPath: own) ? directory : base
  }
}

extension URL {
  /// The same path, as that of a directory.
  fileprivate var directory: URL { URL(filePath: path, directoryHint: .isDirectory) }
}

/// The checkpoint that a model was loaded from, as far as what is saved of the model depends on it.
package struct CheckpointOrigin: Sendable {
  /// All of `config.json`.
  let configuration: JSONObject
  /// Files that are carried over byte for byte.
  let files: [(name: String, data: Data)]
  /// Every token that ends a response, by `generation_config.json` and `config.json`.
  package let endTokens: [Int32]
  package let padding: Int?
  /// The name of the checkpoint that training began from.
  let baseModel: String?

  private static let carried = [
    "generation_config.json", "tokenizer.json", "tokenizer_config.json",
    "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt",
    "tokenizer.model", "chat_template.jinja", "chat_template.json",
  ]

  init(_ place: CheckpointFiles, _ configuration: ConfigurationFile) throws {
    self.configuration = configuration.object
    padding = try configuration["pad_token_id"] == nil ? nil : configuration.int("pad_token_id")
    var files: [(name: String, data: Data)] = []
    var sources = [configuration]  // of end tokens, the first of which comes first
    for name in Self.carried {
      let places = [place.directory, place.base].map { $0.appending(path: name) }
      guard let file = places.first(where: { FileManager.default.fileExists(atPath: $0.path) })
      else { continue }
      do { files.append((name, try readFile(file, atMost: LargestFile.ofModel))) } catch {
        throw CheckpointError.unreadable(
          path: file.path, reason: "\(error)", remedy: "check its permissions")
      }
      if name == "generation_config.json" { sources.insert(try ConfigurationFile(file), at: 0) }
    }
    self.files = files
    var ends: [Int32] = []
    for source in sources {
      for id in try source.ints("eos_token_id", default: []) {
        guard let id = Int32(exactly: id) else {
          throw source.failure("eos_token_id", "holds \(id), which is no token")
        }
        if !ends.contains(id) { ends.append(id) }
      }
    }
    endTokens = ends
    baseModel = ModelCard.baseModel(of: place.directory, configuration)
  }

}

extension TransformerModel {
  /// The tokens with those beside them that end a response by the checkpoint that the model was loaded
  /// from.
  package func withAllEnds(_ tokens: SpecialTokens) -> SpecialTokens {
    var tokens = tokens
    tokens.otherEnds += (decoder.origin?.endTokens ?? []).filter { !tokens.isEnd($0) }
    return tokens
  }
}

extension ScalarModel {
  /// What to know of rewards by a checkpoint whose padding is a token that ends responses: `transformers`
  /// reads them at the last token that is not padding. Nil for any other.
  package var paddingNote: String? {
    guard let origin = decoder.origin, let padding = origin.padding.flatMap({ Int32(exactly: $0) }),
      origin.endTokens.contains(padding), !hasValueHead
    else { return nil }
    return
      "pad_token_id and eos_token_id of the reward model are both \(padding): rewards are read at "
      + "the end of a response here, and one token earlier by transformers"
  }
}
