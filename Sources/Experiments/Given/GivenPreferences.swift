package import Foundation
package import LanguageModels
import Numerics
package import Preferences
package import RLHF
package import RunRecords
import Statistics

/// Preference rows that come from files instead of the scenario's annotators.
package struct GivenPreferences: Sendable {
  package let training: SplitRows<PreferenceSource>
  package let heldOut: Judgements<SplitRows<PreferenceSource>>
  /// Held-out rows with labels, where they are learned.
  package let heldOutLabels: LabelledRows<SplitRows<PreferenceSource>>
  /// What reading the files met, a line each, for the person to see.
  package let notes: [String]

  /// Goes through preference rows once and keeps none; to judge by, a ranking becomes all its pairs,
  /// and two ratings or labels of one prompt a pair, unless labels are learned themselves.
  ///
  /// - Parameters:
  ///   - files: rows to train on.
  ///   - heldOutFiles: rows to judge by; none keeps prompts of `files` apart.
  ///   - reading: how columns and messages are read.
  ///   - base: what the reward model starts from: it must be able to hold some of the rows.
  ///   - scenario: says which share of the rows is kept apart.
  ///   - objective: what the rows are for; nil for that of `reward.objective`.
  ///   - seed: decides which prompts are kept apart.
  ///   - progress: hears after each usable row how many of `files` were read.
  /// - Throws: `PreferenceError`, or ``LoopError`` when nothing is left to train on or judge by.
  package init(
    _ files: [URL], heldOut heldOutFiles: [URL] = [], as reading: RowReading? = nil,
    for base: LoadedModel<LanguageModel>, scenario: Scenario,
    objective: RewardObjective? = nil, seed: UInt64, progress: (Int) -> Void = { _ in }
  ) throws {
    let loop = try AlignmentLoop(
      scenario, tokenizer: base.tokenizer, seed: seed, workers: Workers(count: 1),
      observer: RunRecorder(
        directory: nil, terminal: Terminal(isInteractive: false, isQuiet: true)))
    let positions = base.shape.maximumPositions
    let reading = reading ?? RowReading(format: base.chatFormat)
    let source = try PreferenceSource(files, as: reading)
    var prompts = PromptCounts()
    var rows = 0
    var reports = try source.survey {
      prompts.add($0.prompt)
      rows += 1
      progress(rows)
    }
    var notes = source.notes(on: reports)
    let judges: SplitRows<PreferenceSource>
    let judgeName: String
    if !heldOutFiles.isEmpty {
      let others = try PreferenceSource(heldOutFiles, as: reading)
      var known = 0
      let otherReports = try others.survey {
        if prompts.contains($0.prompt) { known += 1 }
      }
      notes += others.notes(on: otherReports)
      if known > 0 {
        let usable = otherReports.reduce(0) { $0 + $1.usable }
        notes.append(
          "\(known) of \(usable) rows of \(others.name) have a prompt that is trained on, "
            + "too: what is remembered of prompts counts for the model there")
      }
      reports += otherReports
      let all = PromptSplit()  // which keeps no prompt apart
      training = SplitRows(source, by: all, heldOut: false)
      judges = SplitRows(others, by: all, heldOut: false)
      judgeName = others.name
    } else {
      var generator = SeededGenerator(seed: seed).stream("split of given preferences")
      let split = prompts.split(
        heldOutFraction: scenario.preferences.heldOutShare, generator: &generator)
      guard split.heldOutRows > 0 else {
        throw LoopError.unusable(
          "\(source.name): every row has the same prompt, so none can be held out to judge by")
      }
      training = SplitRows(source, by: split, heldOut: false)
      judges = SplitRows(source, by: split, heldOut: true)
      judgeName = source.name
      notes.append("\(split.heldOutRows) of \(rows) rows are held out, by prompt")
    }
    if reports.contains(where: \.usesPlainFormat) { notes.append(base.plainFormatNote) }
    let learnsLabels = (objective ?? scenario.reward.objective) == .binary
    if !learnsLabels, reports.contains(where: { $0.ratings + $0.labels > 0 }) {
      notes += try loop.tally(ofRatings: judges, positions: positions).notes
    }
    let isUsable: @Sendable (Rating) -> Bool = { [tokenizer = base.tokenizer] in
      RowDefect(of: RankedResponses($0, tokenizer: tokenizer), positions: positions) == nil
    }
    heldOut = Judgements(of: judges, pairingRatings: learnsLabels ? nil : isUsable)
    heldOutLabels = LabelledRows(of: judges, where: learnsLabels)
    var hasJudgements = false
    try heldOut.forRows { _ in
      hasJudgements = true
      return false
    }
    if !hasJudgements {
      try heldOutLabels.forRows { _ in
        hasJudgements = true
        return false
      }
    }
    // Who has labels alone wants to learn them, and the default learns pairs.
    let labels = reports.reduce(0) { $0 + $1.labels + $1.stepwise }
    let hint =
      learnsLabels || labels == 0
      ? ""
      : " (labels are learned with --set reward.objective=binary, and by dpo with --set dpo.loss=kto)"
    guard hasJudgements else {
      throw LoopError.unusable(
        "\(judgeName): none of the rows held out says which of two responses is "
          + "better, for no prompt has two different ratings of responses that the model can hold"
          + hint)
    }
    self.notes = notes
    // To tell a million rows apart takes more than to hold them in tokens.
    NumericalLibraries.releaseFreedMemory()
    do {
      try loop.requireUsable(training, for: objective, positions: positions, purpose: "training")
    } catch LoopError.unusable(let problem) { throw LoopError.unusable(problem + hint) }
    try loop.requireUsable(heldOut: heldOut, labels: heldOutLabels, positions: positions)
  }
}

