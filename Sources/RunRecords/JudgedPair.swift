import Foundation

/// A comparison that annotators made, as the run's preference rows hold it, with what the world
/// knows of it.
package struct JudgedPair: Sendable, Equatable {
  package var prompt: String
  package var chosen: String
  package var rejected: String
  /// The probability with which an ideal predictor expects this choice.
  package var probability: Double?
  package var chosenGold: Double?
  package var rejectedGold: Double?
  package var annotator: String?

  package init(
    prompt: String, chosen: String, rejected: String, probability: Double? = nil,
    chosenGold: Double? = nil, rejectedGold: Double? = nil, annotator: String? = nil
  ) {
    self.prompt = prompt
    self.chosen = chosen
    self.rejected = rejected
    self.probability = probability
    self.chosenGold = chosenGold
    self.rejectedGold = rejectedGold
    self.annotator = annotator
  }

  /// Gold of the chosen response minus gold of the other.
  package var goldMargin: Double? {
    guard let chosenGold, let rejectedGold else { return nil }
    return chosenGold - rejectedGold
  }

  /// The comparisons of plain text among a run's preference rows; none when there is no such file.
  /// Rankings and conversations, which such a file may hold too, are passed over.
  ///
  /// - Throws: `unreadable`, or `malformed` with the line for what is no JSON object.
  package static func read(
    _ set: RunPreferences, from run: RunDirectory
  ) throws(RunRecordsError) -> [JudgedPair] {
    guard run.has(set) else { return [] }
    return try RecordJSON.decodeLines(Row.self, at: run.preferences(set)).compactMap(\.pair)
  }

  private struct Row: Decodable {
    let pair: JudgedPair?

    init(from decoder: any Decoder) throws {
      let row = try decoder.container(keyedBy: Key.self)
      func text(_ key: Key) -> String? { try? row.decode(String.self, forKey: key) }
      func number(_ key: Key) -> Double? { try? row.decode(Double.self, forKey: key) }
      guard let prompt = text(.prompt), let chosen = text(.chosen), let rejected = text(.rejected)
      else {
        pair = nil
        return
      }
      pair = JudgedPair(
        prompt: prompt, chosen: chosen, rejected: rejected, probability: number(.probability),
        chosenGold: number(.chosenGold), rejectedGold: number(.rejectedGold),
        annotator: text(.annotator))
    }

    enum Key: String, CodingKey {
      case prompt, chosen, rejected, annotator
      case probability = "chosen_probability"
      case chosenGold = "chosen_gold"
      case rejectedGold = "rejected_gold"
    }
  }
}
