package import Foundation
package import Preferences
package import RewardModeling
import Tensors

/// Comparisons that come from files instead of the scenario's annotators.
package struct GivenPreferences: Sendable {
  package let training: [Comparison]
  package let heldOut: [Comparison]
  /// What reading the files met, a line each, for the person to see.
  package let notes: [String]

  /// Reads preference rows; a ranking becomes all its pairs.
  ///
  /// - Parameters:
  ///   - heldOutFile: rows to judge by; nil keeps prompts of `file` apart.
  ///   - heldOutFraction: how many rows are kept apart, at least.
  ///   - seed: decides which prompts are kept apart.
  /// - Throws: ``PreferenceError``, or ``LoopError`` when there is nothing to keep apart.
  package init(
    _ file: URL, heldOut heldOutFile: URL?, heldOutFraction: Double, seed: UInt64
  ) throws {
    let (rows, report) = try PreferenceFile.read(file)
    var notes = ["\(file.path): \(report)"]
    if let heldOutFile {
      let (others, report) = try PreferenceFile.read(heldOutFile)
      notes.append("\(heldOutFile.path): \(report)")
      (training, heldOut) = (rows.flatMap(\.comparisons), others.flatMap(\.comparisons))
    } else {
      var generator = SeededGenerator(seed: seed).stream("split of given preferences")
      let split = rows.splitByPrompt(heldOutFraction: heldOutFraction, generator: &generator)
      guard !split.heldOut.isEmpty else {
        throw LoopError.input(
          "\(file.path): every row has the same prompt, so none can be held out to judge by; give "
            + "rows of other prompts with --eval")
      }
      (training, heldOut) = (
        split.training.flatMap(\.comparisons), split.heldOut.flatMap(\.comparisons)
      )
      notes.append("\(split.heldOut.count) of \(rows.count) rows are held out, by prompt")
    }
    self.notes = notes
  }
}

extension AlignmentLoop {
  /// A held-out judgement of any reward model on the comparisons of a file.
  package func report(of model: RewardModel, onHeldOutRowsOf file: URL) throws -> RewardReport {
    try report(of: model, on: PreferenceFile.read(file).rows.flatMap(\.comparisons))
  }
}

extension PreferenceRow {
  /// The comparison itself, or every pair of a ranking, better before worse.
  fileprivate var comparisons: [Comparison] {
    switch self {
    case .comparison(let comparison): return [comparison]
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
