import LanguageModels
package import Preferences
package import RLHF
import RunRecords
package import Statistics

/// How a reward model does on held-out comparisons, and the best that anything could do.
package struct RewardReport: Sendable {
  package let evaluation: RewardEvaluation
  /// Accuracy on as many training comparisons; nil when they are not at hand.
  package let training: Proportion?
  package let probes: [ProbeResult]
  /// What the rewards make of length, with up to 200 responses to draw.
  package let length: LengthEvaluation

  /// Training accuracy minus held-out accuracy; nil when training comparisons are not at hand.
  package var trainingGap: Double? { training.map { $0.value - evaluation.accuracy.value } }
}

/// Comparisons to judge by, in tokens, and what is known of each.
struct HeldOutPairs {
  private(set) var pairs = TokenizedRows()
  /// Of every pair, or none where nothing is known of any.
  private(set) var golds: [PairGold] = []

  fileprivate mutating func append(_ pair: RankedResponses, _ gold: PairGold) {
    if golds.isEmpty, gold != PairGold() {
      golds = Array(repeating: PairGold(), count: pairs.count)
    }
    let isKnown = gold != PairGold() || !golds.isEmpty
    pairs.append(pair)
    if isKnown { golds.append(gold) }
  }
}

extension AlignmentLoop {
  /// Fewer held-out comparisons than this leave an interval of accuracy wider than ± 3 points.
  package static let enoughHeldOutPairs = 1_000

  /// A held-out judgement of any reward model.
  ///
  /// All the figures are of exactly the rows given, so that they can be found again from
  /// `preferences/eval.jsonl`: too few of them are said aloud, not added to.
  ///
  /// - Parameter training: what the model was trained on, to measure how much of it is remembered.
  package func report(
    of model: RewardModel, on heldOut: some RowStream<Comparison>,
    training: some RowStream<Comparison> = [Comparison]()
  ) throws -> RewardReport {
    try report(
      of: model,
      on: heldOutPairs(heldOut, positions: model.model.configuration.maximumPositions),
      training: training)
  }

  /// The same for rows that are in tokens already.
  func report(
    of model: RewardModel, on heldOut: HeldOutPairs, training: some RowStream<Comparison>
  ) throws -> RewardReport {
    let pairs = heldOut.pairs
    if pairs.count < Self.enoughHeldOutPairs {
      observer.note(
        "the reward model is judged by \(pairs.count) held-out comparisons; take "
          + "\(Self.enoughHeldOutPairs) or more for intervals that mean something")
    }
    let rewards = try rewards(of: pairs, by: model)
    let evaluation = RewardEvaluation(
      pairs, rewards: rewards, golds: heldOut.golds, choices: scenario.reward.choiceProbability)
    let probing = RewardProbing(
      specialTokens: specialTokens,
      positions: model.model.configuration.maximumPositions,
      gold: isGoldOfThisWorld(heldOut) ? { worldGold($0, ended: true) } : nil
    ) { try model.scores($0, workers: workers) }
    var length = evaluation.length
    for index in pairs.indices.prefix(200) {
      let side = index % 2
      length.sampleLengths.append(pairs[index].exchanges[side].response.count)
      length.sampleScores.append(model.normalization(rewards[2 * index + side]))
    }
    return RewardReport(
      evaluation: evaluation,
      training: try accuracy(of: model, on: training, atMost: pairs.count),
      probes: try probing(probing.responses(of: pairs)), length: length)
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
    return RewardEvaluation(rows, rewards: try rewards(of: rows, by: model)).accuracy
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

  /// Whether this world gives the rows the gold that they say they have: rows of a file may come
  /// from another world, or from none.
  private func isGoldOfThisWorld(_ heldOut: HeldOutPairs) -> Bool {
    guard !heldOut.golds.isEmpty else { return false }
    return zip(heldOut.pairs, heldOut.golds).prefix(100).allSatisfy { pair, gold in
      zip(pair.exchanges, [gold.chosen, gold.rejected]).allSatisfy { exchange, said in
        guard let said else { return false }
        // Without the end that was put behind it.
        let text = Exchange(
          prompt: exchange.prompt, response: Array(exchange.response.dropLast()))
        return abs(worldGold(text, ended: true) - said) < 1e-9
      }
    }
  }

  /// Comparisons that the model can hold, in tokens; the others are counted aloud, by kind.
  func heldOutPairs(
    _ comparisons: some RowStream<Comparison>, positions: Int
  ) throws -> HeldOutPairs {
    var tally = RowTally("held-out comparisons", positions: positions, tokenizer: tokenizer)
    var usable = HeldOutPairs()
    try comparisons.forEachRow { row in
      let pair = RankedResponses(row, tokenizer: tokenizer)
      guard tally.add(pair, of: [row.prompt, row.chosen, row.rejected]) else { return }
      usable.append(
        pair,
        PairGold(
          probability: row.probability, chosen: row.chosenGold, rejected: row.rejectedGold))
    }
    tally.notes.forEach(observer.note)
    try tally.requireUsable()
    return usable
  }

  /// Makes sure of what ``heldOutPairs(_:positions:)`` demands, up to the first usable row.
  func requireUsable(heldOut: some RowStream<Comparison>, positions: Int) throws {
    var tally = RowTally("held-out comparisons", positions: positions, tokenizer: tokenizer)
    try heldOut.forRows { row in
      !tally.add(RankedResponses(row, tokenizer: tokenizer), of: [])
    }
    try tally.requireUsable()
  }
}

extension EvaluationSummary.RewardModel {
  /// The figures of a reward model on held-out comparisons.
  package init(_ report: RewardReport) {
    let evaluation = report.evaluation
    self.init(
      accuracy: evaluation.accuracy, ceiling: evaluation.ceiling,
      ece: evaluation.calibrationError, goldCorrelation: evaluation.gold?.correlation)
    goldRankCorrelation = evaluation.gold?.rankCorrelation
    goldAgreement = evaluation.gold?.agreement
    loss = evaluation.loss
    marginMean = evaluation.meanMargin
    marginHistogram = evaluation.margins
    reliability = evaluation.reliability.bins
    trainingAccuracy = report.training
    trainingGap = report.trainingGap
    length = report.length
    difficulty = evaluation.difficulty
    probes = report.probes
  }
}
