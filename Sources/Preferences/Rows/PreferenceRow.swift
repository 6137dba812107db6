import Formats

/// A judgement between two responses to one prompt.
package struct Comparison: Sendable, Equatable {
  package var prompt: String
  package var chosen: String
  package var rejected: String
  /// Whether a chat template wrote the texts (`rendered`): they are encoded as they stand.
  package var isRendered = false
  /// How much better the chosen response is, in units of reward.
  package var margin: Double?
  /// Ratings of the chosen and of the rejected response (`chosen_score`, `rejected_score`), whose
  /// difference is the margin where none is given.
  package var scores: [Double]?
  /// The probability with which an ideal predictor expects this choice (`chosen_probability`).
  package var probability: Double?
  /// The true reward of the chosen response (`chosen_gold`).
  package var chosenGold: Double?
  /// The true reward of the rejected response (`rejected_gold`).
  package var rejectedGold: Double?
  /// Who judged.
  package var annotator: String?

  package init(
    prompt: String, chosen: String, rejected: String, margin: Double? = nil,
    probability: Double? = nil, chosenGold: Double? = nil, rejectedGold: Double? = nil,
    annotator: String? = nil
  ) {
    self.prompt = prompt
    self.chosen = chosen
    self.rejected = rejected
    self.margin = margin
    self.probability = probability
    self.chosenGold = chosenGold
    self.rejectedGold = rejectedGold
    self.annotator = annotator
  }

  /// Gold of the chosen response minus gold of the other.
  package var goldMargin: Double? {
    chosenGold.flatMap { chosen in rejectedGold.map { chosen - $0 } }
  }
}

/// An order of several responses to one prompt.
package struct Ranking: Sendable, Equatable {
  package var prompt: String
  package var responses: [String]
  /// Indices into `responses`, best first, each exactly once.
  package var ranking: [Int]
  /// Whether a chat template wrote the texts.
  package var isRendered = false
  /// A rating of each response where the order comes from ratings; equal ones are ties.
  package var ratings: [Double]?

  package init(prompt: String, responses: [String], ranking: [Int]) {
    self.prompt = prompt
    self.responses = responses
    self.ranking = ranking
  }

  /// Ordered by ratings; equal ones keep the order of the responses.
  package init(prompt: String, responses: [String], ratings: [Double]) {
    let order = ratings.indices.sorted { (ratings[$1], $0) < (ratings[$0], $1) }
    self.init(prompt: prompt, responses: responses, ranking: order)
    self.ratings = ratings
  }

  /// Every pair of a better and a worse response, as places in `responses`.
  package var pairs: [(better: Int, worse: Int)] {
    ranking.indices.flatMap { place in
      ranking[(place + 1)...].map { (ranking[place], $0) }
    }.filter { pair in ratings.map { $0[pair.0] != $0[pair.1] } ?? true }
  }

  /// The same as comparisons.
  package var comparisons: [Comparison] {
    pairs.map {
      var pair = Comparison(
        prompt: prompt, chosen: responses[$0.better], rejected: responses[$0.worse])
      pair.isRendered = isRendered
      return pair
    }
  }
}

/// A number given to one response.
package struct Rating: Sendable, Equatable {
  package var prompt: String
  package var response: String
  /// How good the response is; more is better, on whatever scale the data use. 1 and 0 for a label.
  package var rating: Double
  /// Whether it is a label, true or false, and is written as one.
  package private(set) var isLabel = false
  /// Whether a chat template wrote the texts.
  package var isRendered = false

  package init(prompt: String, response: String, rating: Double) {
    self.prompt = prompt
    self.response = response
    self.rating = rating
  }

  /// Whether one response is good.
  package init(prompt: String, response: String, label: Bool) {
    self.init(prompt: prompt, response: response, rating: label ? 1 : 0)
    isLabel = true
  }
}

/// One response step by step, and which of its steps are right.
package struct StepLabels: Sendable, Equatable {
  package var prompt: String
  /// At least one.
  package var steps: [String]
  /// One for each step.
  package var labels: [Bool]

  package init(prompt: String, steps: [String], labels: [Bool]) {
    self.prompt = prompt
    self.steps = steps
    self.labels = labels
  }
}

