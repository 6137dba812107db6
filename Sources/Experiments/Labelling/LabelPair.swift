package import LanguageModels
import Numerics
import Preferences
import RunRecords
import Statistics

/// Two responses of a policy for a person to judge, and what they are not shown: what the world and a
/// simulated annotator make of them.
package struct LabelPair: Codable, Sendable, Equatable {
  package var prompt: String
  package var left: String
  package var right: String
  var leftGold: Double
  var rightGold: Double
  /// The probability with which an annotator prefers the left response.
  var leftProbability: Double
  /// What the annotator did that was drawn.
  var annotatorChoseLeft: Bool

  package init(
    prompt: String, left: String, right: String, leftGold: Double, rightGold: Double,
    leftProbability: Double, annotatorChoseLeft: Bool
  ) {
    self.prompt = prompt
    self.left = left
    self.right = right
    self.leftGold = leftGold
    self.rightGold = rightGold
    self.leftProbability = leftProbability
    self.annotatorChoseLeft = annotatorChoseLeft
  }

  private enum CodingKeys: String, CodingKey {
    case prompt, left, right
    case leftGold = "left_gold"
    case rightGold = "right_gold"
    case leftProbability = "left_probability"
    case annotatorChoseLeft = "annotator_chose_left"
  }
}

/// What a person says of a pair.
package enum LabelAnswer: String, Codable, Sendable, CaseIterable {
  case left, right, tie, skip
}

/// A pair with a person's answer.
package struct LabelledPair: Codable, Sendable, Equatable {
  package var pair: LabelPair
  package var answer: LabelAnswer

  package init(pair: LabelPair, answer: LabelAnswer) {
    self.pair = pair
    self.answer = answer
  }

  /// The judgement as something to train on; `nil` for a tie and for what was skipped.
  var comparison: Comparison? {
    guard answer == .left || answer == .right else { return nil }
    let isLeft = answer == .left
    return Comparison(
      prompt: pair.prompt, chosen: isLeft ? pair.left : pair.right,
      rejected: isLeft ? pair.right : pair.left,
      chosenGold: isLeft ? pair.leftGold : pair.rightGold,
      rejectedGold: isLeft ? pair.rightGold : pair.leftGold, annotator: "person")
  }
}

extension AlignmentLoop {
  /// How many pairs ``pairsToLabel(of:part:)`` gives at a time.
  package static let labelledTogether = 32

  /// Pairs for a person to judge, endlessly many: the same policy, scenario and seed give the same
  /// ones in the same order, so that judging can go on where it was left.
  ///
  /// - Parameter part: which ``labelledTogether`` of them, from 0.
  package func pairsToLabel(of policy: LanguageModel, part: Int) throws -> [LabelPair] {
    let stream = generator.stream("pairs to label", part)
    var pairs: [LabelPair] = []
    try run(.annotation, total: Self.labelledTogether, unit: "pairs") {
      try judge(
        policy, count: Self.labelledTogether, responses: 2, stream, prompts: { _ in true }, done: 0
      ) { rows in
        for case .comparison(let row) in rows {
          var coin = stream.stream("side", pairs.count)
          pairs.append(LabelPair(row, isChosenLeft: coin.index(below: 2) == 0))
        }
      }
    }
    return pairs
  }
}

extension LabelPair {
  /// An annotator's comparison with its responses on the sides that a coin says.
  fileprivate init(_ row: Comparison, isChosenLeft: Bool) {
    let probability = row.probability ?? 0.5
    let (chosenGold, rejectedGold) = (row.chosenGold ?? 0, row.rejectedGold ?? 0)
    self.init(
      prompt: row.prompt, left: isChosenLeft ? row.chosen : row.rejected,
      right: isChosenLeft ? row.rejected : row.chosen,
      leftGold: isChosenLeft ? chosenGold : rejectedGold,
      rightGold: isChosenLeft ? rejectedGold : chosenGold,
      leftProbability: isChosenLeft ? probability : 1 - probability,
      annotatorChoseLeft: isChosenLeft)
  }
}
