import LanguageModels
import Numerics

/// A loss on a tape, and the reward that each response has at its end, in order.
struct ObjectiveLoss {
  let loss: Variable
  let rewards: [Float]
}

extension RewardConfiguration {
  /// The share of some elements in the mean loss of a batch.
  ///
  /// - Parameters:
  ///   - elements: as ``elements(of:)`` makes them.
  ///   - weight: 1 over the elements of the whole batch. It is divided out here, once, however the
  ///     batch is cut.
  func loss(
    of model: ScalarModel, on elements: ArraySlice<RankedResponses>, weight: Double, tape: Tape
  ) -> ObjectiveLoss {
    let exchanges = elements.flatMap(\.exchanges)
    let isPerToken = objective == .pairwiseTokens
    let rewards =
      isPerToken ? model.tokenRewards(exchanges, on: tape) : model.rewards(exchanges, on: tape)
    let sizes = elements.map(\.responses.count)
    let margins = elements.map(\.margin)
    let loss =
      switch objective {
      case .pairwise:
        tape.pairwiseLoss(
          rewards, margins: margins, probabilities: elements.map(probability),
          choices: choiceProbability, centering: centering, weight: weight)
      case .pairwiseTokens:
        tape.pairwiseTokensLoss(
          rewards,
          pairs: elements.map { TokenPair(chosen: $0.responses[0], rejected: $0.responses[1]) },
          margins: margins, probabilities: elements.map(probability),
          choices: choiceProbability, centering: centering, weight: weight)
      case .groupedPairs:
        tape.groupedPairsLoss(
          rewards, sizes: sizes, margins: margins, probability: 1 - labelSmoothing,
          choices: choiceProbability, centering: centering, weight: weight)
      case .plackettLuce:
        tape.plackettLuceLoss(rewards, sizes: sizes, centering: centering, weight: weight)
      case .bestOfK:
        tape.bestOfKLoss(rewards, sizes: sizes, centering: centering, weight: weight)
      case .regression:
        tape.regressionLoss(
          rewards, ratings: elements.flatMap { $0.ratings ?? [] },
          weights: sizes.flatMap { Array(repeating: weight / Double($0), count: $0) })
      }
    let values = rewards.value.values
    return ObjectiveLoss(
      loss: loss, rewards: isPerToken ? Self.ends(of: exchanges).map { values[$0] } : values)
  }

  /// p of a pair.
  private func probability(_ element: RankedResponses) -> Double {
    softLabels ? element.probability ?? 1 : 1 - labelSmoothing
  }

  /// Where each response has its last token among the tokens of all responses.
  private static func ends(of exchanges: [Exchange]) -> [Int] {
    var end = -1
    return exchanges.map {
      end += $0.response.count
      return end
    }
  }
}

extension ScalarModel {
  /// The head at every token of every response, concatenated, `[M]`; the last of a response is what
  /// `rewards(_:on:)` gives.
  func tokenRewards(_ exchanges: [Exchange], on tape: Tape) -> Variable {
    let batch = ResponseBatch(exchanges)
    let rows = batch.responseRows.flatMap(\.self)
    return scalars(hiddenStates(of: batch.packed, at: rows, on: tape), on: tape)
  }
}
