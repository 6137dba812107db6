import LanguageModels
import Numerics
import Preferences
import RLHF
import RunRecords
import Statistics

/// Held-out comparisons in tokens, and what is known of them beside the judgements; and rows with labels.
struct HeldOutRows {
  private(set) var pairs = TokenizedRows()
  /// Where labels are learned.
  fileprivate(set) var labelled = TokenizedRows()
  /// The probability of each judgement; nil unless every row says it.
  private(set) var probabilities: [Double]? = []
  /// Gold of chosen and rejected of pair 0, of pair 1, …; nil unless every row says it.
  private(set) var golds: [Double]? = []

  fileprivate mutating func append(_ pair: RankedResponses, of row: Comparison) {
    pairs.append(pair)
    if let probability = row.probability {
      probabilities?.append(probability)
    } else {
      probabilities = nil
    }
    if let chosen = row.chosenGold, let rejected = row.rejectedGold {
      golds?.append(contentsOf: [chosen, rejected])
    } else {
      golds = nil
    }
  }
}

extension AlignmentLoop {
  /// Fewer held-out comparisons than this leave an interval of accuracy wider than ± 3 points.
  static let enoughHeldOutPairs = 1_000

  /// The figures of a reward model on exactly the held-out rows given, so that they can be computed
  /// again from `preferences/eval.jsonl`; a note says when the rows are few.
  ///
  /// - Parameter training: what the model was trained on, for the training accuracy.
  func report(
    of model: RewardModel, on heldOut: some RowStream<Comparison>,
    labels: some RowStream<PreferenceRow> = [PreferenceRow](),
    training: some RowStream<Comparison> = [Comparison]()
  ) throws -> EvaluationSummary.RewardModel {
    try report(
      of: model,
      on: heldOutRows(
        heldOut, labels: labels, positions: model.model.configuration.maximumPositions),
      training: training)
  }

  /// The same for rows that are in tokens already.
  func report(
    of model: RewardModel, on heldOut: HeldOutRows, training: some RowStream<Comparison>
  ) throws -> EvaluationSummary.RewardModel {
    let pairs = heldOut.pairs
    let (count, kind) =
      pairs.isEmpty
      ? (heldOut.labelled.count, "held-out rows with labels")
      : (pairs.count, "held-out comparisons")
    if count < Self.enoughHeldOutPairs {
      observer.note(
        "the reward model is judged by \(count) \(kind); take "
          + "\(Self.enoughHeldOutPairs) or more for intervals that mean something")
    }
    let rewards = try rewards(of: pairs, by: model)
    var figures = EvaluationSummary.RewardModel(
      pairs, rewards: rewards, probabilities: heldOut.probabilities, golds: heldOut.golds,
      choices: scenario.reward.choiceProbability)
    let probing = RewardProbing(
      specialTokens: specialTokens,
      positions: model.model.configuration.maximumPositions,
      gold: isGoldOfThisWorld(heldOut) ? { worldGold($0, ended: true) } : nil
    ) { try model.scores($0, workers: workers) }
    for index in pairs.indices.prefix(200) {
      let side = index % 2
      figures.length?.sampleLengths.append(pairs[index].exchanges[side].response.count)
      figures.length?.sampleScores.append(model.normalization(rewards[2 * index + side]))
    }
    if model.members.count > 1 {
      (figures.members, figures.disagreement) = try memberFigures(of: model, on: pairs)
    }
    figures.probes = try probing(
      probing.responses(of: pairs.isEmpty ? heldOut.labelled : pairs))
    let labels = try labelFigures(of: model, on: heldOut)
    (figures.labels, figures.steps) = (labels?.labels, labels?.steps)
    figures.trainingAccuracy = try accuracy(
      of: model, on: training, atMost: min(pairs.count, scenario.reward.pairsUsed ?? .max))
    if let training = figures.trainingAccuracy, let heldOut = figures.accuracy {
      figures.trainingGap = training.value - heldOut.value
    }
    return figures
  }

