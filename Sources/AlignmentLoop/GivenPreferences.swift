package import Foundation
package import Preferences
package import RewardModeling
import RunRecords
import Tensors
import Tokenizers
package import Transformer

/// Preference rows that come from files instead of the scenario's annotators.
package struct GivenPreferences: Sendable {
  package let training: [PreferenceRow]
  package let heldOut: [Comparison]
  /// What reading the files met, a line each, for the person to see.
  package let notes: [String]

  /// Reads preference rows; to judge by, a ranking becomes all its pairs, and two ratings of one
  /// prompt a pair.
  ///
  /// - Parameters:
  ///   - heldOutFile: rows to judge by; nil keeps prompts of `file` apart.
  ///   - base: what the reward model starts from: it must be able to hold some of the rows.
  ///   - scenario: says which share of the rows is kept apart.
  ///   - seed: decides which prompts are kept apart.
  /// - Throws: `PreferenceError`, or ``LoopError`` when nothing is left to train on or judge by.
  package init(
    _ file: URL, heldOut heldOutFile: URL?, for base: LoadedModel<LanguageModel>,
    scenario: Scenario, seed: UInt64
  ) throws {
    let (rows, report) = try PreferenceFile.read(file)
    var notes = ["\(file.path): \(report)"]
    if let heldOutFile {
      let (others, report) = try PreferenceFile.read(heldOutFile)
      notes.append("\(heldOutFile.path): \(report)")
      (training, heldOut) = (rows, others.judgements)
    } else {
      var generator = SeededGenerator(seed: seed).stream("split of given preferences")
      let (pairs, heldOutPairs) = (scenario.preferences.pairs, scenario.preferences.heldOutPairs)
      let split = rows.splitByPrompt(
        heldOutFraction: Double(heldOutPairs) / Double(pairs + heldOutPairs),
        generator: &generator)
      guard !split.heldOut.isEmpty else {
        throw LoopError.input(
          "\(file.path): every row has the same prompt, so none can be held out to judge by; give "
            + "rows of other prompts with --eval")
      }
      (training, heldOut) = (split.training, split.heldOut.judgements)
      notes.append("\(split.heldOut.count) of \(rows.count) rows are held out, by prompt")
    }
    guard !heldOut.isEmpty else {
      throw LoopError.input(
        "\((heldOutFile ?? file).path): none of the rows held out says which of two responses is "
          + "better, for no prompt has two different ratings; give comparisons with --eval")
    }
    self.notes = notes
    let loop = try AlignmentLoop(
      scenario, tokenizer: base.tokenizer, seed: seed, workers: Workers(count: 1),
      observer: RunRecorder(
        directory: nil, terminal: Terminal(isInteractive: false, isQuiet: true)))
    let positions = base.shape.maximumPositions
    try loop.requireUsable(training, positions: positions, purpose: "training")
    _ = try loop.tokenize(heldOut, positions: positions, purpose: "held-out")
  }
}

extension AlignmentLoop {
  /// A held-out judgement of any reward model on the comparisons of a file.
  ///
  /// - Parameter training: the rows that the model was trained on; nil when they are not at hand.
  package func report(
    of model: RewardModel, onHeldOutRowsOf file: URL, trainedOnRowsOf training: URL?
  ) throws -> RewardReport {
    try report(
      of: model, on: PreferenceFile.read(file).rows.judgements,
      training: training.map { try PreferenceFile.read($0).rows.judgements } ?? [])
  }
}

extension [PreferenceRow] {
  /// What the rows say about two responses to one prompt: comparisons, all pairs of rankings, and,
  /// after those, pairs of different ratings. Ratings of a prompt are paired in their order, each
  /// once at most, so that pairs stay independent of each other.
  var judgements: [Comparison] {
    var unpaired: [String: Rating] = [:]
    var pairs: [Comparison] = []
    for case .rating(let row) in self {
      guard let other = unpaired[row.prompt], other.rating != row.rating,
        other.response != row.response
      else {
        unpaired[row.prompt] = row
        continue
      }
      unpaired[row.prompt] = nil
      let (better, worse) = other.rating > row.rating ? (other, row) : (row, other)
      pairs.append(
        Comparison(prompt: row.prompt, chosen: better.response, rejected: worse.response))
    }
    return flatMap(\.comparisons) + pairs
  }
}

extension PreferenceRow {
  /// The comparison itself, or every pair of a ranking, better before worse.
  var comparisons: [Comparison] {
    switch self {
    case .comparison(let comparison): return [comparison]
    case .rating: return []  // says nothing about another response by itself
    case .ranking(let row):
      let ordered = row.ranking.map { row.responses[$0] }
      return ordered.indices.flatMap { better in
        ordered[(better + 1)...].map {
          Comparison(prompt: row.prompt, chosen: ordered[better], rejected: $0)
        }
      }
    }
  }
}
