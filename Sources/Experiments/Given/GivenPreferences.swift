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
  /// What reading the files met, a line each, for the person to see.
  package let notes: [String]

  /// Goes through preference rows once and keeps none; to judge by, a ranking becomes all its pairs,
  /// and two ratings of one prompt a pair.
  ///
  /// - Parameters:
  ///   - heldOutFile: rows to judge by; nil keeps prompts of `file` apart.
  ///   - base: what the reward model starts from: it must be able to hold some of the rows.
  ///   - scenario: says which share of the rows is kept apart.
  ///   - seed: decides which prompts are kept apart.
  ///   - progress: hears after each usable row how many of `file` were read.
  /// - Throws: `PreferenceError`, or ``LoopError`` when nothing is left to train on or judge by.
  package init(
    _ file: URL, heldOut heldOutFile: URL?, for base: LoadedModel<LanguageModel>,
    scenario: Scenario, seed: UInt64, progress: (Int) -> Void = { _ in }
  ) throws {
    let loop = try AlignmentLoop(
      scenario, tokenizer: base.tokenizer, seed: seed, workers: Workers(count: 1),
      observer: RunRecorder(
        directory: nil, terminal: Terminal(isInteractive: false, isQuiet: true)))
    let positions = base.shape.maximumPositions
    let source = try PreferenceSource(file)
    var prompts = PromptCounts()
    var rows = 0
    var report = try PreferenceFile.forEachRow(of: source) {
      prompts.add($0.prompt)
      rows += 1
      progress(rows)
    }
    var notes = ["\(source.name): \(report)"]
    let judges: SplitRows<PreferenceSource>
    if let heldOutFile {
      let others = try PreferenceSource(heldOutFile)
      var known = 0
      report = try PreferenceFile.forEachRow(of: others) {
        if prompts.contains($0.prompt) { known += 1 }
      }
      notes.append("\(others.name): \(report)")
      if known > 0 {
        notes.append(
          "\(known) of \(report.usable) rows of \(others.name) have a prompt that is trained on, "
            + "too: what is remembered of prompts counts for the model there")
      }
      let all = PromptSplit()  // which keeps no prompt apart
      training = SplitRows(source, by: all, heldOut: false)
      judges = SplitRows(others, by: all, heldOut: false)
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
      notes.append("\(split.heldOutRows) of \(report.usable) rows are held out, by prompt")
    }
    if report.ratings > 0 {
      notes += try loop.tally(ofRatings: judges, positions: positions).notes
    }
    heldOut = Judgements(of: judges) { [tokenizer = base.tokenizer] in
      RowDefect(of: RankedResponses($0, tokenizer: tokenizer), positions: positions) == nil
    }
    var hasJudgements = false
    try heldOut.forRows { _ in
      hasJudgements = true
      return false
    }
    guard hasJudgements else {
      throw LoopError.unusable(
        "\((heldOutFile ?? file).path): none of the rows held out says which of two responses is "
          + "better, for no prompt has two different ratings of responses that the model can hold")
    }
    self.notes = notes
    // To tell a million rows apart takes more than to hold them in tokens.
    NumericalLibraries.releaseFreedMemory()
    try loop.requireUsable(training, positions: positions, purpose: "training")
    try loop.requireUsable(heldOut: heldOut, positions: positions)
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

  /// A held-out judgement of any reward model on the comparisons of a file.
  ///
  /// - Parameter training: the rows that the model was trained on; nil when they are not at hand.
  package func report(
    of model: RewardModel, onHeldOutRowsOf file: URL, trainedOnRowsOf training: URL?
  ) throws -> EvaluationSummary.RewardModel {
    let heldOut = Judgements(of: try PreferenceSource(file))
    guard let training else { return try report(of: model, on: heldOut) }
    return try report(
      of: model, on: heldOut, training: Judgements(of: PreferenceSource(training)))
  }
}

/// The preference rows of a run, in its files: there may be a million.
package struct KeptPreferences: Sendable {
  /// What the reward model is trained on.
  package let training: PreferenceSource
  /// What it is judged by.
  package let heldOut: Judgements<PreferenceSource>

  /// - Throws: `PreferenceError` when a file is not there.
  init(of directory: RunDirectory) throws(PreferenceError) {
    training = try PreferenceSource(directory.preferences(.train))
    heldOut = Judgements(of: try PreferenceSource(directory.preferences(.eval)))
  }
}
