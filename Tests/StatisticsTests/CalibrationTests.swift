import Statistics
import TestSupport
import Testing

@Suite("Calibration and histograms")
struct CalibrationTests {
  private func error(_ probabilities: [Double], _ outcomes: [Bool], bins: Int = 10) -> Double {
    ReliabilityCurve(probabilities, outcomes, bins: bins).expectedError
  }

  private func expect(
    _ found: Double, _ expected: Double, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(abs(found - expected) < .float64Rounding, sourceLocation: sourceLocation)
  }

  @Test("expected calibration error of hand-computed data")
  func calibration() {
    // Bin 0: |1 − 0.1|; bin 9: |2 − 1.9|; of four.
    expect(error([0.05, 0.05, 0.95, 0.95], [false, true, true, true]), 0.25)
    // In one bin, errors of opposite sign cancel; in bins of their own they do not.
    expect(error([0.31, 0.39], [false, true]), 0.15)
    expect(error([0.29, 0.31], [false, true]), 0.49)
    expect(error([0.29, 0.31], [false, true], bins: 2), 0.2)
    expect(error([1, 0], [true, false]), 0)
    #expect(error([], []) == 0)
  }

  @Test("a reliability curve has stated probability, frequency and count")
  func curve() {
    let curve = ReliabilityCurve(
      [0.72, 0.78, 0.12, 0.74, 1], [true, false, false, true, true])
    #expect(curve.bins.map(\.observed.count) == [1, 3, 1])
    expect(curve.bins[0].predicted, 0.12)
    expect(curve.bins[1].predicted, (0.72 + 0.78 + 0.74) / 3)
    expect(curve.bins[1].observed.value, 2.0 / 3)
    #expect(curve.bins[1].observed == Proportion(successes: 2, of: 3))
    expect(curve.bins[2].predicted, 1)
  }

  @Test("a histogram counts every value once, and 0 is an edge of its bins")
  func histogram() {
    let values = [-1.0, -0.25, -1e-9, 0, 0.5, 3]
    let histogram = Histogram(values, bins: 4)
    #expect(histogram.width == 1 && histogram.lower == -1)
    #expect(histogram.counts == [3, 2, 0, 0, 1])
    let fine = Histogram((0..<1000).map { Double($0) * 0.013 - 5 })
    #expect(fine.counts.reduce(0, +) == 1000)
    #expect((24...26).contains(fine.counts.count))
    let edge = -fine.lower / fine.width
    expect(edge, edge.rounded())
  }

  @Test("values that do not vary, are not finite or are not there make a histogram all the same")
  func degenerate() {
    #expect(Histogram([2.0, 2, 2]).counts == [3])
    #expect(Histogram([0.0, 0]).counts == [2])
    #expect(Histogram([Double.nan, .infinity, 1]).counts == [1])
    #expect(Histogram([]).counts.isEmpty)
  }
}