extension GivenPreferences {
  /// Different prompts of held-out rows, as many as are judged on, that leave room for a response.
  ///
  /// - Throws: ``LoopError/unusable(_:)`` when there is none.
  package func prompts(
    for policy: LoadedModel<LanguageModel>, _ reward: LoadedModel<RewardModel>?, scenario: Scenario
  ) throws -> [[Int32]] {
    let positions = min(policy.shape.maximumPositions, reward?.shape.maximumPositions ?? .max)
    let room = positions - scenario.ppo.maximumTokens - 1
    var prompts: [[Int32]] = []
    var known: Set<[Int32]> = []
    func add(_ prompt: String, isRendered: Bool) -> Bool {
      let ids = policy.tokenizer.encode(prompt: prompt, isRendered: isRendered)
      if !ids.isEmpty, ids.count <= room, known.insert(ids).inserted { prompts.append(ids) }
      return prompts.count < scenario.evaluation.responses
    }
    try heldOut.forRows { add($0.prompt, isRendered: $0.isRendered) }
    try heldOutLabels.forRows { row in
      guard case .rating(let rating) = row else { return add(row.prompt, isRendered: false) }
      return add(rating.prompt, isRendered: rating.isRendered)
    }
    guard !prompts.isEmpty else {
      throw LoopError.unusable(
        "no prompt of the held-out rows leaves room for a response of \(scenario.ppo.maximumTokens) "
          + "tokens in \(positions) positions; lower `ppo.maximum_tokens`")
    }
    return prompts
  }
}

extension PreferenceSource {
  /// What the person is told of each file; of columns once, for files are mostly alike.
  fileprivate func notes(on reports: [ReadingReport]) -> [String] {
    var columns = ColumnSummary()
    for report in reports { columns.add(report.columns) }
    return zip(files, reports).map { "\($0.name): \($1)" }
      + columns.notes.map { "\(name): \($0)" }
  }
}

extension AlignmentLoop {
  /// Counts ratings, and those of them that cannot be paired to judge by.
  fileprivate func tally(
    ofRatings rows: some RowStream<PreferenceRow>, positions: Int
  ) throws -> RowTally {
    var tally = RowTally("held-out ratings", positions: positions, tokenizer: tokenizer)
    var pairs = RatingPairs()
    try rows.forEachRow { row in
      guard case .rating(let rating) = row else { return }
      if tally.add(RankedResponses(rating, tokenizer: tokenizer), of: []) {
        _ = pairs.add(rating)
      }
    }
    tally.unpaired = pairs.unpaired
    return tally
  }

  /// A held-out judgement of any reward model on the comparisons and labels of a file.
  ///
  /// - Parameter training: the rows that the model was trained on; nil when they are not at hand.
  package func report(
    of model: RewardModel, onHeldOutRowsOf file: URL, trainedOnRowsOf training: URL?
  ) throws -> EvaluationSummary.RewardModel {
    let source = try PreferenceSource(file)
    let learnsLabels = scenario.reward.objective == .binary
    let heldOut = Judgements(of: source, pairsRatings: !learnsLabels)
    let labels = LabelledRows(of: source, where: learnsLabels)
    guard let training else { return try report(of: model, on: heldOut, labels: labels) }
    return try report(
      of: model, on: heldOut, labels: labels,
      training: Judgements(of: PreferenceSource(training), pairsRatings: !learnsLabels))
  }
}

/// The preference rows of a run, in its files: there may be a million.
package struct KeptPreferences: Sendable {
  /// What the reward model is trained on.
  package let training: PreferenceSource
  /// What it is judged by.
  package let heldOut: Judgements<PreferenceSource>
  /// Labels that it is judged by.
  let heldOutLabels: LabelledRows<PreferenceSource>

  /// - Parameter objective: that of the reward model.
  /// - Throws: `PreferenceError` when a file is not there.
  init(of directory: RunDirectory, for objective: RewardObjective) throws(PreferenceError) {
    training = try PreferenceSource(directory.preferences(.train))
    let source = try PreferenceSource(directory.preferences(.eval))
    let learnsLabels = objective == .binary
    heldOut = Judgements(of: source, pairsRatings: !learnsLabels)
    heldOutLabels = LabelledRows(of: source, where: learnsLabels)
  }
}
