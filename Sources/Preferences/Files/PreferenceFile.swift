import Formats
package import Foundation

/// What reading a file of preferences met; nothing is left out without being counted here.
package struct ReadingReport: Sendable, Equatable, CustomStringConvertible {
  package internal(set) var comparisons = 0
  package internal(set) var rankings = 0
  package internal(set) var ratings = 0
  /// Rows that say what an earlier one said: prompt, responses and judgement. They are kept, for
  /// two people may well have judged alike, and counted, for a file may hold its rows twice.
  package internal(set) var repeated = 0
  /// Rows left out because two responses are the same.
  package internal(set) var identicalResponses = 0
  /// Rows left out because a response is empty or only white space.
  package internal(set) var emptyResponses = 0

  package var usable: Int { comparisons + rankings + ratings }
  package var unusable: Int { identicalResponses + emptyResponses }

  package var description: String {
    "\(comparisons) comparisons, \(rankings) rankings and \(ratings) ratings; left out: "
      + "\(identicalResponses) with identical responses, \(emptyResponses) with an empty response"
      + (repeated > 0 ? "; \(repeated) repeat an earlier row, and are kept" : "")
  }
}

/// Preference data as JSON lines:
/// `{"prompt": …, "chosen": …, "rejected": …}`, `{"prompt": …, "responses": […], "ranking": […]}` or
/// `{"prompt": …, "response": …, "rating": …}`.
package enum PreferenceFile {
  /// Calls `body` with every usable row, one at a time: of a row only its digest stays, 8 bytes (a
  /// set of a million takes some 25 MB).
  ///
  /// - Throws: ``PreferenceError`` naming file, line and key of the first malformed row, or saying
  ///   that there is no usable row at all.
  @discardableResult
  package static func forEachRow(
    of source: PreferenceSource, _ body: (PreferenceRow) -> Void
  ) throws(PreferenceError) -> ReadingReport {
    var report = ReadingReport()
    var digests: Set<UInt64> = []
    let reader = try source.reader()
    while let fields = try reader.next() {
      let row = try PreferenceRow(fields)
      switch row.defect {
      case .identicalResponses: report.identicalResponses += 1
      case .emptyResponse: report.emptyResponses += 1
      case nil:
        switch row {
        case .comparison: report.comparisons += 1
        case .ranking: report.rankings += 1
        case .rating: report.ratings += 1
        }
        if !digests.insert(row.digest).inserted { report.repeated += 1 }
        body(row)
      }
    }
    if report.usable == 0 {
      throw .file(
        path: source.name, problem: "holds no usable row (\(report)); give it at least one")
    }
    return report
  }

  /// Writes rows in order, atomically; equal rows give equal bytes.
  ///
  /// - Throws: `FileWritingError`, and whatever the rows throw.
  package static func write(_ rows: some RowStream<PreferenceRow>, to file: URL) throws {
    try JSONLines.write(to: file) { write in try rows.forEachRow { try write($0.json) } }
  }

  /// Writes comparisons in order, in the same way.
  package static func write(comparisons: some RowStream<Comparison>, to file: URL) throws {
    try JSONLines.write(to: file) { write in
      try comparisons.forEachRow { try write(PreferenceRow.comparison($0).json) }
    }
  }
}

extension PreferenceRow {
  init(_ fields: RowFields) throws(PreferenceError) {
    try fields.requireOneKind(
      of: [["chosen", "rejected"], ["responses", "ranking"], ["response", "rating"]])
    if !fields.has("chosen"), !fields.has("rejected") {
      for key in ["margin", "chosen_probability"] where fields.has(key) {
        throw fields.failure(
          key, "is said of comparisons alone, of `chosen` and `rejected`; leave it out")
      }
    }
    if fields.has("responses") || fields.has("ranking") {
      self = .ranking(try Ranking(fields))
    } else if fields.has("response") || fields.has("rating") {
      self = .rating(try Rating(fields))
    } else {
      self = .comparison(try Comparison(fields))
    }
  }
}

extension Comparison {
  init(_ fields: RowFields) throws(PreferenceError) {
    let chosen = try fields.text("chosen")
    let rejected = try fields.text("rejected")
    if fields.has("prompt") {
      let prompt = try fields.text("prompt")
      self.init(
        prompt: prompt.rendered, chosen: chosen.rendered(after: prompt),
        rejected: rejected.rendered(after: prompt))
    } else {
      let texts = (chosen: chosen.rendered, rejected: rejected.rendered)
      let prompt = RowText.implicitPrompt(of: texts.chosen, texts.rejected)
      let length = prompt.unicodeScalars.count
      self.init(
        prompt: prompt, chosen: String(texts.chosen.unicodeScalars.dropFirst(length)),
        rejected: String(texts.rejected.unicodeScalars.dropFirst(length)))
    }
    margin = try fields.number("margin")
    probability = try fields.number("chosen_probability")
    if let probability, !(0...1).contains(probability) {
      throw fields.failure(
        "chosen_probability", "is \(probability); write a probability between 0 and 1")
    }
    chosenGold = try fields.number("chosen_gold")
    rejectedGold = try fields.number("rejected_gold")
    annotator = try fields.string("annotator")
  }
}

extension Ranking {
  fileprivate init(_ fields: RowFields) throws(PreferenceError) {
    let prompt = try fields.text("prompt")
    let responses = try fields.texts("responses").map { $0.rendered(after: prompt) }
    guard responses.count >= 2 else {
      throw fields.failure("responses", "holds \(responses.count); give at least two")
    }
    self.init(
      prompt: prompt.rendered, responses: responses,
      ranking: try fields.ranking(of: responses.count))
  }
}

extension Rating {
  fileprivate init(_ fields: RowFields) throws(PreferenceError) {
    let prompt = try fields.text("prompt")
    let response = try fields.text("response").rendered(after: prompt)
    guard let rating = try fields.number("rating") else {
      throw fields.failure("rating", "is missing; add it with a number, more for better")
    }
    self.init(prompt: prompt.rendered, response: response, rating: rating)
  }
}