/// One row of preference data.
package enum PreferenceRow: Sendable, Equatable {
  case comparison(Comparison)
  case ranking(Ranking)
  case rating(Rating)
  case steps(StepLabels)

  package var prompt: String {
    switch self {
    case .comparison(let comparison): comparison.prompt
    case .ranking(let ranking): ranking.prompt
    case .rating(let rating): rating.prompt
    case .steps(let row): row.prompt
    }
  }

  /// Its responses, or the steps of its response, in the order in which they are written.
  package var responses: [String] {
    switch self {
    case .comparison(let row): [row.chosen, row.rejected]
    case .ranking(let row): row.responses
    case .rating(let row): [row.response]
    case .steps(let row): row.steps
    }
  }

  /// The row as a JSON object; optional values that are not there are left out.
  var json: JSONObject {
    var object: JSONObject = ["prompt": .string(prompt)]
    var isRendered = false
    switch self {
    case .comparison(let row):
      object["chosen"] = .string(row.chosen)
      object["rejected"] = .string(row.rejected)
      object["margin"] = row.margin.map { .double($0) }
      if let scores = row.scores, scores.count == 2 {
        object["chosen_score"] = .double(scores[0])
        object["rejected_score"] = .double(scores[1])
      }
      object["chosen_probability"] = row.probability.map { .double($0) }
      object["chosen_gold"] = row.chosenGold.map { .double($0) }
      object["rejected_gold"] = row.rejectedGold.map { .double($0) }
      object["annotator"] = row.annotator.map { .string($0) }
      isRendered = row.isRendered
    case .ranking(let row):
      object["responses"] = .array(row.responses.map { .string($0) })
      if let ratings = row.ratings {
        object["ratings"] = .array(ratings.map { .double($0) })
      } else {
        object["ranking"] = .array(row.ranking.map { .int($0) })
      }
      isRendered = row.isRendered
    case .rating(let row):
      object["response"] = .string(row.response)
      object[row.isLabel ? "label" : "rating"] =
        row.isLabel ? .bool(row.rating == 1) : .double(row.rating)
      isRendered = row.isRendered
    case .steps(let row):
      object["completions"] = .array(row.steps.map { .string($0) })
      object["labels"] = .array(row.labels.map { .bool($0) })
    }
    if isRendered { object["rendered"] = .bool(true) }
    return object
  }

  /// The row as one line of JSON, without the newline: what ``PreferenceFile`` writes.
  ///
  /// - Throws: ``PreferenceError`` when a number is not finite.
  package func line() throws(PreferenceError) -> String {
    do { return try JSONValue.object(json).text() } catch {
      throw .file(path: "a preference row", problem: "\(error); check the rewards that made it")
    }
  }

  /// What another row would have to say to contradict this one; nil where that is not one thing.
  var opposite: PreferenceRow? {
    switch self {
    case .comparison(var row):
      (row.chosen, row.rejected) = (row.rejected, row.chosen)
      return .comparison(row)
    case .rating(let row) where row.isLabel:
      return .rating(Rating(prompt: row.prompt, response: row.response, label: row.rating == 0))
    default: return nil
    }
  }

  /// 64 bits of what the row says: its prompt, its responses from the best to the worst, and ratings.
  /// Equal rows have equal digests in every process; that two of a million different rows share one
  /// has a probability of 3·10⁻⁸.
  var digest: UInt64 {
    var digest = RowDigest()
    digest.add(prompt)
    switch self {
    case .comparison(let row):
      digest.add(row.chosen)
      digest.add(row.rejected)
    case .ranking(let row):
      for index in row.ranking {
        digest.add(row.responses[index])
        if let ratings = row.ratings { digest.add("\(ratings[index])") }
      }
    case .rating(let row):
      digest.add(row.response)
      digest.add("\(row.rating)")
    case .steps(let row):
      for (step, label) in zip(row.steps, row.labels) { digest.add("\(step)\(label)") }
    }
    return digest.value
  }
}

/// FNV-1a over the bytes of texts, with an end to each that no UTF-8 holds.
struct RowDigest {
  private static let start: UInt64 = 0xcbf2_9ce4_8422_2325
  private(set) var value = start

  init() {}

  /// Of a text in which it does not matter how much white space there is between words, before the
  /// first, or behind the last.
  init(ofWordsOf text: String) {
    var isBetween = false
    for byte in text.utf8 {
      if byte == 0x20 || (0x09...0x0D).contains(byte) {
        isBetween = value != Self.start
      } else {
        if isBetween { add(0x20) }
        isBetween = false
        add(byte)
      }
    }
    add(0xFF)
  }

  mutating func add(_ text: String) {
    for byte in text.utf8 { add(byte) }
    add(0xFF)
  }

  private mutating func add(_ byte: UInt8) {
    value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
  }
}
