import Settings

/// What of a sum counts.
enum ArithmeticCredit: String, CaseIterable, SettingValue {
  /// 1 if the last number of the response is the result, else 0.
  case exact
  /// The share of its digits that are right, from the units up.
  case digits
  /// The share of its steps that are right.
  case steps
}

/// Whether the response has the result of the sum in the prompt.
///
/// Digits are words: `1 2 + 3 =` asks for `1 5`. A sum is computed from left to right; `+`, `-` and `*`
/// are also `plus`, `minus` and `times`, and all other words are passed over.
struct ArithmeticFeature: GoldMeasure, Equatable {
  static let kind = "arithmetic"
  static let summary = "whether the response has the result of the sum in the prompt"
  static let weight = 1.0

  var credit = ArithmeticCredit.exact
  var separator: String?

  init() {}

  static let fields: [Field<Self>] = [
    Field(
      "credit", \.credit,
      "exact: 1 or 0 for the last number; digits: share of its digits that are right, from the units "
        + "up; steps: share of the steps whose last number is the result so far"),
    Field("separator", \.separator, "with credit steps: the word between two steps"),
  ]

  func validate(at location: SettingsLocation) throws(SettingsError) {
    if (credit == .steps) != (separator != nil) {
      throw location.key("separator").error(
        credit == .steps ? "steps need a word between them" : "only steps have a separator",
        advice: credit == .steps
          ? "add `separator:`, a word of the grammar" : "leave it out, or set `credit` to steps")
    }
  }

  func measure(
    in grammar: Grammar, at location: SettingsLocation
  ) throws(SettingsError) -> Measure {
    if let separator { try grammar.require(separator, at: location.key("separator")) }
    return { text in
      let results = Self.results(of: text.prompt)
      guard let result = results.last else { return 0 }
      switch credit {
      case .exact: return Self.lastNumber(in: text.response) == result ? 1 : 0
      case .digits: return Self.shareOfDigits(Self.lastNumber(in: text.response), of: result)
      case .steps:
        let steps = steps(of: text.response, in: text.prompt)
        return Double(steps.count(where: \.isRight)) / Double(max(steps.count, results.count))
      }
    }
  }

  /// The steps of a response, and whether the last number of each is the result so far.
  func steps(
    of response: ArraySlice<String>, in prompt: ArraySlice<String>
  ) -> [(words: ArraySlice<String>, isRight: Bool)] {
    guard let separator else { return [] }
    let results = Self.results(of: prompt)
    return response.split(separator: separator, omittingEmptySubsequences: false).enumerated().map {
      ($1, $0 < results.count && Self.lastNumber(in: $1) == results[$0])
    }
  }

  // MARK: Sums

  private static let operators: [String: @Sendable (Int, Int) -> Int] = [
    "+": { $0 &+ $1 }, "plus": { $0 &+ $1 }, "-": { $0 &- $1 }, "minus": { $0 &- $1 },
    "*": { $0 &* $1 }, "times": { $0 &* $1 },
  ]

  /// The results after each operation; none where there is no sum.
  private static func results(of prompt: ArraySlice<String>) -> [Int] {
    var results: [Int] = []
    var total: Int?
    var digits = ""
    var operation: ((Int, Int) -> Int)?
    for word in prompt + ["="] {
      if isDigits(word) {
        digits += word
      } else if let number = Int(digits) {
        if let first = total, let apply = operation {
          let result = apply(first, number)
          results.append(result)
          total = result
        } else {
          total = number
        }
        (digits, operation) = ("", operators[word])
      }
    }
    return results
  }

  private static func lastNumber(in words: ArraySlice<String>) -> Int? {
    guard let last = words.lastIndex(where: isDigits) else { return nil }
    var first = last
    while first > words.startIndex, isDigits(words[first - 1]) { first -= 1 }
    let number = Int(words[first...last].joined())
    guard first > words.startIndex, ["-", "minus"].contains(words[first - 1]) else { return number }
    // A minus behind a number takes away from it; another one makes this number negative.
    let takesAway = first > words.startIndex + 1 && isDigits(words[first - 2])
    return takesAway ? number : number.map { -$0 }
  }

  private static func isDigits(_ word: String) -> Bool {
    !word.isEmpty && word.utf8.allSatisfy { (48...57).contains($0) }
  }

  /// The share of digits of two numbers that agree, from the units up; 0 where their signs differ.
  private static func shareOfDigits(_ number: Int?, of result: Int) -> Double {
    guard let number, number.signum() * result.signum() >= 0 else { return 0 }
    let (one, other) = ("\(number.magnitude)".reversed(), "\(result.magnitude)".reversed())
    return Double(zip(one, other).count { $0 == $1 }) / Double(max(one.count, other.count))
  }
}
