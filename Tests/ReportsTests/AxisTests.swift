import Testing

@testable import Reports

@Suite("An axis")
struct AxisTests {
  private func labels(_ axis: Axis) -> [String] {
    axis.ticks.map(axis.label)
  }

  @Test("marks round numbers around its values, with the decimals they need")
  func roundTicks() {
    #expect(labels(Axis(covering: [0.03, 0.97])) == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"])
    #expect(labels(Axis(covering: [-1.3, 2.1])) == ["−2", "−1", "0", "1", "2", "3"])
    #expect(labels(Axis(covering: [0, 1], count: 4)) == ["0", "0.25", "0.50", "0.75", "1.00"])
    #expect(labels(Axis(covering: [0, 9000], count: 4)) == ["0", "2.5k", "5k", "7.5k", "10k"])
    #expect(labels(Axis(covering: [1e-9, 4e-9], count: 2)).contains("2.0·10⁻⁹"))
  }

  @Test("of whole steps marks whole numbers within its values")
  func wholeTicks() {
    let axis = Axis(covering: [1, 3], count: 6, extent: .values, isWhole: true)
    #expect(axis.ticks == [1, 2, 3])
    #expect(axis.lower == 1 && axis.upper == 3)
    let long = Axis(covering: [1, 700], count: 6, extent: .values, isWhole: true)
    #expect(long.ticks == [200, 400, 600])
    #expect(long.lower == 1 && long.upper == 700)
  }

  @Test(
    "has a range and finitely many ticks whatever it covers",
    arguments: [
      [], [0], [5], [-3, -3], [.nan, .infinity], [1e300, -1e300], [1e-300, 2e-300], [0, 1e-12],
      [1e15, 1e15 + 1], [.greatestFiniteMagnitude, -.greatestFiniteMagnitude],
      [.leastNonzeroMagnitude, .leastNormalMagnitude],
    ] as [[Double]])
  func extremes(values: [Double]) {
    for extent in [Axis.Extent.ticks, .values] {
      for isWhole in [false, true] {
        let axis = Axis(covering: values, extent: extent, isWhole: isWhole)
        #expect(axis.lower < axis.upper)
        #expect((axis.upper - axis.lower).isFinite)
        #expect(!axis.ticks.isEmpty && axis.ticks.count <= 12)
        for value in values where abs(value) <= 1e300 {
          #expect((-0.001...1.001).contains(axis.position(value)))
        }
        #expect(axis.ticks.allSatisfy { !axis.label($0).isEmpty })
      }
    }
  }
}
