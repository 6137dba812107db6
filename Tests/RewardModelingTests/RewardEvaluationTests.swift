import Evaluation
import Foundation
import RewardModeling
import Testing

@Suite("How well rewards agree with held-out judgements")
struct RewardEvaluationTests {
  /// Responses of the given lengths; their tokens do not matter.
  private func comparison(_ chosen: Int, _ rejected: Int) -> TokenizedComparison {
    TokenizedComparison(
      prompt: [1], chosen: Array(repeating: 2, count: chosen),
      rejected: Array(repeating: 2, count: rejected))
  }

  private func expect(
    _ found: Double, _ expected: Double, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(abs(found - expected) < 1e-9, sourceLocation: sourceLocation)
  }

  @Test("of hand-made rewards")
  func figures() {
    // Margins log 3, −log 3, 0 and log 9.
    let comparisons = [
      comparison(1, 2), comparison(3, 4), comparison(5, 5), comparison(6, 1),
    ]
    let rewards = [log(3.0), 0, 0, log(3.0), 1, 1, log(9.0), 0]
    let evaluation = RewardEvaluation(comparisons, rewards: rewards)
    expect(evaluation.accuracy.value, 2.5 / 4)
    #expect(evaluation.accuracy.count == 4)
    expect(evaluation.meanMargin, log(9.0) / 4)
    // −log of 3/4, 1/4, 1/2 and 9/10
    expect(evaluation.loss, -(log(0.75) + log(0.25) + log(0.5) + log(0.9)) / 4)
    // Pairs 1 and 3 turned round: σ = 0.75 true, 0.75 false, 0.5 true, 0.1 false.
    expect(evaluation.calibrationError, (abs(1 - 1.5) + 0.5 + 0.1) / 4)
  }

  @Test("the correlation of reward and length")
  func length() {
    let comparisons = [comparison(1, 2), comparison(3, 4)]
    expect(RewardEvaluation(comparisons, rewards: [1, 2, 3, 4]).lengthCorrelation, 1)
    expect(RewardEvaluation(comparisons, rewards: [4, 3, 2, 1]).lengthCorrelation, -1)
    expect(RewardEvaluation(comparisons, rewards: [1, 1, 1, 1]).lengthCorrelation, 0)
  }
}
