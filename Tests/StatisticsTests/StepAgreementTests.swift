import Statistics
import Testing

@Suite struct StepAgreementTests {
  @Test("counts steps, first wrong steps and rows without any, as ProcessBench does")
  func figures() {
    var agreement = StepAgreement()
    #expect(agreement.count == 0 && agreement.figures.f1 == nil)
    // The first wrong step found, found too early, found too late, and missed.
    agreement.add(rewards: [1, -1, 2], labels: [true, false, true])
    agreement.add(rewards: [-1, -1, -1], labels: [true, false, false])
    agreement.add(rewards: [1, 1, -1], labels: [true, false, false])
    agreement.add(rewards: [1, 0], labels: [true, false])
    #expect(agreement.figures.firstErrors == Proportion(successes: 1, of: 4))
    #expect(agreement.figures.f1 == nil)
    // Nothing wrong, and nothing said to be; and something.
    agreement.add(rewards: [1, 1], labels: [true, true])
    agreement.add(rewards: [1, -1], labels: [true, true])
    #expect(agreement.figures.withoutErrors == Proportion(successes: 1, of: 2))
    #expect(agreement.figures.accuracy == Proportion(successes: 3 + 2 + 2 + 1.5 + 2 + 1, of: 15))
    #expect(agreement.figures.f1 == 2 * 0.25 * 0.5 / 0.75 && agreement.count == 6)
  }

  @Test("the area under the curve counts pairs of a true and a false label, ties half")
  func areaUnderCurve() {
    #expect(Statistics.areaUnderCurve([3, 1, 2, 2], [true, false, true, false]) == 3.5 / 4)
    #expect(Statistics.areaUnderCurve([3, 1], [false, true]) == 0)
    #expect(Statistics.areaUnderCurve([1, 2], [true, true]) == nil)
  }
}