  /// The accuracy of every member of an ensemble, and how far they disagree on a response.
  private func memberFigures(
    of model: RewardModel, on pairs: TokenizedRows
  ) throws -> ([Proportion], Double?) {
    var margins = model.members.map { _ in [Double]() }
    let disagreement = Disagreement()
    var rest = pairs[...]
    while !rest.isEmpty {
      let piece = rest.prefix(1_000)
      let scores = try model.memberScores(piece.flatMap(\.exchanges), workers: workers)
      disagreement.add(scores)
      for member in margins.indices {
        margins[member] += stride(from: 0, to: scores.count, by: 2).map {
          scores[$0][member] - scores[$0 + 1][member]
        }
      }
      rest = rest.dropFirst(piece.count)
    }
    return (margins.map { Proportion(ofPositive: $0) }, disagreement.take())
  }

  /// Accuracy on the first of the comparisons that the model can hold; nil when there are none.
  private func accuracy(
    of model: RewardModel, on comparisons: some RowStream<Comparison>, atMost count: Int
  ) throws -> Proportion? {
    let positions = model.model.configuration.maximumPositions
    var rows = TokenizedRows()
    try comparisons.forRows { row in
      let pair = RankedResponses(row, tokenizer: tokenizer)
      if RowDefect(of: pair, positions: positions) == nil { rows.append(pair) }
      return rows.count < count
    }
    guard !rows.isEmpty else { return nil }
    return EvaluationSummary.RewardModel(rows, rewards: try rewards(of: rows, by: model)).accuracy
  }

  /// Chosen and rejected of pair 0, of pair 1, …: as many pairs at once as take little memory.
  func rewards(
    of pairs: some RandomAccessCollection<RankedResponses>, by model: RewardModel
  ) throws -> [Double] {
    var rest = pairs[...]
    var rewards: [Double] = []
    while !rest.isEmpty {
      let piece = rest.prefix(1_000)
      rewards += try model.rewards(piece.flatMap(\.exchanges), workers: workers)
      rest = rest.dropFirst(piece.count)
    }
    return rewards
  }

  /// How well rewards agree with labels, of the held-out rows that have them, or else of the pairs, whose
  /// chosen responses count as desirable; and with those of steps, where they are read. Nil where the
  /// objective learns none.
  func labelFigures(
    of model: RewardModel, on heldOut: HeldOutRows
  ) throws -> (labels: LabelEvaluation, steps: StepFigures?)? {
    let settings = scenario.reward
    guard settings.objective == .binary else { return nil }
    func evaluation(_ rewards: [Double], _ labels: [Bool]) -> LabelEvaluation {
      LabelEvaluation(rewards: rewards, labels: labels) {
        settings.choiceProbability.negativeLogLikelihood(Dual($0)).value
      }
    }
    if settings.reading == .steps {
      var (all, agreement) = ((rewards: [Double](), labels: [Bool]()), StepAgreement())
      for row in heldOut.labelled where row.stepEnds != nil {
        let rewards = try model.rewards(row.stepExchanges, workers: workers)
        let labels = settings.labels(of: row).map { $0 == 1 }
        agreement.add(rewards: rewards, labels: labels)
        all.rewards += rewards
        all.labels += labels
      }
      return (evaluation(all.rewards, all.labels), agreement.figures)
    }
    let rows = heldOut.labelled.isEmpty ? heldOut.pairs : heldOut.labelled
    let labels = rows.flatMap { settings.labels(of: $0).map { $0 == 1 } }
    return (evaluation(try rewards(of: rows, by: model), labels), nil)
  }

  /// Whether this world gives the rows the gold that they say they have: rows of a file may come
  /// from another world, or from none.
  private func isGoldOfThisWorld(_ heldOut: HeldOutRows) -> Bool {
    guard let golds = heldOut.golds, !golds.isEmpty else { return false }
    return zip(heldOut.pairs.prefix(100).flatMap(\.exchanges), golds).allSatisfy { exchange, gold in
      // Without the end that was put behind it.
      let text = Exchange(prompt: exchange.prompt, response: Array(exchange.response.dropLast()))
      return abs(worldGold(text, ended: true) - gold) < 1e-9
    }
  }

