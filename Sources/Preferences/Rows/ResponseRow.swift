import Formats
package import Foundation

/// A row of `score` and `logprobs`: a prompt and its responses, and whatever else the row holds,
/// which is written back as it is written.
package struct ResponseRow: Sendable, Equatable {
  package enum Content: Sendable, Equatable {
    /// To be encoded, each by itself; as they stand where a chat template wrote them.
    case text(prompt: String, responses: [String], isRendered: Bool)
    /// To be used exactly as given.
    case ids(prompt: [Int32], response: [Int32])
  }

  /// How the row writes its responses, which decides how it gets their rewards.
  package enum Form: Sendable, Equatable {
    /// `response` or `response_ids`.
    case single
    /// `chosen` and `rejected`.
    case pair
    /// Lists of `chosen` and `rejected`; so many are right.
    case lists(right: Int)
    /// `responses`, or two side by side.
    case several
    /// Steps of one response.
    case steps
  }

  package let content: Content
  package let form: Form
  /// How good somebody found each response, more for better, where the row says it.
  package let ratings: [Double]?
  /// Whether the one response is good, or each of its steps is right, where the row says it.
  package let labels: [Bool]?
  /// What accuracy is counted by.
  package let subset: String?
  /// Where the row stands, for messages: file and line, such as `rows.jsonl:3`.
  package let place: String
  private var written: WrittenObject
  private let given: Set<String>
  /// Names that were taken, with the ones that were set instead.
  package private(set) var renamed: [(taken: String, set: String)] = []

  package static func == (first: ResponseRow, second: ResponseRow) -> Bool {
    first.place == second.place && first.content == second.content
      && first.written == second.written
  }

  /// - Parameters:
  ///   - example: what the row says; nil for one of token ids.
  ///   - written: the row with the names of the file.
  init(
    _ fields: RowFields, _ example: Example?, written: WrittenObject
  ) throws(PreferenceError) {
    if let example {
      content = .text(
        prompt: example.prompt, responses: example.responses, isRendered: example.isRendered)
    } else {
      content = .ids(
        prompt: try fields.ids("prompt_ids"), response: try fields.ids("response_ids"))
    }
    switch example?.form ?? .single {
    case .single: form = .single
    case .pair: form = .pair
    case .sides: form = .several
    case .several:
      form =
        if case .better(let right) = example?.judgement { .lists(right: right) } else { .several }
    case .steps: form = .steps
    }
    let count = example?.responses.count ?? 1
    switch example?.isContradictory == true ? nil : example?.judgement {
    case .better(let right): ratings = (0..<count).map { $0 < right ? 1 : 0 }
    case .ranking(let order):
      var places = [Double](repeating: 0, count: count)
      for (place, index) in order.enumerated() { places[index] = -Double(place) }
      ratings = places
    case .ratings(let given) where count > 1: ratings = given
    default: ratings = nil
    }
    switch example?.judgement {
    case .label(let label): labels = [label]
    case .steps(let given): labels = given
    case nil: labels = try fields.bool("label").map { [$0] }
    default: labels = nil
    }
    subset = fields.value("subset")?.string
    place = fields.place
    self.written = written
    given = Set(written.object.keys)
  }

  /// Sets `reward` of a single response, `chosen_reward` and `rejected_reward` of a pair,
  /// `chosen_rewards` and `rejected_rewards` of lists, `rewards` of steps, or `rewards` of several, in the
  /// order in which they are written, and `order`. A column of the row that is called so stays as it is,
  /// and ours gets a number: `reward_2`.
  ///
  /// - Parameter order: indices of the responses, that of the highest reward first.
  /// - Throws: ``PreferenceError`` when a number is not finite, as in everything that sets one.
  package mutating func set(rewards: [Double], order: [Int]) throws(PreferenceError) {
    switch form {
    case .single: try setBeside("reward", .double(rewards[0]))
    case .pair:
      try setBeside("chosen_reward", .double(rewards[0]))
      try setBeside("rejected_reward", .double(rewards[1]))
    case .lists(let right):
      try setBeside("chosen_rewards", .array(rewards[..<right].map { .double($0) }))
      try setBeside("rejected_rewards", .array(rewards[right...].map { .double($0) }))
    case .steps: try setBeside("rewards", .array(rewards.map { .double($0) }))
    case .several:
      try setBeside("rewards", .array(rewards.map { .double($0) }))
      try setBeside("order", .array(order.map { .int($0) }))
    }
  }

  /// Sets `logprobs`, one for each token of the response, and of a row of texts the ids used,
  /// `prompt_ids` and `response_ids`, in the same way.
  package mutating func set(
    logProbabilities: [Double], promptIDs: [Int32], responseIDs: [Int32]
  ) throws(PreferenceError) {
    try setBeside("logprobs", .array(logProbabilities.map { .double($0) }))
    guard case .text = content else { return }
    try setBeside("prompt_ids", .array(promptIDs.map { .int(Int($0)) }))
    try setBeside("response_ids", .array(responseIDs.map { .int(Int($0)) }))
  }

  private mutating func setBeside(
    _ key: String, _ value: JSONValue
  ) throws(PreferenceError) {
    var name = key
    var number = 2
    while given.contains(name) {
      name = "\(key)_\(number)"
      number += 1
    }
    if name != key { renamed.append((key, name)) }
    do throws(JSONError) { try written.set(name, to: value) } catch {
      throw .file(path: place, problem: "\(error); check the model that made it")
    }
  }

  /// The row as one line of JSON, without the newline.
  package var line: String { written.text }
}

