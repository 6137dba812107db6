import Testing

@testable import Statistics

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
