import Formats

/// A judgement between two responses to one prompt.
package struct Comparison: Sendable, Equatable {
  package var prompt: String
  package var chosen: String
  package var rejected: String
  /// How much better the chosen response is, in units of reward.
  package var margin: Double?
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

  package init(prompt: String, responses: [String], ranking: [Int]) {
    self.prompt = prompt
    self.responses = responses
    self.ranking = ranking
  }
}

/// A number given to one response.
package struct Rating: Sendable, Equatable {
  package var prompt: String
  package var response: String
  /// How good the response is; more is better, on whatever scale the data use.
  package var rating: Double

  package init(prompt: String, response: String, rating: Double) {
    self.prompt = prompt
    self.response = response
    self.rating = rating
  }
}

/// One row of preference data.
package enum PreferenceRow: Sendable, Equatable {
  case comparison(Comparison)
  case ranking(Ranking)
  case rating(Rating)

  package var prompt: String {
    switch self {
    case .comparison(let comparison): comparison.prompt
    case .ranking(let ranking): ranking.prompt
    case .rating(let rating): rating.prompt
    }
  }

  /// Its responses in the order in which they are written.
  package var responses: [String] {
    switch self {
    case .comparison(let row): [row.chosen, row.rejected]
    case .ranking(let row): row.responses
    case .rating(let row): [row.response]
    }
  }

  /// The row as a JSON object; optional values that are not there are left out.
  var json: JSONObject {
    switch self {
    case .comparison(let row):
      var object: JSONObject = [
        "prompt": .string(row.prompt), "chosen": .string(row.chosen),
        "rejected": .string(row.rejected),
      ]
      object["margin"] = row.margin.map { .double($0) }
      object["chosen_probability"] = row.probability.map { .double($0) }
      object["chosen_gold"] = row.chosenGold.map { .double($0) }
      object["rejected_gold"] = row.rejectedGold.map { .double($0) }
      object["annotator"] = row.annotator.map { .string($0) }
      return object
    case .ranking(let row):
      return [
        "prompt": .string(row.prompt), "responses": .array(row.responses.map { .string($0) }),
        "ranking": .array(row.ranking.map { .int($0) }),
      ]
    case .rating(let row):
      return [
        "prompt": .string(row.prompt), "response": .string(row.response),
        "rating": .double(row.rating),
      ]
    }
  }
}

/// Why a row, though well formed, teaches nothing.
package enum UnusableRow: Sendable, Equatable {
  case identicalResponses
  case emptyResponse
}

extension PreferenceRow {
  /// Why nothing can be learned from the row; `nil` when something can.
  package var defect: UnusableRow? {
    if responses.contains(where: { $0.allSatisfy(\.isWhitespace) }) { return .emptyResponse }
    return Set(responses).count < responses.count ? .identicalResponses : nil
  }
}
