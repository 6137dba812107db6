import LanguageModels
import RLHF

/// Why a model can neither learn from a row nor be judged by it.
enum RowDefect: Sendable {
  /// A prompt and a response of it are longer than the model's positions.
  case tooLong
  /// Its prompt has no token, so that nothing stands before a response.
  case promptless
  /// Two of its responses are the same in tokens.
  case alike

  /// - Parameter positions: the longest sequence that the model can hold, in tokens.
  init?(of row: RankedResponses, positions: Int) {
    if row.prompt.isEmpty {
      self = .promptless
    } else if Set(row.responses).count < row.responses.count {
      self = .alike
    } else if row.exchanges.contains(where: { $0.count > positions }) {
      self = .tooLong
    } else {
      return nil
    }
  }
}

/// Counts rows on their way to a model: what is left out, by kind, and what it cannot read.
struct RowTally: Sendable {
  /// "held-out comparisons".
  let what: String
  /// The longest sequence that the model can hold, in tokens.
  let positions: Int
  private(set) var count = 0
  private var tooLong = 0
  private var promptless = 0
  private var alike = 0
  private var unknownWords = 0
  /// The token of words that are not in the vocabulary, and how that token itself is written.
  private let unknown: (token: Int32, text: String)?
  /// Ratings that no other rating of their prompt could be held against.
  var unpaired = 0

  init(_ what: String, positions: Int, tokenizer: Tokenizer) {
    self.what = what
    self.positions = positions
    unknown = tokenizer.unknown.map {
      ($0, tokenizer.decode([$0][...], skippingSpecialTokens: false))
    }
  }

  var leftOut: Int { tooLong + promptless + alike + unpaired }

  /// Counts a row, and says whether it can be used.
  ///
  /// - Parameter texts: what it was made from. A policy may have written the unknown token itself.
  mutating func add(_ row: RankedResponses, of texts: @autoclosure () -> [String]) -> Bool {
    count += 1
    switch RowDefect(of: row, positions: positions) {
    case .tooLong: tooLong += 1
    case .promptless: promptless += 1
    case .alike: alike += 1
    case nil:
      unknownWords += unknownWords(in: row, of: texts)
      return true
    }
    return false
  }

  private func unknownWords(in row: RankedResponses, of texts: () -> [String]) -> Int {
    guard let unknown else { return 0 }
    let count = ([row.prompt] + row.responses).reduce(0) { count, tokens in
      count + tokens.count { $0 == unknown.token }
    }
    guard count > 0 else { return 0 }
    return count - texts().reduce(0) { $0 + $1.ranges(of: unknown.text).count }
  }

  /// What a person is told: a line for what was left out, one for what was not understood.
  var notes: [String] {
    var notes: [String] = []
    if leftOut > 0 { notes.append("\(leftOut) of \(count) \(what) are left out: \(kinds)") }
    if unknownWords > 0 {
      notes.append(
        "\(unknownWords) words of the \(what) are not in the vocabulary and are read as `<unk>`")
    }
    return notes
  }

  /// - Throws: ``LoopError/unusable(_:)`` when no row can be used, saying why not.
  func requireUsable() throws(LoopError) {
    if count == 0 { throw .empty(file: what, what: "row") }
    if leftOut < count { return }
    throw .unusable("none of the \(count) \(what) can be used: \(kinds)")
  }

  private var kinds: String {
    let kinds = [
      (tooLong, "longer than the model's \(positions) positions"),
      (promptless, "without a prompt"),
      (alike, "with responses alike in tokens"),
      (unpaired, "with no other rating of their prompt to compare with"),
    ]
    return kinds.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
  }
}
