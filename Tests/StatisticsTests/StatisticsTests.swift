import Foundation
import Statistics
import Testing

@Suite("Statistics")
struct StatisticsTests {
  private func expect(
    _ found: Double, _ expected: Double, within tolerance: Double = 1e-6,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(abs(found - expected) <= tolerance, sourceLocation: sourceLocation)
  }

  @Test("Wilson intervals are those of the tables")
  func wilson() {
    // binom::binom.confint(successes, trials, methods = "wilson") in R
    let table: [(Double, Int, Double, Double)] = [
      (8, 10, 0.4901625, 0.9433178), (0, 10, 0, 0.2775328), (10, 10, 0.7224672, 1),
      (50, 100, 0.4038315, 0.5961685),
    ]
    for (successes, count, low, high) in table {
      let proportion = Proportion(successes: successes, of: count)
      expect(proportion.value, successes / Double(count))
      expect(proportion.low, low)
      expect(proportion.high, high)
      #expect(proportion.count == count)
    }
    let none = Proportion(successes: 0, of: 0)
    #expect((none.value, none.low, none.high) == (0, 0, 1))
  }

  @Test("mean and sample sd")
  func summary() {
    let summary = Summary([2, 4, 4, 4, 5, 5, 7, 9])
    expect(summary.mean, 5)
    expect(summary.standardDeviation, (32.0 / 7).squareRoot())
    #expect(summary.count == 8)
    #expect(Summary([3]).standardDeviation == 0)
    #expect(Summary([Double]()).mean == 0)
  }

  @Test("correlation of hand-made data")
  func correlation() {
    expect(Statistics.correlation([1, 2, 3], [-2, -4, -6]), -1)
    expect(Statistics.correlation([1, 2, 3], [10, 20, 30]), 1)
    // Σxy = 8 of Σx² = 10 and Σy² = 10
    expect(Statistics.correlation([1, 2, 3, 4, 5], [1, 3, 2, 5, 4]), 0.8)
    #expect(Statistics.correlation([1, 2, 3], [4, 4, 4]) == 0)
  }

  @Test("rank correlation sees order alone, and equal values share their rank")
  func rankCorrelation() {
    expect(Statistics.rankCorrelation([1, 2, 3], [-7, 0, 1000]), 1)
    expect(Statistics.rankCorrelation([1, 2, 3], [9, 4, 1]), -1)
    // Ranks 0, 1½, 1½, 3 against 0, 2, 1, 3: Σxy = 4.5 of Σx² = 4.5 and Σy² = 5.
    expect(Statistics.rankCorrelation([1, 5, 5, 6], [1, 3, 2, 4]), 4.5 / (4.5 * 5).squareRoot())
    #expect(Statistics.rankCorrelation([2, 2], [1, 3]) == 0)
  }

  @Test("judges agree where both prefer the same, over all pairs of judges")
  func preferenceAgreement() {
    // Of three judges, pairs 1-2, 1-3 and 2-3: all, one, none.
    let margins = [[1, 2, 0.1], [3, 1, -1], [2, 0, -1]]
    #expect(Statistics.preferenceAgreement(margins) == 4.0 / 9)
    #expect(Statistics.preferenceAgreement([[-1, -2]]) == 1)
    #expect(Statistics.preferenceAgreement([]) == nil)
    #expect(Statistics.preferenceAgreement([[1]]) == nil)
  }

  @Test("the interval of a mean is 1.96 standard errors to each side")
  func meanInterval() {
    // The sd of −1, 1, −1, 1 is √(4/3); its standard error √(1/3).
    let interval = MeanInterval([2, 4, 2, 4])
    expect(interval.mean, 3)
    expect(interval.high - 3, 1.959964 / 3.0.squareRoot())
    expect(3 - interval.low, 1.959964 / 3.0.squareRoot())
    #expect(MeanInterval([5]).low == 5 && MeanInterval([5]).high == 5)
  }

  @Test("softplus and sigmoid do not overflow")
  func logistic() {
    for x in [-700.0, -200, -1, 0, 0.3, 200, 700] {
      #expect(Statistics.softplus(x).isFinite)
      expect(Statistics.softplus(x) - Statistics.softplus(-x), x)
      expect(Statistics.sigmoid(x) + Statistics.sigmoid(-x), 1)
    }
    expect(Statistics.softplus(0), log(2))
    expect(Statistics.softplus(1), log(1 + exp(1)))
    expect(Statistics.sigmoid(log(3)), 0.75)
  }
}
