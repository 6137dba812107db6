/// What a row says, as far as something can be learned from it.
enum PreferenceReading {
  /// Usually one; of lists of right and wrong responses every pair.
  case rows([PreferenceRow])
  case unusable(UnusableRow)
}

/// Why a row, though well formed, teaches nothing.
enum UnusableRow: Equatable {
  case identicalResponses, emptyResponse, tie, unjudged, contradiction
}

extension PreferenceReading {
  init(_ example: Example, _ fields: RowFields) throws(PreferenceError) {
    let responses = example.responses
    if example.isContradictory {
      self = .unusable(.contradiction)
      return
    }
    func unusable() -> UnusableRow? {
      if example.hasEmptyResponse { return .emptyResponse }
      // Byte for byte: texts that look alike may differ in tokens.
      let different = Set(responses.map { Array($0.utf8) }).count
      return different < responses.count ? .identicalResponses : nil
    }
    switch example.judgement {
    case .label(let label):
      if let reason = unusable() {
        self = .unusable(reason)
      } else {
        var row = Rating(prompt: example.prompt, response: responses[0], label: label)
        row.isRendered = example.isRendered
        self = .rows([.rating(row)])
      }
    case .steps(let labels):
      // Two steps may well be alike.
      self =
        example.hasEmptyResponse
        ? .unusable(.emptyResponse)
        : .rows([.steps(StepLabels(prompt: example.prompt, steps: responses, labels: labels))])
    case .tie: self = .unusable(.tie)
    case .none:
      switch example.form {
      case .single:
        throw fields.failure("rating", "is missing; add it with a number, more for better")
      case .several where responses.count < 2:
        throw fields.failure("responses", "holds \(responses.count); give at least two")
      case .several:
        throw fields.failure("ranking", "is missing; name the responses' indices, best first")
      default: self = .unusable(.unjudged)
      }
    case .better(let right):
      if let reason = unusable() {
        self = .unusable(reason)
      } else {
        self = .rows(try Self.comparisons(example, right: right, fields).map { .comparison($0) })
      }
    case .ranking(let order):
      if let reason = unusable() {
        self = .unusable(reason)
      } else if example.form == .sides {
        var row = Comparison(
          prompt: example.prompt, chosen: responses[order[0]], rejected: responses[order[1]])
        row.margin = example.margin
        row.isRendered = example.isRendered
        row.annotator = try fields.string("annotator")
        self = .rows([.comparison(row)])
      } else {
        try Self.requireSeveral(responses, fields)
        var row = Ranking(prompt: example.prompt, responses: responses, ranking: order)
        row.ratings = example.ratings
        row.isRendered = example.isRendered
        self = .rows([.ranking(row)])
      }
    case .ratings(let ratings):
      if let reason = unusable() {
        self = .unusable(reason)
      } else if example.form == .single {
        var row = Rating(prompt: example.prompt, response: responses[0], rating: ratings[0])
        row.isRendered = example.isRendered
        self = .rows([.rating(row)])
      } else {
        try Self.requireSeveral(responses, fields)
        var row = Ranking(prompt: example.prompt, responses: responses, ratings: ratings)
        row.isRendered = example.isRendered
        self = .rows([.ranking(row)])
      }
    }
  }

  private static func requireSeveral(
    _ responses: [String], _ fields: RowFields
  ) throws(PreferenceError) {
    guard responses.count < 2 else { return }
    throw fields.failure("responses", "holds \(responses.count); give at least two")
  }

  private static func comparisons(
    _ example: Example, right: Int, _ fields: RowFields
  ) throws(PreferenceError) -> [Comparison] {
    var row = Comparison(prompt: example.prompt, chosen: "", rejected: "")
    row.isRendered = example.isRendered
    (row.margin, row.scores) = (example.margin, example.ratings)
    row.probability = try fields.number("chosen_probability")
    if let probability = row.probability, !(0...1).contains(probability) {
      throw fields.failure(
        "chosen_probability", "is \(probability); write a probability between 0 and 1")
    }
    row.chosenGold = try fields.number("chosen_gold")
    row.rejectedGold = try fields.number("rejected_gold")
    row.annotator = try fields.string("annotator")
    return example.responses[..<right].flatMap { chosen in
      example.responses[right...].map { rejected in
        var pair = row
        (pair.chosen, pair.rejected) = (chosen, rejected)
        return pair
      }
    }
  }
}
