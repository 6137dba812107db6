package import Evaluation
import Foundation

/// How well rewards agree with held-out judgements.
package struct RewardEvaluation: Sendable {
  /// Share of pairs whose chosen response has the higher reward; a tie counts as half.
  package let accuracy: Proportion
  /// Mean −log σ(Δ).
  package let loss: Double
  /// Expected calibration error of σ(Δ), each pair seen from a side that the judgement does not
  /// choose.
  package let calibrationError: Double
  /// Mean Δ = r_chosen − r_rejected.
  package let meanMargin: Double
  /// Correlation of a response's reward with its length in tokens.
  package let lengthCorrelation: Double

  /// - Parameters:
  ///   - comparisons: held-out pairs.
  ///   - rewards: chosen and rejected of pair 0, of pair 1, …
  package init(_ comparisons: [TokenizedComparison], rewards: [Double]) {
    precondition(rewards.count == 2 * comparisons.count, "two rewards per comparison")
    let margins = comparisons.indices.map { rewards[2 * $0] - rewards[2 * $0 + 1] }
    accuracy = Proportion(
      successes: margins.reduce(0) { $0 + ($1 > 0 ? 1 : $1 == 0 ? 0.5 : 0) },
      of: margins.count)
    loss = Summary(margins.map { Statistics.softplus(-$0) }).mean
    meanMargin = Summary(margins).mean
    // Always predicting "chosen" would hide miscalibration: every outcome would be true. So every
    // other pair is turned round.
    let turned = margins.enumerated().map { $0.offset.isMultiple(of: 2) ? $0.element : -$0.element }
    calibrationError = Statistics.expectedCalibrationError(
      turned.map(Statistics.sigmoid), margins.indices.map { $0.isMultiple(of: 2) })
    lengthCorrelation = Statistics.correlation(
      rewards, comparisons.flatMap { [Double($0.chosen.count), Double($0.rejected.count)] })
  }
}
