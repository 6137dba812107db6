import Formats

/// The parts of tokenizer.json, each read by its `type`.
extension JSONPart {
  private var type: String? { get throws(TokenizerError) { try string("type") } }

  // MARK: Model

  func vocabulary() throws(TokenizerError) -> Vocabulary {
    guard case .object(let words)? = object["vocab"] else {
      if case .array? = object["vocab"] { throw unsupported }  // Unigram
      throw invalid("vocab", "is \(object["vocab"]?.kind ?? "missing"); write an object of ids")
    }
    var vocabulary = Vocabulary()
    for member in words.members {
      guard let id = member.value.int, vocabulary.insert(member.key, id: id) else {
        throw invalid(
          "vocab.\(member.key)", "is not a whole number of its own; give every token one id")
      }
    }
    return vocabulary
  }

  func tokenModel(_ vocabulary: Vocabulary) throws(TokenizerError) -> TokenModel {
    let name = try string("unk_token")
    let unknown = name.flatMap { vocabulary.id(of: $0.utf8) }
    _ = try list("merges")  // of the right type, if there are any, whatever the model
    switch try type ?? (object["merges"] == nil ? nil : "BPE") {
    case "WordLevel":
      guard let unknown else {
        throw invalid("unk_token", "is not in the vocabulary; add it there")
      }
      return .wordLevel(unknown: unknown)
    case "BPE":
      for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
        if let affix = try string(key), !affix.isEmpty {
          throw .unsupported(path: path, part: self.key(key))
        }
      }
      if let dropout = object["dropout"], dropout != .null, dropout.double != 0 {
        throw .unsupported(path: path, part: key("dropout"))
      }
      // A model that spells every byte needs no unknown token, whatever the file names.
      if name != nil, unknown == nil,
        !ByteAlphabet.scalars.allSatisfy({ vocabulary.id(of: $0) != nil })
      {
        throw invalid("unk_token", "is not in the vocabulary; add it there")
      }
      var bytes: [Int32?]?
      if try bool("byte_fallback") == true {
        bytes = (0..<256).map { byte in
          let digits = String(byte, radix: 16, uppercase: true)
          return vocabulary.id(of: "<0x\(byte < 16 ? "0" : "")\(digits)>".utf8)
        }
      }
      var model = BytePairModel(
        keepsWholeTokens: try bool("ignore_merges") ?? false, unknown: unknown,
        fusesUnknown: try bool("fuse_unk") ?? false, bytes: bytes)
      try readMerges(into: &model, vocabulary)
      return .bytePair(model)
    default: throw unsupported
    }
  }

  private func readMerges(
    into model: inout BytePairModel, _ vocabulary: Vocabulary
  ) throws(TokenizerError) {
    guard let merges = try list("merges") else {
      throw invalid("merges", "is missing; copy or save the file again")
    }
    for (index, merge) in merges.enumerated() {
      guard let pair = Self.pair(merge) else {
        throw invalid(
          "merges[\(index)]", "is no pair of tokens; write \"first second\" or [first, second]")
      }
      if pair.isComment { continue }
      guard let left = vocabulary.id(of: pair.left), let right = vocabulary.id(of: pair.right),
        let joined = vocabulary.id(of: pair.left + pair.right)
      else {
        throw invalid(
          "merges[\(index)]",
          "does not join two tokens into a third of the vocabulary; save it again")
      }
      model.append(left, right, makes: joined)
    }
  }

  /// Cut between bytes: a combining mark after the space makes no grapheme with it.
  private static func pair(
    _ merge: JSONValue
  ) -> (left: [UInt8], right: [UInt8], isComment: Bool)? {
    if let parts = merge.array {
      guard parts.count == 2, let left = parts[0].string, let right = parts[1].string else {
        return nil
      }
      return (Array(left.utf8), Array(right.utf8), false)
    }
    guard let line = merge.string else { return nil }
    if line.utf8.starts(with: "#version".utf8) { return ([], [], true) }
    let parts = line.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    return parts.count == 2 ? (Array(parts[0]), Array(parts[1]), false) : nil
  }

  // MARK: Before the model

  func normalizer() throws(TokenizerError) -> Normalizer {
    switch try type {
    case "NFC": return .nfc
    case "NFD": return .nfd
    case "Prepend": return .prepend(try scalars("prepend"))
    case "Replace": return .replace(try literal(), try scalars("content"))
    case "Sequence":
      var parts: [Normalizer] = []
      for part in try self.parts("normalizers") { parts.append(try part.normalizer()) }
      return .sequence(parts)
    default: throw unsupported
    }
  }

  /// The text of `{"String": …}`; a regular expression is refused.
  private func literal() throws(TokenizerError) -> [Unicode.Scalar] {
    guard let pattern = try part("pattern") else {
      throw invalid("pattern", "is missing; write {\"String\": …}")
    }
    if let expression = try pattern.string("Regex") {
      throw .unsupported(path: path, part: "\(key("pattern")): the expression `\(expression)`")
    }
    let text = try pattern.scalars("String")
    if text.isEmpty { throw pattern.invalid("String", "is empty; write a text") }
    return text
  }

  func preTokenizer() throws(TokenizerError) -> PreTokenizer {
    switch try type {
    case "Whitespace": return .whitespace
    case "WhitespaceSplit": return .whitespaceSplit
    case "Digits": return .digits(areIndividual: try bool("individual_digits") ?? false)
    case "ByteLevel":
      return .byteLevel(
        addsPrefixSpace: try bool("add_prefix_space") ?? true, splits: try bool("use_regex") ?? true
      )
    case "Metaspace": return try metaspace()
    case "Split":
      guard let behavior = try behavior() else {
        throw invalid("behavior", "is missing; write Isolated or another behavior")
      }
      return .split(try splitPattern(), behavior, isInverted: try bool("invert") ?? false)
    case "Sequence":
      var parts: [PreTokenizer] = []
      for part in try self.parts("pretokenizers") { parts.append(try part.preTokenizer()) }
      return .sequence(parts)
    default: throw unsupported
    }
  }

  private func behavior() throws(TokenizerError) -> TextPieces.Behavior? {
    guard let name = try string("behavior") else { return nil }
    guard let behavior = TextPieces.Behavior(rawValue: name) else {
      throw .unsupported(path: path, part: "\(key("behavior")) \(name)")
    }
    return behavior
  }

  private func splitPattern() throws(TokenizerError) -> SplitPattern {
    guard let expression = try part("pattern")?.string("Regex") else {
      return .literal(try literal())
    }
    guard let pattern = SplitPattern(regularExpression: expression) else {
      throw .unsupported(path: path, part: "\(key("pattern")): the expression `\(expression)`")
    }
    return pattern
  }

  private func prefix() throws(TokenizerError) -> PreTokenizer.Prefix {
    let addsSpace = try bool("add_prefix_space")
    guard let name = try string("prepend_scheme") else {
      return addsSpace == false ? .never : .always
    }
    guard let prefix = PreTokenizer.Prefix(rawValue: name) else {
      throw .unsupported(path: path, part: "\(key("prepend_scheme")) \(name)")
    }
    if addsSpace == false, prefix != .never {
      throw invalid("prepend_scheme", "contradicts add_prefix_space; save the file again")
    }
    return prefix
  }

  private func metaspace() throws(TokenizerError) -> PreTokenizer {
    .metaspace(try scalar("replacement"), try prefix(), splits: try bool("split") ?? true)
  }

  // MARK: After the model

  func tokenDecoder() throws(TokenizerError) -> TokenDecoder {
    switch try type {
    case "ByteLevel": return .byteLevel
    case "Replace": return .replace(try literal(), try scalars("content"))
    case "ByteFallback": return .byteFallback
    case "Fuse": return .fuse
    case "Strip":
      return .strip(
        try scalar("content"), start: max(0, try int("start") ?? 0),
        stop: max(0, try int("stop") ?? 0))
    case "Metaspace":
      return .metaspace(try scalar("replacement"), hasPrefix: try prefix() != .never)
    case "Sequence":
      var parts: [TokenDecoder] = []
      for part in try self.parts("decoders") { parts.append(try part.tokenDecoder()) }
      return .sequence(parts)
    default: throw unsupported
    }
  }

  /// The ids before the text in the template for a single text.
  func promptPrefix() throws(TokenizerError) -> [Int32] {
    switch try type {
    case "ByteLevel": return []  // about offsets only
    case "Sequence":
      var ids: [Int32] = []
      for part in try parts("processors") { ids = try part.promptPrefix() + ids }
      return ids
    case "TemplateProcessing":
      var ids: [Int32] = []
      for item in try parts("single") {
        if item.object["Sequence"] != nil { return ids }
        guard let name = try item.part("SpecialToken")?.string("id"),
          let token = try part("special_tokens")?.part(name), let numbers = try token.list("ids")
        else { break }
        for number in numbers {
          guard let id = number.int.flatMap({ Int32(exactly: $0) }), id >= 0 else {
            throw token.invalid("ids", "holds \(number.kind) that is no id of a token")
          }
          ids.append(id)
        }
      }
      throw invalid(
        "single", "is not a list of special tokens around one sequence; save it again")
    default: throw unsupported
    }
  }
}
