package import Formats

/// Text to token ids and back, as `tokenizer.json` and the files beside it say.
///
/// Word-level and byte-pair tokenizers: byte-level in the manner of GPT-2, Llama 3 and Qwen, or with
/// byte fallback in that of SentencePiece. Whatever else a file asks for is refused by name, so that
/// ids always equal those of the `tokenizers` library. `truncation` and `padding` are about batches
/// and are not applied.
package struct Tokenizer: Sendable, Equatable {
  /// The parts of `tokenizer.json`.
  struct Parts: Sendable, Equatable {
    var vocabulary = Vocabulary()
    var model = TokenModel.wordLevel(unknown: 0)
    var normalizer: Normalizer?
    var preTokenizer: PreTokenizer?
    /// Without one, tokens are joined with spaces.
    var decoder: TokenDecoder?
    var addedTokens: [AddedToken] = []
    /// What the post-processor puts before a text.
    var promptPrefix: [Int32] = []
    /// Whether decoding takes away the space before punctuation, as word-level ones may.
    var cleansSpaces = false
  }

  private let parts: Parts
  /// Saved as they were loaded.
  let files: TokenizerFiles
  private let verbatim: AddedTokenMatcher
  private let normalized: AddedTokenMatcher
  /// Tokens that decoding leaves out.
  private let special: Set<Int32>
  /// How decoding spells added tokens that are looked for in normalized text.
  private let spellings: [Int32: String]

  /// The token that ends a response.
  package let endOfSequence: Int32
  /// All tokens that end a response: ``endOfSequence``, and those of `generation_config.json` or
  /// else `config.json`, where `eos_token_id` may be a list.
  package let endsOfSequence: [Int32]
  package let padding: Int32?
  package let unknown: Int32?
  /// The named special tokens as chat templates see them: `bos_token`, `eos_token` and others.
  package let templateVariables: JSONObject

  init(
    _ parts: Parts, files: TokenizerFiles, endsOfSequence: [Int32], padding: Int32?,
    unknown: Int32?, templateVariables: JSONObject
  ) {
    self.parts = parts
    self.files = files
    self.endOfSequence = endsOfSequence[0]
    self.endsOfSequence = endsOfSequence
    self.padding = padding
    self.unknown = unknown
    self.templateVariables = templateVariables
    func spelling(_ token: AddedToken) -> [Unicode.Scalar] {
      let content = Array(token.content.unicodeScalars)
      return token.isNormalized ? parts.normalizer?.apply(to: content) ?? content : content
    }
    verbatim = AddedTokenMatcher(parts.addedTokens.filter { !$0.isNormalized }, spelling)
    normalized = AddedTokenMatcher(parts.addedTokens.filter(\.isNormalized), spelling)
    let spelled = parts.addedTokens.map { ($0.id, spelling($0)) }
    spellings = Dictionary(spelled.map { ($0, String($1)) }) { $1 }
    // `tokenizers` looks for the spelling among the contents of special tokens.
    let contents = Set(
      parts.addedTokens.filter(\.isSpecial).map { Array($0.content.unicodeScalars) })
    special = Set(spelled.filter { contents.contains($1) }.map(\.0))
  }

  /// The ids of a text, with nothing added; special tokens written in the text count as such.
  package func encode(_ text: String) -> [Int32] {
    var ids: [Int32] = []
    var scratch = BytePairModel.Scratch()
    let scalars = Array(text.unicodeScalars)
    for part in verbatim.parts(of: scalars) {
      switch part {
      case .token(let id): ids.append(id)
      case .text(let range):
        encode(Array(scalars[range]), startsText: range.lowerBound == 0, &scratch, into: &ids)
      }
    }
    return ids
  }

  /// A text between added tokens.
  private func encode(
    _ text: [Unicode.Scalar], startsText: Bool, _ scratch: inout BytePairModel.Scratch,
    into ids: inout [Int32]
  ) {
    let text = parts.normalizer?.apply(to: text) ?? text
    for part in normalized.parts(of: text) {
      switch part {
      case .token(let id): ids.append(id)
      case .text(let range):
        var pieces = TextPieces(
          range.count == text.count ? text : Array(text[range]),
          startsText: startsText && range.lowerBound == 0)
        parts.preTokenizer?.apply(to: &pieces)
        parts.model.encode(pieces, parts.vocabulary, &scratch, into: &ids)
      }
    }
  }

  /// The ids of a prompt: what the post-processor puts before a text, then the text.
  package func encodePrompt(_ text: String) -> [Int32] { parts.promptPrefix + encode(text) }

  /// The text of ids; ids of no token are left out, incomplete UTF-8 becomes U+FFFD.
  package func decode(
    _ ids: some Sequence<Int32>, skippingSpecialTokens: Bool = true
  ) -> String {
    let tokens = ids.filter { !(skippingSpecialTokens && special.contains($0)) }
      .compactMap { spellings[$0] ?? parts.vocabulary.token($0) }
    let text = parts.decoder.map { $0.decode(tokens).joined() } ?? tokens.joined(separator: " ")
    return parts.cleansSpaces ? Self.cleaned(text) : text
  }

  /// `clean_up_tokenization` of `transformers`.
  private static func cleaned(_ text: String) -> String {
    let pairs = [
      (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
      (" 'm", "'m"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ]
    let scalars = pairs.reduce(Array(text.unicodeScalars)) { text, pair in
      Normalizer.replace(Array(pair.0.unicodeScalars), Array(pair.1.unicodeScalars)).apply(to: text)
    }
    return String(scalars)
  }

  /// The token of an id as the vocabulary spells it; empty when there is none.
  package func token(_ id: Int32) -> String { parts.vocabulary.token(id) ?? "" }

  /// The id of a token as the vocabulary spells it.
  package func id(of token: String) -> Int32? { parts.vocabulary.id(of: token.utf8) }

  /// One more than the largest id.
  package var vocabularySize: Int { parts.vocabulary.count }

  /// How the vocabularies differ, for a message; `nil` when every id means the same.
  package func sharesVocabulary(with other: Tokenizer) -> String? {
    if vocabularySize != other.vocabularySize {
      return "\(vocabularySize) tokens here, \(other.vocabularySize) there"
    }
    let tokens = zip(parts.vocabulary.tokens, other.parts.vocabulary.tokens)
    for (id, (here, there)) in tokens.enumerated() where !here.utf8.elementsEqual(there.utf8) {
      return "token \(id) is `\(here)` here, `\(there)` there"
    }
    if endOfSequence != other.endOfSequence {
      return "end of sequence is token \(endOfSequence) here, \(other.endOfSequence) there"
    }
    return nil
  }
}
