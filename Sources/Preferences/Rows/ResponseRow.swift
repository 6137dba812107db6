import Formats
package import Foundation

/// A row of `score` and `logprobs`: a prompt and its responses, and whatever else the row holds,
/// which is written back as it was.
package struct ResponseRow: Sendable, Equatable {
  package enum Content: Sendable, Equatable {
    /// To be encoded, each by itself.
    case text(prompt: String, responses: [String])
    /// To be used exactly as given.
    case ids(prompt: [Int32], response: [Int32])
  }

  /// How the row writes its responses, which decides how it gets their rewards.
  package enum Form: Sendable, Equatable {
    /// `response` or `response_ids`.
    case single
    /// `chosen` and `rejected`.
    case pair
    /// `responses`.
    case several
  }

  package let content: Content
  package let form: Form
  /// Which response somebody found the best, the second best, …, where the row says it.
  package let ranking: [Int]?
  /// Where the row stands, for messages: file and line, such as `rows.jsonl:3`.
  package let place: String
  private var object: JSONObject

  init(_ fields: RowFields) throws(PreferenceError) {
    if fields.has("prompt_ids") || fields.has("response_ids") {
      content = .ids(
        prompt: try fields.ids("prompt_ids"), response: try fields.ids("response_ids"))
      (form, ranking) = (.single, nil)
    } else if fields.has("responses") {
      let prompt = try fields.text("prompt")
      let responses = try fields.texts("responses").map { $0.rendered(after: prompt) }
      if responses.isEmpty { throw fields.failure("responses", "is empty; give at least one") }
      content = .text(prompt: prompt.rendered, responses: responses)
      ranking = fields.has("ranking") ? try fields.ranking(of: responses.count) : nil
      form = .several
    } else if fields.has("chosen"), !fields.has("response") {
      let row = try Comparison(fields)
      content = .text(prompt: row.prompt, responses: [row.chosen, row.rejected])
      (form, ranking) = (.pair, [0, 1])
    } else {
      let prompt = try fields.text("prompt")
      let response = try fields.text("response").rendered(after: prompt)
      content = .text(prompt: prompt.rendered, responses: [response])
      (form, ranking) = (.single, nil)
    }
    object = fields.object
    place = "\(fields.path):\(fields.line)"
  }

  /// Sets `reward` of a single response, `chosen_reward` and `rejected_reward` of a pair, or
  /// `rewards` of several, in the order in which they are written, and `order`.
  ///
  /// - Parameter order: indices of the responses, that of the highest reward first.
  package mutating func set(rewards: [Double], order: [Int]) {
    switch form {
    case .single: set("reward", to: rewards[0])
    case .pair:
      set("chosen_reward", to: rewards[0])
      set("rejected_reward", to: rewards[1])
    case .several:
      set("rewards", to: rewards)
      object["order"] = .array(order.map { .int($0) })
    }
  }

  /// Sets a key; a new one is put last.
  package mutating func set(_ key: String, to number: Double) { object[key] = .double(number) }

  /// Sets a key; a new one is put last.
  package mutating func set(_ key: String, to numbers: [Double]) {
    object[key] = .array(numbers.map { .double($0) })
  }

  /// Sets a key; a new one is put last.
  package mutating func set(_ key: String, to ids: [Int32]) {
    object[key] = .array(ids.map { .int(Int($0)) })
  }

  /// The row as one line of JSON, without the newline.
  ///
  /// - Throws: ``PreferenceError`` when a number that was set is not finite.
  package func line() throws(PreferenceError) -> String {
    do { return try JSONValue.object(object).text() } catch {
      throw .file(path: place, problem: "\(error); check the model that made it")
    }
  }

  /// Calls `body` with every row, one at a time: memory does not grow with the file.
  ///
  /// - Throws: ``PreferenceError`` naming file, line and key, and whatever `body` throws.
  package static func forEachRow(
    in file: URL, _ body: (ResponseRow) throws -> Void
  ) throws {
    let reader = try JSONLineReader(file)
    while let fields = try reader.next() { try body(ResponseRow(fields)) }
  }

  /// How many rows a file has; nil for standard input and pipes, which can be read only once.
  ///
  /// - Throws: ``PreferenceError`` when the file cannot be read.
  package static func count(in file: URL) throws(PreferenceError) -> Int? {
    try JSONLines.count(in: file)
  }
}