  /// Comparisons and rows with labels that the model can hold, in tokens; the others are counted aloud,
  /// by kind.
  func heldOutRows(
    _ comparisons: some RowStream<Comparison>,
    labels: some RowStream<PreferenceRow> = [PreferenceRow](), positions: Int
  ) throws -> HeldOutRows {
    var tally = RowTally("held-out comparisons", positions: positions, tokenizer: tokenizer)
    var usable = HeldOutRows()
    try comparisons.forEachRow { row in
      let pair = RankedResponses(row, tokenizer: tokenizer)
      guard tally.add(pair, of: [row.prompt, row.chosen, row.rejected]) else { return }
      usable.append(pair, of: row)
    }
    tally.notes.forEach(observer.note)
    var labelTally = RowTally("held-out labels", positions: positions, tokenizer: tokenizer)
    var pairs = RatingPairs()  // of which there are none
    try labels.forEachRow { row in
      for element in rankedResponses(row, for: .binary, index: 0, &pairs)
      where labelTally.add(element, of: [row.prompt] + row.responses) {
        usable.labelled.append(element)
      }
    }
    labelTally.notes.forEach(observer.note)
    if usable.labelled.isEmpty {
      try (tally.count == 0 && labelTally.count > 0 ? labelTally : tally).requireUsable()
    }
    return usable
  }

  /// Makes sure of what ``heldOutRows(_:labels:positions:)`` demands, up to the first usable row.
  func requireUsable(
    heldOut: some RowStream<Comparison>, labels: some RowStream<PreferenceRow>, positions: Int
  ) throws {
    var tally = RowTally("held-out comparisons", positions: positions, tokenizer: tokenizer)
    try heldOut.forRows { row in
      !tally.add(RankedResponses(row, tokenizer: tokenizer), of: [])
    }
    guard tally.leftOut == tally.count else { return }
    var labelTally = RowTally("held-out labels", positions: positions, tokenizer: tokenizer)
    var pairs = RatingPairs()
    try labels.forRows { row in
      let elements = rankedResponses(row, for: .binary, index: 0, &pairs)
      return !elements.contains { labelTally.add($0, of: []) }
    }
    try (labelTally.count > 0 ? labelTally : tally).requireUsable()
  }
}

extension EvaluationSummary.RewardModel {
  /// How well rewards agree with held-out judgements.
  ///
  /// - Parameters:
  ///   - rewards: chosen and rejected of pair 0, of pair 1, …
  ///   - probabilities: with which each judgement was to be expected; nil where that is not known.
  ///   - golds: gold rewards in the order of `rewards`; nil where they are not known.
  ///   - choices: P(Δ), as the rewards were trained.
  init(
    _ comparisons: some RandomAccessCollection<RankedResponses>, rewards: [Double],
    probabilities: [Double]? = nil, golds: [Double]? = nil,
    choices: ChoiceProbability = ChoiceProbability()
  ) {
    precondition(rewards.count == 2 * comparisons.count, "two rewards per comparison")
    self.init()
    guard !comparisons.isEmpty else { return }
    func differences(_ values: [Double]) -> [Double] {
      stride(from: 0, to: values.count, by: 2).map { values[$0] - values[$0 + 1] }
    }
    let margins = differences(rewards)
    accuracy = Proportion(ofPositive: margins)
    loss = Summary(margins.map { choices.negativeLogLikelihood(Dual($0)).value }).mean
    (mean, marginMean) = (Summary(rewards).mean, Summary(margins).mean)
    marginHistogram = Histogram(margins)
    // Always predicting "chosen" would hide miscalibration: every outcome would be true. So every
    // other pair is turned round.
    let turned = margins.enumerated().map { $0.offset.isMultiple(of: 2) ? $0.element : -$0.element }
    let curve = ReliabilityCurve(
      turned.map { choices($0) }, margins.indices.map { $0.isMultiple(of: 2) })
    (ece, reliability) = (curve.expectedError, curve.bins)
    length = LengthEvaluation(
      lengths: comparisons.flatMap { [$0.chosen.count, $0.rejected.count] }, rewards: rewards)
    let ceilings = probabilities.map { $0.map { max($0, 1 - $0) } }
    ceiling = ceilings.map { Summary($0).mean }
    let goldMargins = golds.map(differences)
    if let golds, let goldMargins {
      length?.goldCorrelation = correlation(
        golds, comparisons.flatMap { [Double($0.chosen.count), Double($0.rejected.count)] })
      goldCorrelation = correlation(rewards, golds)
      goldRankCorrelation = rankCorrelation(rewards, golds)
      goldAgreement = Proportion(
        ofPositive: zip(margins, goldMargins).filter { $1 != 0 }.map { $1 > 0 ? $0 : -$0 })
    }
    difficulty = DifficultyBin.bins(margins, goldMargins: goldMargins, ceilings: ceilings)
  }
}
