import TestSupport
import Testing

@testable import Numerics

@Suite("Learning-rate schedules")
struct LearningRateScheduleTests {
  private func factors(_ schedule: LearningRateSchedule, warmup: Int = 0) -> [Double] {
    (0..<8).map { schedule.factor(step: $0, total: 8, warmup: warmup) }
  }

  private func expect(_ found: [Double], _ expected: [Double]) {
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < .float64Rounding) }
  }

  @Test("constant stays, linear and cosine fall from 1 towards 0")
  func falling() {
    expect(factors(.constant), Array(repeating: 1, count: 8))
    expect(factors(.linear), [1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125])
    let cosine = factors(.cosine)
    let halfRoot = 0.5.squareRoot()
    expect(
      [cosine[0], cosine[2], cosine[4], cosine[6]],
      [1, 0.5 * (1 + halfRoot), 0.5, 0.5 * (1 - halfRoot)])
    #expect(zip(cosine, cosine.dropFirst()).allSatisfy { $0 > $1 })
  }

  @Test(
    "warm-up rises to 1, and the rest of the run falls", arguments: LearningRateSchedule.allCases)
  func warmup(schedule: LearningRateSchedule) {
    let found = factors(schedule, warmup: 4)
    expect(Array(found.prefix(5)), [0.25, 0.5, 0.75, 1, 1])
    #expect(found[6] == schedule.factor(step: 2, total: 4))
  }

  @Test("steps beyond the run have the factor of its end")
  func beyond() {
    #expect(LearningRateSchedule.linear.factor(step: 20, total: 8) == 0)
    #expect(LearningRateSchedule.cosine.factor(step: 20, total: 8) == 0)
    #expect(LearningRateSchedule.linear.factor(step: 0, total: 0) == 1)
  }
}
