/// A text of a row: a string, or a conversation.
///
/// A conversation becomes text by one plain template, a message a line: `role: content\n`.
enum RowText: Equatable {
  struct Message: Equatable {
    let role: String
    let content: String
  }

  case plain(String)
  case conversation([Message])

  var rendered: String {
    switch self {
    case .plain(let text): text
    case .conversation(let messages):
      messages.map { "\($0.role): \($0.content)\n" }.joined()
    }
  }

  /// The text as a response to `prompt`: several data sets repeat the prompt's messages at the
  /// beginning of each conversation, and here they are taken off.
  func rendered(after prompt: RowText) -> String {
    guard case .conversation(let messages) = self else { return rendered }
    let repeated: Int
    switch prompt {
    case .conversation(let opening):
      repeated = messages.starts(with: opening) ? opening.count : 0
    case .plain(let text):
      repeated = messages.count > 1 && messages[0].content == text ? 1 : 0
    }
    return RowText.conversation(Array(messages.dropFirst(repeated))).rendered
  }

  /// The prompt that two whole texts share: in dialogues as Anthropic's HH files write them, up to
  /// the last common `\n\nAssistant:`, so that two rows of one question have one prompt however
  /// alike their answers begin; in others, the common beginning.
  static func implicitPrompt(of first: String, _ second: String) -> String {
    let common = commonPrefix(first, second)
    guard let turn = common.ranges(of: "\n\nAssistant:").last else { return common }
    return String(common[..<turn.upperBound])
  }

  /// The longest common beginning of two texts, cut back to where no token can straddle the cut:
  /// not inside a word or a run of signs, and before white space, which tokenizers join to the
  /// word after it. `…\n\nAssistant: Yes` and `…\n\nAssistant: No` share `…\n\nAssistant:`.
  static func commonPrefix(_ first: String, _ second: String) -> String {
    let first = Array(first.unicodeScalars)
    let second = Array(second.unicodeScalars)
    var length = zip(first, second).prefix { $0 == $1 }.count
    func isInsideRun() -> Bool {
      guard length > 0 else { return false }
      let last = Kind(first[length - 1])
      return last == .space || (length < first.count && Kind(first[length]) == last)
        || (length < second.count && Kind(second[length]) == last)
    }
    while isInsideRun() { length -= 1 }
    var prefix = String.UnicodeScalarView()
    prefix.append(contentsOf: first[..<length])
    return String(prefix)
  }

  private enum Kind {
    case word, space, sign

    init(_ scalar: Unicode.Scalar) {
      let properties = scalar.properties
      if properties.isWhitespace {
        self = .space
        return
      }
      switch properties.generalCategory {
      case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .letterNumber,
        .otherNumber:
        self = .word
      default: self = properties.isAlphabetic ? .word : .sign
      }
    }
  }
}