/// The rows of files for `score` and `logprobs`, one at a time: memory does not grow with the files.
package final class ResponseRowReader {
  private let files: [URL]
  private let reading: RowReading
  private let purpose: ColumnReader.Purpose
  private var current: (rows: RowReader, columns: ColumnReader, name: String)?
  private var next = 0
  package private(set) var columns = ColumnSummary()
  package private(set) var usesPlainFormat = false

  /// - Parameter readsJudgements: whether it matters what rows say of their responses.
  package init(
    _ files: [URL], as reading: RowReading = RowReading(), readsJudgements: Bool = true
  ) {
    (self.files, self.reading) = (files, reading)
    purpose = readsJudgements ? .judgements : .responses
  }

  /// The next row; nil behind the last one.
  ///
  /// - Throws: ``PreferenceError`` naming file, line and key; after one of a single row
  ///   (``PreferenceError/isOfOneRow``) the next call goes on behind that row.
  package func nextRow() throws(PreferenceError) -> ResponseRow? {
    while true {
      if current == nil {
        guard next < files.count else { return nil }
        let file = try RowFile(files[next], isReadOnce: true)
        next += 1
        current = (
          try RowReader(file, keepsWriting: true), ColumnReader(reading.columns, for: purpose),
          file.name
        )
      }
      guard let fields = try current?.rows.next() else {
        if let current {
          try current.columns.requireFound(in: current.name)
          columns.add(current.columns.summary)
        }
        current = nil
        continue
      }
      guard let row = try current?.columns.read(fields) else { continue }
      let written = try written(fields)
      guard !row.has("prompt_ids"), !row.has("response_ids") else {
        return try ResponseRow(row, nil, written: written)
      }
      let example = try Example(row, format: reading.format)
      current?.columns.add(example)
      if example.usesPlainFormat { usesPlainFormat = true }
      return try ResponseRow(row, example, written: written)
    }
  }

  /// The row as it is to be written back, by the names of the file.
  private func written(_ fields: RowFields) throws(PreferenceError) -> WrittenObject {
    if let written = fields.written { return written }
    do throws(JSONError) { return try WrittenObject(fields.object) } catch {
      throw .line(path: fields.path, line: fields.line, problem: "\(error)")
    }
  }

  /// How many rows files have; nil where one of them can be read only once.
  ///
  /// - Throws: ``PreferenceError`` when a file cannot be read.
  package static func count(in files: [URL]) throws(PreferenceError) -> Int? {
    var count = 0
    for file in files {
      guard RowFile.canBeReadAgain(file) else { return nil }
      let rows = try RowReader(RowFile(file))
      while true {
        do throws(PreferenceError) {
          guard try rows.next() != nil else { break }
        } catch { if !error.isOfOneRow { throw error } }
        count += 1
      }
    }
    return count
  }
}
