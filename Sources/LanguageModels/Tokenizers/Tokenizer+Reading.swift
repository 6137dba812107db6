import Formats
package import Foundation

extension Tokenizer {
  /// Reads `tokenizer.json` and `tokenizer_config.json` of a checkpoint's directory.
  ///
  /// - Throws: ``TokenizerError`` naming file and key; a part that is not implemented is refused.
  package init(directory: URL) throws(TokenizerError) {
    let file = directory.appending(path: "tokenizer.json")
    let settings = directory.appending(path: "tokenizer_config.json")
    let reader = TokenizerReader(
      path: file.path, document: try Self.object(in: file), settingsPath: settings.path,
      settings: try Self.object(in: settings))
    self = try reader.tokenizer()
  }

  private static func object(in file: URL) throws(TokenizerError) -> JSONObject {
    let data: Data
    do { data = try Data(contentsOf: file) } catch {
      throw .file(
        path: file.path, problem: "cannot be read; name a directory that holds a tokenizer")
    }
    do {
      if let object = try JSONValue(parsing: data).object { return object }
    } catch {
      throw .file(path: file.path, problem: "is not JSON: \(error); copy or save it again")
    }
    throw .file(path: file.path, problem: "is not a JSON object; copy or save it again")
  }
}

/// Turns the two documents into a tokenizer, one part a function.
private struct TokenizerReader {
  let path: String
  let document: JSONObject
  let settingsPath: String
  let settings: JSONObject

  func tokenizer() throws(TokenizerError) -> Tokenizer {
    if let part = present(document["normalizer"]) { throw unsupported("normalizer", part) }
    guard let model = document["model"]?.object else { throw missing("model") }
    var vocabulary = try words(of: model)
    let tokenModel = try self.model(model, vocabulary)
    var added = try addedTokens(&vocabulary)
    // As in transformers, the named tokens are special even where tokenizer.json does not say so.
    var named: [String: Int32] = [:]
    for role in ["bos", "eos", "unk", "sep", "pad", "cls", "mask"] {
      guard let content = try self.named("\(role)_token") else { continue }
      guard let id = vocabulary.id(of: content.utf8) else {
        throw .invalid(
          path: settingsPath, key: "\(role)_token",
          problem: "`\(content)` is not in tokenizer.json; name one of its tokens")
      }
      named[role] = id
      if !added.contains(where: { $0.id == id }) {
        added.append(
          AddedToken(content: content, id: id, isSpecial: true, isNormalized: false))
      }
    }
    guard let end = named["eos"] else {
      throw .invalid(
        path: settingsPath, key: "eos_token", problem: "is missing; name the token that ends a text"
      )
    }
    let postProcessor = document["post_processor"] ?? .null
    return Tokenizer(
      vocabulary: vocabulary, model: tokenModel, preTokenizer: try preTokenizer(),
      decodesBytes: try decodesBytes(), addedTokens: added,
      promptPrefix: try prefix(postProcessor), postProcessor: postProcessor,
      configuration: settings, endOfSequence: end, padding: named["pad"], unknown: named["unk"])
  }

  private func words(of model: JSONObject) throws(TokenizerError) -> Vocabulary {
    guard let words = model["vocab"]?.object else {
      throw unsupported("model", .object(model))
    }
    var vocabulary = Vocabulary()
    for member in words.members {
      guard let id = member.value.int, vocabulary.insert(member.key, id: id) else {
        throw .invalid(
          path: path, key: "model.vocab.\(member.key)",
          problem: "is not a whole number of its own; give every token one id")
      }
    }
    return vocabulary
  }

  private func model(
    _ model: JSONObject, _ vocabulary: Vocabulary
  ) throws(TokenizerError) -> TokenModel {
    let unknown = present(model["unk_token"])?.string.flatMap { vocabulary.id(of: $0.utf8) }
    switch model["type"]?.string ?? (model["merges"] == nil ? nil : "BPE") {
    case "WordLevel":
      guard let unknown else {
        throw .invalid(
          path: path, key: "model.unk_token", problem: "is not in the vocabulary; add it there")
      }
      return .wordLevel(unknown: unknown)
    case "BPE":
      for key in ["dropout", "continuing_subword_prefix", "end_of_word_suffix"] {
        if let value = present(model[key]), value != .string(""), value.double != 0 {
          throw .unsupported(path: path, part: "model.\(key)")
        }
      }
      for key in ["byte_fallback", "fuse_unk"] where model[key] == .bool(true) {
        throw .unsupported(path: path, part: "model.\(key)")
      }
      var merges = BytePairMerges(
        keepsWholeTokens: model["ignore_merges"] == .bool(true), unknown: unknown)
      for (index, merge) in (model["merges"]?.array ?? []).enumerated() {
        let parts =
          merge.array?.compactMap(\.string)
          ?? merge.string?.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard let parts, parts.count == 2, let left = vocabulary.id(of: parts[0].utf8),
          let right = vocabulary.id(of: parts[1].utf8),
          let joined = vocabulary.id(of: Array(parts[0].utf8) + Array(parts[1].utf8))
        else {
          throw .invalid(
            path: path, key: "model.merges[\(index)]",
            problem: "does not join two tokens into a third of the vocabulary; save it again")
        }
        merges.append(.init(left: left, right: right), makes: joined)
      }
      return .bytePair(merges)
    default: throw unsupported("model", .object(model))
    }
  }

