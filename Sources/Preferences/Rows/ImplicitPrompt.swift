/// The prompt that two whole texts share.
enum ImplicitPrompt {
  /// In dialogues as Anthropic's HH files and chat templates write them, up to the last common
  /// beginning of an answer, such as `\n\nAssistant:`, so that two rows of one question have one prompt
  /// however alike their answers begin; in others, the common beginning.
  static func of(_ first: String, _ second: String) -> String {
    let scalars = zip(first.unicodeScalars, second.unicodeScalars).prefix { $0 == $1 }
    var common = String.UnicodeScalarView()
    common.append(contentsOf: scalars.lazy.map(\.0))
    return end(of: templateMarks + textMarks, in: common).map { String(common[..<$0]) }
      ?? commonPrefix(first, second)
  }

  /// Whether both say themselves where an answer begins.
  static func isMarked(_ first: String, _ second: String) -> Bool {
    [first, second].allSatisfy { end(of: templateMarks + textMarks, in: $0.unicodeScalars) != nil }
  }

  /// Whether a text ends where a template begins an answer.
  static func isRendered(_ prompt: String) -> Bool {
    let text = prompt.unicodeScalars
    return end(of: templateMarks, in: text).map {
      text[$0...].allSatisfy(\.properties.isWhitespace)
    }
      ?? false
  }

  private static func end(
    of marks: [[Unicode.Scalar]], in text: String.UnicodeScalarView
  ) -> String.Index? {
    marks.compactMap { text.ranges(of: $0).last?.upperBound }.max()
  }

  /// What stands before an answer, without the white space behind it.
  private static let templateMarks = [
    "\nAssistant:", "ASSISTANT:", "<|im_start|>assistant", "<|assistant|>", "[/INST]",
    "<|start_header_id|>assistant<|end_header_id|>", "<start_of_turn>model", "<｜Assistant｜>",
    "### Response:", "### Assistant:",
  ].map { Array($0.unicodeScalars) }
  private static let textMarks = ["\nTL;DR:", "\nAnswer:", "\nA:", "\nBot:", "\nAI:"].map {
    Array($0.unicodeScalars)
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
