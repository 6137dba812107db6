import Formats

/// Turns the files of a tokenizer into one, as `transformers` and `tokenizers` read them.
struct TokenizerReader {
  private let files: TokenizerFiles
  private let document: JSONPart
  private let settings: JSONPart
  /// Named tokens of the older file, which then come before those of tokenizer_config.json.
  private let specialTokens: JSONPart?

  init(_ files: TokenizerFiles) throws(TokenizerError) {
    func part(_ name: String) throws(TokenizerError) -> JSONPart? {
      try files.object(name).map { JSONPart($0, path: files.file(name)) }
    }
    self.files = files
    document = try part("tokenizer.json") ?? JSONPart([:], path: files.file("tokenizer.json"))
    settings =
      try part("tokenizer_config.json") ?? JSONPart([:], path: files.file("tokenizer_config.json"))
    let isNewer = settings.object["added_tokens_decoder"] != nil
    specialTokens = isNewer ? nil : try part("special_tokens_map.json")
  }

  func tokenizer() throws(TokenizerError) -> Tokenizer {
    if try settings.bool("split_special_tokens") == true {
      throw .unsupported(path: settings.path, part: "split_special_tokens")
    }
    guard let model = try document.part("model") else {
      throw document.invalid("model", "is missing; copy or save the file again")
    }
    var parts = Tokenizer.Parts()
    parts.vocabulary = try model.vocabulary()
    parts.model = try model.tokenModel(parts.vocabulary)
    parts.normalizer = try document.part("normalizer")?.normalizer()
    parts.preTokenizer = try document.part("pre_tokenizer")?.preTokenizer()
    parts.decoder = try document.part("decoder")?.tokenDecoder()
    parts.promptPrefix = try document.part("post_processor")?.promptPrefix() ?? []
    if case .wordLevel = parts.model {
      parts.cleansSpaces = try settings.bool("clean_up_tokenization_spaces") ?? false
    }
    try readAddedTokens(into: &parts)
    return try finish(&parts)
  }

  // MARK: Added tokens

  private func readAddedTokens(into parts: inout Tokenizer.Parts) throws(TokenizerError) {
    for token in try document.parts("added_tokens") {
      guard let id = try token.int("id") else {
        throw token.invalid("id", "is missing; save it again")
      }
      try add(try token.addedToken(id: id), from: token, to: &parts)
    }
    // tokenizer_config.json has the last word on how a token is looked for.
    for member in try settings.part("added_tokens_decoder")?.object.members ?? [] {
      let part = try settings.part("added_tokens_decoder")?.part(member.key)
      guard let part, let id = Int(member.key) else {
        throw settings.invalid(
          "added_tokens_decoder.\(member.key)", "is no id with an object; save it again")
      }
      try add(try part.addedToken(id: id), from: part, to: &parts)
    }
  }

  /// Adds a token, or changes how one that was added before is looked for.
  private func add(
    _ token: AddedToken, from part: JSONPart, to parts: inout Tokenizer.Parts
  ) throws(TokenizerError) {
    if token.content.isEmpty { throw part.invalid("content", "is empty; name a text") }
    if token.content.unicodeScalars.count > AddedToken.maximumLength {
      throw part.invalid("content", "is longer than \(AddedToken.maximumLength) characters")
    }
    guard parts.vocabulary.insert(token.content, id: Int(token.id), isAdded: true) else {
      throw part.invalid("id", "\(token.id) is no id of `\(token.content)` alone; give it its own")
    }
    parts.addedTokens.removeAll { $0.id == token.id }
    parts.addedTokens.append(token)
  }

  // MARK: Special tokens

  private static let roles = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"]

  private func finish(_ parts: inout Tokenizer.Parts) throws(TokenizerError) -> Tokenizer {
    var named: [String: Int32] = [:]
    var variables: JSONObject = [:]
    for role in Self.roles {
      let key = "\(role)_token"
      guard let (content, part) = try namedToken(key) else { continue }
      named[role] = try special(content, key, part, &parts)
      variables[key] = .string(content)
    }
    try readOtherSpecialTokens(&parts, &variables)

    // Ids of the model's files give what the tokenizer's leave open. They do not make a token special:
    // configurations hold default ids, which may be those of ordinary tokens.
    let ends = try ids("eos_token_id")
    for (role, id) in [("eos", ends.first), ("pad", try ids("pad_token_id").first)] {
      guard named[role] == nil, let id, let content = parts.vocabulary.token(id), !content.isEmpty
      else { continue }
      named[role] = id
      variables["\(role)_token"] = .string(content)
    }
    guard let end = named["eos"] else {
      throw settings.invalid("eos_token", "is missing; name the token that ends a text")
    }
    return Tokenizer(
      parts, files: files, endsOfSequence: [end] + ends.filter { $0 != end },
      padding: named["pad"], unknown: named["unk"], templateVariables: variables)
  }

  /// Tokens that are special without a role of their own, and names that a model gives to some.
  private func readOtherSpecialTokens(
    _ parts: inout Tokenizer.Parts, _ variables: inout JSONObject
  ) throws(TokenizerError) {
    for member in settings.object.members
    where member.key.hasSuffix("_token") && !Self.roles.contains(String(member.key.dropLast(6))) {
      guard let content = member.value.string else { continue }
      _ = try special(content, member.key, settings, &parts)
      variables[member.key] = .string(content)
    }
    for part in [settings, specialTokens].compactMap(\.self) {
      for key in ["extra_special_tokens", "additional_special_tokens"] {
        switch part.object[key] {
        case nil, .null?: continue
        case .object(let names)?:
          for member in names.members {
            let content = try part.content(member.value, key: "\(key).\(member.key)")
            _ = try special(content, "\(key).\(member.key)", part, &parts)
            variables[member.key] = .string(content)
          }
        case .array(let tokens)?:
          for (index, token) in tokens.enumerated() {
            let content = try part.content(token, key: "\(key)[\(index)]")
            _ = try special(content, "\(key)[\(index)]", part, &parts)
          }
        case .some(let other): throw part.invalid(key, "is \(other.kind); write a list of tokens")
        }
      }
    }
  }

