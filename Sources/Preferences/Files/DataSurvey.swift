import Formats
package import Foundation

/// What a file of rows is read as.
package struct DataSurvey: Sendable {
  /// A row as it is read.
  package struct Shown: Sendable {
    /// File and line.
    package let place: String
    package let kind: String
    package let prompt: String
    package let responses: [String]
    package let judgement: Judgement
    /// Whether a chat template wrote the texts.
    package let isRendered: Bool
  }

  /// What a row says of its responses, by their places.
  package struct Judgement: Sendable, Encodable {
    /// Places of the better and of the worse responses.
    package private(set) var better: [Int]?
    package private(set) var worse: [Int]?
    package private(set) var isTie: Bool?
    /// Best first.
    package private(set) var order: [Int]?
    package private(set) var margin: Double?
    package private(set) var ratings: [Double]?
    package private(set) var probability: Double?
    package private(set) var label: Bool?
    package private(set) var steps: [Bool]?

    enum CodingKeys: String, CodingKey {
      case better, worse, order, margin, ratings, label, steps
      case isTie = "tie"
      case probability = "chosen_probability"
    }

    init(of example: Example, _ fields: RowFields) throws(PreferenceError) {
      let places = Array(example.responses.indices)
      (margin, ratings) = (example.margin, example.ratings)
      switch example.judgement {
      case .none: break
      case .tie: isTie = true
      case .better(let right):
        (better, worse) = (Array(places[..<right]), Array(places[right...]))
        probability = try fields.number("chosen_probability")
      case .ranking(let order):
        if example.form == .sides {
          (better, worse) = ([order[0]], [order[1]])
        } else {
          self.order = order
        }
      case .ratings(let given): ratings = given
      case .label(let given): label = given
      case .steps(let given): steps = given
      }
      if margin == nil, let ratings, ratings.count == 2, better != nil {
        margin = ratings[0] - ratings[1]
      }
    }

    /// For people; nil where there is none.
    package var text: String? {
      func list(_ values: [some CustomStringConvertible]) -> String {
        values.map(\.description).joined(separator: ", ")
      }
      var parts: [String] = []
      if let better, let worse {
        parts.append("response \(list(better)) is better than \(list(worse))")
      }
      if isTie == true { parts.append("a tie") }
      if let order { parts.append("best first \(list(order))") }
      if let margin { parts.append("margin \(margin)") }
      if let ratings { parts.append("rated \(list(ratings))") }
      if let probability { parts.append("probability \(probability)") }
      if let label { parts.append("label \(label)") }
      if let steps { parts.append("steps \(list(steps))") }
      return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
  }

  package let file: String
  package private(set) var rows = 0
  /// What can be learned from, in the order in which it was met; each kind with its rows.
  package private(set) var kinds: [(kind: String, count: Int)] = []
  package private(set) var columns = ColumnSummary()
  package private(set) var usesPlainFormat = false
  /// The first rows.
  package private(set) var shown: [Shown] = []
  /// Rows that were passed over, and why the first of them was.
  package private(set) var skipped = 0
  package private(set) var firstFault: PreferenceError?

  /// Reads a whole file.
  ///
  /// - Parameter count: rows to show.
  /// - Throws: ``PreferenceError`` naming file, line and key of the first row at fault.
  package init(
    of file: URL, as reading: RowReading, showing count: Int = 3
  ) throws(PreferenceError) {
    let file = try RowFile(file, isReadOnce: true)
    self.file = file.name
    let rows = try RowReader(file, takesTexts: true)
    var columns = ColumnReader(reading.columns, for: .judgements)
    while true {
      do throws(PreferenceError) {
        guard let fields = try rows.next() else { break }
        let row = try columns.read(fields)
        let ids = ["prompt_ids", "response_ids"].filter(row.has)
        if !ids.isEmpty {
          for key in ids { _ = try row.ids(key) }
          add("rows of token ids")
          continue
        }
        let example = try Example(row, format: reading.format, wanted: .anything)
        columns.add(example)
        let kind = try Self.kind(of: example, row)
        add(kind)
        if example.usesPlainFormat { usesPlainFormat = true }
        if shown.count < count {
          shown.append(
            Shown(
              place: row.place, kind: kind, prompt: example.prompt, responses: example.responses,
              judgement: try Judgement(of: example, row), isRendered: example.isRendered))
        }
      } catch {
        guard reading.skips, error.isOfOneRow else { throw error }
        skipped += 1
        if firstFault == nil { firstFault = error }
      }
    }
    try columns.requireFound(in: file.name)
    self.columns = columns.summary
  }

  private mutating func add(_ kind: String) {
    rows += 1
    if let place = kinds.firstIndex(where: { $0.kind == kind }) {
      kinds[place].count += 1
    } else {
      kinds.append((kind, 1))
    }
  }

  private static func kind(
    of example: Example, _ fields: RowFields
  ) throws(PreferenceError) -> String {
    if example.responses.isEmpty { return "prompts" }
    if example.judgement == .none {
      return example.responses.count == 1 ? "responses" : "responses without a judgement"
    }
    switch try PreferenceReading(example, fields) {
    case .unusable(.identicalResponses): return "left out: identical responses"
    case .unusable(.emptyResponse): return "left out: an empty response"
    case .unusable(.tie): return "left out: ties"
    case .unusable(.contradiction): return "left out: contradictory judgements"
    case .unusable(.unjudged): return "responses without a judgement"
    case .rows(let rows):
      switch rows.first {
      case .comparison:
        return rows.count == 1 ? "comparisons" : "lists of right and wrong responses"
      case .ranking: return "rankings"
      case .rating(let row): return row.isLabel ? "responses with a label" : "ratings"
      case .steps: return "responses with labelled steps"
      case nil: return "left out: empty lists"
      }
    }
  }
}
