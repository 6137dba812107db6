package import Formats

/// Text to token ids and back, as `tokenizer.json` and `tokenizer_config.json` say.
///
/// Read and written: word-level, byte-level, and byte-pair tokenizers in GPT-2's and Llama 3's
/// manner. Whatever else a file asks for is refused by name, so that ids always equal those of the
/// `tokenizers` library. `truncation` and `padding` are about batches and are not applied.
package struct Tokenizer: Sendable, Equatable {
  var vocabulary: Vocabulary
  var model: TokenModel
  var preTokenizer: PreTokenizer
  /// Whether decoding joins bytes; otherwise tokens are joined with spaces.
  var decodesBytes: Bool
  var addedTokens: [AddedToken]
  /// What the post-processor puts before a text.
  var promptPrefix: [Int32]
  /// Parts written back as they were read.
  var postProcessor: JSONValue
  var configuration: JSONObject
  private let verbatim: AddedTokenMatcher
  private let normalized: AddedTokenMatcher
  private let special: Set<Int32>

  /// The token that ends a response.
  package let endOfSequence: Int32
  package let padding: Int32?
  package let unknown: Int32?

  init(
    vocabulary: Vocabulary, model: TokenModel, preTokenizer: PreTokenizer, decodesBytes: Bool,
    addedTokens: [AddedToken], promptPrefix: [Int32], postProcessor: JSONValue,
    configuration: JSONObject, endOfSequence: Int32, padding: Int32?, unknown: Int32?
  ) {
    self.vocabulary = vocabulary
    self.model = model
    self.preTokenizer = preTokenizer
    self.decodesBytes = decodesBytes
    self.addedTokens = addedTokens
    self.promptPrefix = promptPrefix
    self.postProcessor = postProcessor
    self.configuration = configuration
    self.endOfSequence = endOfSequence
    self.padding = padding
    self.unknown = unknown
    verbatim = AddedTokenMatcher(addedTokens.filter { !$0.isNormalized })
    normalized = AddedTokenMatcher(addedTokens.filter(\.isNormalized))
    special = Set(addedTokens.filter(\.isSpecial).map(\.id))
  }

  /// One token a word, words separated by white space: `<pad>` 0, `<eos>` 1, `<unk>` 2, then
  /// `words` in order. Words must be distinct and hold no white space.
  package static func wordLevel(words: [String]) -> Tokenizer {
    build(
      ["<pad>", "<eos>", "<unk>"] + words, special: [0, 1, 2], unknown: 2,
      model: .wordLevel(unknown: 2), preTokenizer: .whitespaceSplit, decodesBytes: false)
  }

  /// One token a byte, whose id is the byte; `<pad>` 256 and `<eos>` 257.
  package static func byteLevel() -> Tokenizer {
    let bytes = ByteAlphabet.scalars.map { String(Character($0)) }
    return build(
      bytes + ["<pad>", "<eos>"], special: [256, 257], unknown: nil,
      model: .bytePair(BytePairMerges()),
      preTokenizer: .byteLevel(addsPrefixSpace: false, splits: false), decodesBytes: true)
  }

  private static func build(
    _ tokens: [String], special: [Int], unknown: Int32?, model: TokenModel,
    preTokenizer: PreTokenizer, decodesBytes: Bool
  ) -> Tokenizer {
    var vocabulary = Vocabulary()
    for (id, token) in tokens.enumerated() {
      let isNew = vocabulary.id(of: token.utf8) == nil && vocabulary.insert(token, id: id)
      precondition(isNew, "the token `\(token)` is given twice")
    }
    let added = special.map {
      AddedToken(content: tokens[$0], id: Int32($0), isSpecial: true, isNormalized: false)
    }
    var configuration: JSONObject = [
      "eos_token": .string("<eos>"), "pad_token": .string("<pad>"),
    ]
    if unknown != nil { configuration["unk_token"] = .string("<unk>") }
    return Tokenizer(
      vocabulary: vocabulary, model: model, preTokenizer: preTokenizer,
      decodesBytes: decodesBytes, addedTokens: added, promptPrefix: [], postProcessor: .null,
      configuration: configuration, endOfSequence: Int32(special[1]), padding: Int32(special[0]),
      unknown: unknown)
  }

  /// The ids of a text, with nothing added; special tokens written in the text count as such.
  package func encode(_ text: String) -> [Int32] {
    var ids: [Int32] = []
    for part in verbatim.parts(of: text[...]) {
      guard case .text(let rest) = part else {
        if case .token(let id) = part { ids.append(id) }
        continue
      }
      for part in normalized.parts(of: rest) {
        switch part {
        case .token(let id): ids.append(id)
        case .text(let text):
          for piece in preTokenizer.pieces(of: text) {
            model.encode(piece, vocabulary, into: &ids)
          }
        }
      }
    }
    return ids
  }

  /// The ids of a prompt: what the post-processor puts before a text, then the text.
  package func encodePrompt(_ text: String) -> [Int32] { promptPrefix + encode(text) }

  /// The text of ids; ids of no token are left out, incomplete UTF-8 becomes U+FFFD.
  package func decode(
    _ ids: some Sequence<Int32>, skippingSpecialTokens: Bool = true
  ) -> String {
    let tokens = ids.filter { !(skippingSpecialTokens && special.contains($0)) }
      .compactMap(vocabulary.token)
    if !decodesBytes { return tokens.joined(separator: " ") }
    return String(decoding: tokens.flatMap(ByteAlphabet.decode), as: UTF8.self)
  }

  /// The named special tokens as chat templates see them: `bos_token`, `eos_token` and others.
  package var templateVariables: JSONObject {
    var variables: JSONObject = [:]
    for role in ["bos", "eos", "unk", "sep", "pad", "cls", "mask"] {
      let value = configuration["\(role)_token"]
      guard let text = value?.string ?? value?.object?["content"]?.string else { continue }
      variables["\(role)_token"] = .string(text)
    }
    return variables
  }

  /// The token of an id as the vocabulary spells it; empty when there is none.
  package func token(_ id: Int32) -> String { vocabulary.token(id) ?? "" }

  /// The id of a token as the vocabulary spells it.
  package func id(of token: String) -> Int32? { vocabulary.id(of: token.utf8) }

  /// One more than the largest id.
  package var vocabularySize: Int { vocabulary.count }

  /// How the vocabularies differ, for a message; `nil` when every id means the same.
  package func sharesVocabulary(with other: Tokenizer) -> String? {
    if vocabularySize != other.vocabularySize {
      return "\(vocabularySize) tokens here, \(other.vocabularySize) there"
    }
    for (id, (here, there)) in zip(vocabulary.tokens, other.vocabulary.tokens).enumerated()
    where !here.utf8.elementsEqual(there.utf8) {
      return "token \(id) is `\(here)` here, `\(there)` there"
    }
    if endOfSequence != other.endOfSequence {
      return "end of sequence is token \(endOfSequence) here, \(other.endOfSequence) there"
    }
    return nil
  }
}
