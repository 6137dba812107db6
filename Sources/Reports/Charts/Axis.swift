import Foundation
import RunRecords
import Statistics

/// The scale of one side of a chart: its range, and round numbers to mark on it.
struct Axis {
  let lower: Double
  let upper: Double
  let ticks: [Double]
  private let step: Double

  /// How the range is chosen.
  enum Extent {
    /// Widened to the ticks around the values.
    case ticks
    /// Exactly the values, with ticks inside.
    case values
  }

  /// An axis over finite `values`; without any, over 0...1.
  ///
  /// - Parameters:
  ///   - count: about how many intervals between ticks.
  ///   - isWhole: ticks stand at whole numbers only.
  init(
    covering values: some Sequence<Double>, count: Int = 5, extent: Extent = .ticks,
    isWhole: Bool = false
  ) {
    // Beyond this the range itself would overflow.
    let finite = values.filter(\.isFinite).map { min(max($0, -1e300), 1e300) }
    var low = finite.min() ?? 0
    var high = finite.max() ?? 1
    // One value only (or as good as one) still needs a range to stand in.
    if high - low <= max(abs(high) * 1e-9, 1e-200) {
      let margin = isWhole || high == 0 ? 1 : max(abs(high) * 0.1, 1e-6)
      low -= margin
      high += margin
    }
    let step = Self.roundStep((high - low) / Double(max(count, 1)), isWhole: isWhole)
    let first: Double
    let last: Double
    switch extent {
    case .ticks:
      first = (low / step + 1e-9).rounded(.down)
      last = max((high / step - 1e-9).rounded(.up), first + 1)
    case .values:
      first = (low / step - 1e-9).rounded(.up)
      last = (high / step + 1e-9).rounded(.down)
    }
    let number = min(max(Int(exactly: last - first) ?? 0, 0), 1000)
    self.step = step
    ticks = (0...number).map { (first + Double($0)) * step }
    lower = extent == .ticks ? first * step : low
    upper = extent == .ticks ? last * step : high
  }

  /// Where a value stands: 0 at the lower end, 1 at the upper.
  func position(_ value: Double) -> Double {
    (value - lower) / (upper - lower)
  }

  /// A tick as text, with as many decimals as its neighbours need.
  func label(_ tick: Double) -> String {
    if tick == 0 || abs(tick) < step * 1e-6 { return "0" }
    if step < 1e-4 || abs(tick) >= 1e7 { return NumberText.short(tick) }
    if step >= 1000 {
      return NumberText.fixed(tick / 1000, 1).replacing(".0", with: "") + "k"
    }
    let digits = max(0, Int((-log10(step) - 1e-9).rounded(.up)))
    let isQuarter = (step * pow(10, Double(digits))).rounded() != step * pow(10, Double(digits))
    return NumberText.fixed(tick, isQuarter ? digits + 1 : digits)
  }

  /// The least of 1, 2, 2.5 and 5 times a power of ten that is at least `step`.
  private static func roundStep(_ step: Double, isWhole: Bool) -> Double {
    let power = pow(10, log10(step).rounded(.down))
    let factors = isWhole && power < 10 ? [1, 2, 5, 10.0] : [1, 2, 2.5, 5, 10.0]
    let round = (factors.first { $0 * power >= step * (1 - 1e-9) } ?? 10) * power
    return isWhole ? max(round, 1) : round
  }
}