  private func addedTokens(_ vocabulary: inout Vocabulary) throws(TokenizerError) -> [AddedToken] {
    var tokens: [AddedToken] = []
    for (index, value) in (document["added_tokens"]?.array ?? []).enumerated() {
      let key = "added_tokens[\(index)]"
      guard let object = value.object, let content = object["content"]?.string, !content.isEmpty,
        let id = object["id"]?.int, vocabulary.insert(content, id: id)
      else {
        throw .invalid(
          path: path, key: key, problem: "needs `content` and an `id` of its own; save it again")
      }
      for option in ["single_word", "lstrip", "rstrip"] where object[option] == .bool(true) {
        throw .unsupported(path: path, part: "\(key).\(option) of `\(content)`")
      }
      tokens.append(
        AddedToken(
          content: content, id: Int32(id), isSpecial: object["special"] == .bool(true),
          isNormalized: object["normalized"] == .bool(true)))
    }
    return tokens
  }

  private func preTokenizer() throws(TokenizerError) -> PreTokenizer {
    guard let part = present(document["pre_tokenizer"]), let object = part.object else {
      throw .unsupported(path: path, part: "a tokenizer without pre_tokenizer")
    }
    switch object["type"]?.string {
    case "Whitespace": return .whitespace
    case "WhitespaceSplit": return .whitespaceSplit
    case "ByteLevel":
      return .byteLevel(
        addsPrefixSpace: object["add_prefix_space"] != .bool(false),
        splits: object["use_regex"] != .bool(false))
    case "Sequence":
      let parts = object["pretokenizers"]?.array?.compactMap(\.object) ?? []
      guard parts.count == 2, parts[0]["type"] == .string("Split"),
        parts[0]["pattern"]?.object?["Regex"] == .string(PreTokenizer.llama3Pattern),
        parts[0]["behavior"] == .string("Isolated"), parts[0]["invert"] != .bool(true),
        parts[1]["type"] == .string("ByteLevel"), parts[1]["use_regex"] == .bool(false),
        parts[1]["add_prefix_space"] == .bool(false)
      else { throw unsupported("pre_tokenizer", part) }
      return .byteLevelLlama3
    default: throw unsupported("pre_tokenizer", part)
    }
  }

  private func decodesBytes() throws(TokenizerError) -> Bool {
    guard let part = present(document["decoder"]) else { return false }
    guard part.object?["type"] == .string("ByteLevel") else { throw unsupported("decoder", part) }
    return true
  }

  /// The ids before the text in the template for a single text.
  private func prefix(_ processor: JSONValue) throws(TokenizerError) -> [Int32] {
    guard let object = present(processor)?.object else { return [] }
    switch object["type"]?.string {
    case "ByteLevel": return []  // about offsets only
    case "Sequence":
      var ids: [Int32] = []
      for part in object["processors"]?.array ?? [] { ids = try prefix(part) + ids }
      return ids
    case "TemplateProcessing":
      var ids: [Int32] = []
      for item in object["single"]?.array ?? [] {
        if item.object?["Sequence"] != nil { return ids }
        guard let token = item.object?["SpecialToken"]?.object?["id"]?.string,
          let numbers = object["special_tokens"]?.object?[token]?.object?["ids"]?.array
        else { break }
        ids += numbers.compactMap { $0.int.flatMap { Int32(exactly: $0) } }
      }
      throw .invalid(
        path: path, key: "post_processor.single",
        problem: "is not a list of special tokens around one sequence; save it again")
    default: throw unsupported("post_processor", processor)
    }
  }

  /// A token named in `tokenizer_config.json`, as a string or as an object with `content`.
  private func named(_ key: String) throws(TokenizerError) -> String? {
    guard let value = present(settings[key]) else { return nil }
    if let content = value.string ?? value.object?["content"]?.string { return content }
    throw .invalid(path: settingsPath, key: key, problem: "is \(value.kind); write a string")
  }

  private func present(_ value: JSONValue?) -> JSONValue? { value == .null ? nil : value }

  private func missing(_ key: String) -> TokenizerError {
    .invalid(path: path, key: key, problem: "is missing; copy or save the file again")
  }

  private func unsupported(_ part: String, _ value: JSONValue) -> TokenizerError {
    let type = value.object?["type"]?.string.map { " of type \($0)" } ?? ""
    return .unsupported(path: path, part: "\(part)\(type)")
  }
}
