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

  @Test("of whole steps marks whole numbers and keeps to its values")
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

@Suite("Number text")
struct NumberTextTests {
  @Test("has a true minus, three significant digits and no empty decimals")
  func short() {
    let texts = [0, -0.0001234, 0.25, -1.5, 12.3456, 123.456, 12345.6, 1_500_000, .nan]
      .map(NumberText.short)
    #expect(
      texts == ["0", "−1.2·10⁻⁴", "0.25", "−1.5", "12.35", "123.5", "12346", "1.5·10⁶", "–"])
    #expect(NumberText.fixed(-0.001, 2) == "0.00")
    #expect(NumberText.signed(0.5, 1) == "+0.5")
    #expect(NumberText.signed(-0.5, 1) == "−0.5")
    #expect(NumberText.percent(0.8731) == "87.3\u{A0}%")
  }

  @Test("rounds halves so that two parts of a whole add up to it")
  func complements() {
    #expect(NumberText.percent(299.0 / 2000) == "15.0\u{A0}%")
    #expect(NumberText.percent(1701.0 / 2000) == "85.0\u{A0}%")
    for count in 0...2000 {
      let texts = [count, 2000 - count].map { NumberText.fixed(Double($0) / 2000 * 100, 1) }
      let tenths = texts.compactMap { Int($0.replacing(".", with: "")) }
      #expect(tenths.reduce(0, +) == 1000, "\(texts)")
    }
    for (value, text) in [(-14.95, "−15.0"), (14.9499, "14.9"), (85.0501, "85.1")] {
      #expect(NumberText.fixed(value, 1) == text)
    }
    #expect(NumberText.fixed(1e300, 1).count == 303)
  }

  @Test("says durations in seconds, minutes or hours")
  func duration() {
    #expect([9.84, 125, 3725].map(NumberText.duration) == ["9.8 s", "2 min 05 s", "1 h 02 min"])
  }
}
