import Formats

/// Which of two responses a row prefers.
enum Side {
  /// What `preference`, `preference_strength`, votes and marks of the winner say, the first deciding.
  static func statements(_ fields: RowFields) throws(PreferenceError) -> [Statement] {
    var said: [Statement] = []
    if let value = fields.value("preference") {
      said.append(Statement("preference", try preference(value, fields)))
    }
    let marks = ["winner_model_a", "winner_model_b", "winner_tie"]
    for (key, worth) in zip(marks, [[1.0, 0.0], [0, 1], [0, 0]])
    where try fields.bool(key) == true {
      // A tie beside a winner is a contradiction, too.
      if let other = said.first(where: { marks.contains($0.key) }) {
        throw fields.failure(
          key, "is true, and so is `\(fields.name(other.key))`; mark one of them")
      }
      said.append(Statement(key, worth))
    }
    if let strength = try fields.number("preference_strength") {
      said.append(Statement("preference_strength", [-strength, 0]))
    }
    if let a = try fields.number("score_A"), let b = try fields.number("score_B") {
      said.append(Statement("score_A", [a, b]))
    }
    return said
  }

  private static let first: [Double] = [1, 0]
  private static let second: [Double] = [0, 1]
  private static let tie: [Double] = [0, 0]

  /// What may stand before the letter or number of a response.
  private static let kinds: Set = [
    "response", "model", "answer", "assistant", "completion", "option", "output", "candidate",
    "summary", "text", "chatbot", "system",
  ]
  private static let ties: Set = [
    "tie", "tied", "both", "bothbad", "neither", "draw", "equal", "equally", "same",
  ]
  /// `tie (bothbad)`, `both good`, `equally bad`.
  private static let tieWords = ties.union(["bad", "good", "bothgood", "are", "is"])

  /// `A>B`, `[[B >> A]]`, `A=B`: which is better.
  private static func relation(_ word: String) -> [Double]? {
    let letters = word.split { "<>=~ []".contains($0) }
    guard letters == ["a", "b"] || letters == ["b", "a"],
      let sign = word.first(where: { "<>=~".contains($0) })
    else { return nil }
    if sign == "=" || sign == "~" { return tie }
    return (letters[0] == "a") == (sign == ">") ? first : second
  }

  /// `A is slightly better`.
  private static let betterWords: Set = [
    "is", "slightly", "somewhat", "much", "clearly", "significantly", "better",
  ]

  private static func preference(
    _ value: JSONValue, _ fields: RowFields
  ) throws(PreferenceError) -> [Double] {
    let names = ["response_a", "response_b"].map(fields.name)
    if let text = value.string {
      let word = text.lowercased().trimmingSpace
      // A response itself, before its words are taken for the name of one.
      let isText = ["response_a", "response_b"].map { fields.value($0)?.string == text }
      if isText == [true, false] { return first }
      if isText == [false, true] { return second }
      if word == names[0].lowercased() { return first }
      if word == names[1].lowercased() { return second }
      if let number = Double(decimal: word) { return try side(number, names, value, fields) }
      if let relation = relation(word) { return relation }
      // The whole of it, for `neither A nor B` ends like a name.
      var words = word.split { " _-()[]".contains($0) }.map(String.init)
      if words.last == "better" { words.removeAll(where: betterWords.contains) }
      if let last = words.last, words.count <= 2, words.count == 1 || kinds.contains(words[0]) {
        if last == "a" { return first }
        if last == "b" { return second }
        if let number = Double(decimal: last) { return try side(number, names, value, fields) }
      }
      if let word = words.first, ties.contains(word), words.allSatisfy(tieWords.contains) {
        return tie
      }
    } else if let number = value.double {
      return try side(number, names, value, fields)
    }
    throw failure(value, names, fields)
  }

  /// A number, whose meaning the names of the columns say: `response_0` and `response_1` count from 0,
  /// `response_1` and `response_2` from 1; of `human_ref_A` and `human_ref_B`, 1 means A. A number
  /// between says how likely the second is preferred (AlpacaEval).
  private static func side(
    _ number: Double, _ names: [String], _ value: JSONValue, _ fields: RowFields
  ) throws(PreferenceError) -> [Double] {
    if names[0] == "human_ref_A" {
      if number == 1 || number == 0 { return number == 1 ? first : second }
    } else if let lowest = names[0].last.flatMap({ Double(decimal: String($0)) }) {
      let probability = number - lowest
      if (0...1).contains(probability) { return [1 - probability, probability] }
    }
    throw failure(value, names, fields)
  }

  private static func failure(
    _ value: JSONValue, _ names: [String], _ fields: RowFields
  ) -> PreferenceError {
    let text = (try? value.text()) ?? value.kind
    return fields.failure(
      "preference",
      "is \(text), which does not say which of `\(names[0])` and `\(names[1])` is better; write the "
        + "name of one of them, or `tie`")
  }
}

extension String {
  /// Without white space at both ends.
  var trimmingSpace: String {
    let start = drop(while: \.isWhitespace)
    guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...last])
  }
}