  /// As in `transformers`, named tokens are special even where tokenizer.json does not say so.
  private func special(
    _ content: String, _ key: String, _ part: JSONPart, _ parts: inout Tokenizer.Parts
  ) throws(TokenizerError) -> Int32 {
    guard let id = parts.vocabulary.id(of: content.utf8) else {
      throw part.invalid(key, "`\(content)` is not in tokenizer.json; name one of its tokens")
    }
    if !parts.addedTokens.contains(where: { $0.id == id }) {
      parts.addedTokens.append(AddedToken(content: content, id: id, isSpecial: true))
    }
    return id
  }

  private func namedToken(_ key: String) throws(TokenizerError) -> (String, JSONPart)? {
    for part in [specialTokens, settings].compactMap(\.self) {
      guard let value = part.object[key], value != .null else { continue }
      return (try part.content(value, key: key), part)
    }
    return nil
  }

  /// The ids under a key of generation_config.json, or else of config.json: one or a list.
  private func ids(_ key: String) throws(TokenizerError) -> [Int32] {
    for name in ["generation_config.json", "config.json"] {
      guard let object = try files.object(name), let value = object[key], value != .null else {
        continue
      }
      let part = JSONPart(object, path: files.file(name))
      let ids = (value.array ?? [value]).map { $0.int.flatMap { Int32(exactly: $0) } }
      guard ids.allSatisfy({ $0.map { $0 >= 0 } ?? false }) else {
        throw part.invalid(key, "is \(value.kind); write the id of a token, or a list of ids")
      }
      return ids.compactMap(\.self)
    }
    return []
  }
}

/// An object of a JSON file, with the place that messages name.
struct JSONPart {
  let object: JSONObject
  let path: String
  /// The key of the object in its file; empty at the top.
  private let place: String

  init(_ object: JSONObject, path: String, place: String = "") {
    self.object = object
    self.path = path
    self.place = place
  }

  func key(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

  func invalid(_ key: String, _ problem: String) -> TokenizerError {
    .invalid(path: path, key: self.key(key), problem: problem)
  }

  /// A part of a type that is not implemented.
  var unsupported: TokenizerError {
    let type = object["type"]?.string.map { " of type \($0)" } ?? ""
    return .unsupported(path: path, part: place + type)
  }

  /// The value under a key; `nil` when it is absent or null.
  private func value<Value>(
    _ key: String, _ wanted: String, _ read: (JSONValue) -> Value?
  ) throws(TokenizerError) -> Value? {
    guard let value = object[key], value != .null else { return nil }
    guard let read = read(value) else { throw invalid(key, "is \(value.kind); write \(wanted)") }
    return read
  }

  func string(_ key: String) throws(TokenizerError) -> String? {
    try value(key, "a string", \.string)
  }

  func bool(_ key: String) throws(TokenizerError) -> Bool? {
    try value(key, "true or false", \.bool)
  }

  func int(_ key: String) throws(TokenizerError) -> Int? {
    try value(key, "a whole number", \.int)
  }

  func list(_ key: String) throws(TokenizerError) -> [JSONValue]? {
    try value(key, "a list", \.array)
  }

  func part(_ key: String) throws(TokenizerError) -> JSONPart? {
    try value(key, "an object", \.object).map { JSONPart($0, path: path, place: self.key(key)) }
  }

  /// The objects of a list; none when it is absent.
  func parts(_ key: String) throws(TokenizerError) -> [JSONPart] {
    var parts: [JSONPart] = []
    for (index, value) in (try list(key) ?? []).enumerated() {
      guard let object = value.object else {
        throw invalid("\(key)[\(index)]", "is \(value.kind); write an object")
      }
      parts.append(JSONPart(object, path: path, place: self.key("\(key)[\(index)]")))
    }
    return parts
  }

  /// A token written as a string, or as an object with `content`.
  func content(_ value: JSONValue, key: String) throws(TokenizerError) -> String {
    if let content = value.string ?? value.object?["content"]?.string { return content }
    throw invalid(key, "is \(value.kind); write a string")
  }

  /// - Throws: when the key is absent.
  func scalars(_ key: String) throws(TokenizerError) -> [Unicode.Scalar] {
    guard let text = try string(key) else { throw invalid(key, "is missing; write a string") }
    return Array(text.unicodeScalars)
  }

  func scalar(_ key: String) throws(TokenizerError) -> Unicode.Scalar {
    let scalars = try scalars(key)
    guard scalars.count == 1 else { throw invalid(key, "is no single character; write one") }
    return scalars[0]
  }

  func addedToken(id: Int) throws(TokenizerError) -> AddedToken {
    guard let content = try string("content") else {
      throw invalid("content", "is missing; save the file again")
    }
    guard let id = Int32(exactly: id) else { throw invalid("id", "is no id of a token") }
    return AddedToken(
      content: content, id: id, isSpecial: try bool("special") ?? false,
      isNormalized: try bool("normalized") ?? true, isSingleWord: try bool("single_word") ?? false,
      stripsLeft: try bool("lstrip") ?? false, stripsRight: try bool("rstrip") ?? false)
  }
}
