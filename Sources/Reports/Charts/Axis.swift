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
    /// The values with some air around them, with ticks inside; 0 is not passed for the air's sake.
    case fitted
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
    if extent == .fitted {
      let air = 0.09 * (high - low)
      (low, high) = (
        low >= 0 ? max(0, low - air) : low - air, high <= 0 ? min(0, high + air) : high + air
      )
    }
    let step = Self.roundStep((high - low) / Double(max(count, 1)), isWhole: isWhole)
    let first: Double
    let last: Double
    switch extent {
    case .ticks:
      first = (low / step + 1e-9).rounded(.down)
      last = max((high / step - 1e-9).rounded(.up), first + 1)
    case .values, .fitted:
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

/// The axes of a chart in a drawing of fixed size, which the page scales.
struct ChartFrame {
  static let width = 480.0
  static let height = 254.0
  static let top = 12.0
  static let plotRight = width - 20
  static let plotBottom = height - 44

  let horizontal: Axis
  let vertical: Axis
  /// Where the plot begins: to the right of the labels of the vertical axis.
  let left: Double

  init(horizontal: Axis, vertical: Axis) {
    self.horizontal = horizontal
    self.vertical = vertical
    let longest = vertical.ticks.map { vertical.label($0).count }.max() ?? 1
    left = 13 + LevelLabels.glyphWidth * Double(longest)
  }

  func x(_ value: Double) -> Double { left + horizontal.position(value) * (Self.plotRight - left) }

  func y(_ value: Double) -> Double {
    Self.plotBottom - vertical.position(value) * (Self.plotBottom - Self.top)
  }

  /// The attribute of the drawing's size.
  static let viewBox = "0 0 \(Int(width)) \(Int(height))"

  static func line(_ style: String, x1: Double, x2: Double, y1: Double, y2: Double) -> Markup {
    let numbers = [x1, x2, y1, y2].map(NumberText.coordinate)
    return element(
      "line",
      ["class": style, "x1": numbers[0], "x2": numbers[1], "y1": numbers[2], "y2": numbers[3]])
  }

  static func text(
    _ text: String, _ style: String, x: Double, y: Double, anchor: String
  ) -> Markup {
    element(
      "text",
      [
        "class": style, "x": NumberText.coordinate(x), "y": NumberText.coordinate(y),
        "text-anchor": anchor,
      ]
    ) { text }
  }

  /// A line over the whole plot.
  func level(_ style: String, at value: Double) -> Markup {
    Self.line(style, x1: left, x2: Self.plotRight, y1: y(value), y2: y(value))
  }

  @MarkupBuilder var verticalAxis: [Markup] {
    for tick in vertical.ticks {
      level(abs(tick) < 1e-12 ? "zero" : "grid", at: tick)
      Self.text(vertical.label(tick), "tick", x: left - 7, y: y(tick) + 4, anchor: "end")
    }
  }

  @MarkupBuilder func horizontalAxis(_ title: String) -> [Markup] {
    let bottom = Self.plotBottom
    for tick in horizontal.ticks {
      Self.line("notch", x1: x(tick), x2: x(tick), y1: bottom, y2: bottom + 4)
      Self.text(horizontal.label(tick), "tick", x: x(tick), y: bottom + 17, anchor: "middle")
    }
    Self.text(
      title, "axis", x: (left + Self.plotRight) / 2, y: Self.height - 6, anchor: "middle")
  }
}
