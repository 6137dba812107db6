import Foundation
import RunRecords
import Statistics

/// Counts in bins of equal width, with bars on the two sides of 0 told apart by colour and by the
/// line between them.
struct HistogramChart {
  var title: String
  var unit: String
  var horizontalTitle: String
  /// The lower edge of the first bin.
  var lower: Double
  var width: Double
  var counts: [Int]
  /// What it means to be below 0, and above.
  var sides: (below: String, above: String)
  /// One sentence below the chart: what to look at.
  var note = ""

  private static let size = (width: 480.0, height: 254.0)
  private static let top = 12.0
  private static let bottom = 44.0
  private static let right = 20.0

  /// The chart as a figure; `nil` when there is nothing to draw.
  func figure() -> Markup? {
    let isSound = lower.isFinite && width.isFinite && width > 0
    guard isSound, counts.contains(where: { $0 > 0 }) else { return nil }
    return element("figure", ["class": "chart"]) {
      element("figcaption") {
        element("b") { title }
        element("span", ["class": "unit"]) { unit }
      }
      element("ul", ["class": "legend"]) {
        key("s2", sides.below, share(isBelow: true))
        key("s1", sides.above, share(isBelow: false))
      }
      svg
      if !note.isEmpty { element("p", ["class": "note"]) { note } }
    }
  }

  private func isBelow(_ bin: Int) -> Bool { edge(bin) + width / 2 < 0 }
  private func edge(_ bin: Int) -> Double { lower + Double(bin) * width }

  private func share(isBelow wanted: Bool) -> Double {
    let total = counts.reduce(0, +)
    let side = counts.indices.filter { isBelow($0) == wanted }.reduce(0) { $0 + counts[$1] }
    return Double(side) / Double(max(1, total))
  }

  private func key(_ style: String, _ name: String, _ share: Double) -> Markup {
    element("li") {
      element("svg", ["viewBox": "0 0 34 10", "aria-hidden": "true"]) {
        element(
          "rect", ["class": "bar \(style)", "x": "12", "y": "0", "width": "12", "height": "10"])
      }
      "\(name): \(NumberText.percent(share))"
    }
  }

  private var svg: Markup {
    let horizontal = Axis(covering: [edge(0), edge(counts.count)], count: 6, extent: .values)
    let vertical = Axis(covering: [0] + counts.map(Double.init), count: 4, isWhole: true)
    let longest = vertical.ticks.map { vertical.label($0).count }.max() ?? 1
    let left = 13 + LevelLabels.glyphWidth * Double(longest)
    let (plotRight, plotBottom) = (Self.size.width - Self.right, Self.size.height - Self.bottom)
    func x(_ value: Double) -> Double { left + horizontal.position(value) * (plotRight - left) }
    func y(_ value: Double) -> Double {
      plotBottom - vertical.position(value) * (plotBottom - Self.top)
    }
    func text(_ value: Double) -> String { NumberText.coordinate(value) }
    return element(
      "svg",
      ["viewBox": "0 0 \(Int(Self.size.width)) \(Int(Self.size.height))", "role": "img"]
    ) {
      element("title") { title }
      element("desc") { description }
      for tick in vertical.ticks {
        element(
          "line",
          [
            "class": tick == 0 ? "zero" : "grid", "x1": text(left), "x2": text(plotRight),
            "y1": text(y(tick)), "y2": text(y(tick)),
          ])
        element(
          "text",
          ["class": "tick", "x": text(left - 7), "y": text(y(tick) + 4), "text-anchor": "end"]
        ) { vertical.label(tick) }
      }
      for (bin, count) in counts.enumerated() where count > 0 {
        element(
          "rect",
          [
            "class": isBelow(bin) ? "bar s2" : "bar s1", "x": text(x(edge(bin)) + 0.5),
            "y": text(y(Double(count))),
            "width": text(max(0.5, x(edge(bin + 1)) - x(edge(bin)) - 1)),
            "height": text(plotBottom - y(Double(count))),
          ])
      }
      if edge(0) <= 0, edge(counts.count) >= 0 {
        element(
          "line",
          [
            "class": "reference", "x1": text(x(0)), "x2": text(x(0)), "y1": text(Self.top),
            "y2": text(plotBottom),
          ])
      }
      for tick in horizontal.ticks {
        element(
          "line",
          [
            "class": "notch", "x1": text(x(tick)), "x2": text(x(tick)), "y1": text(plotBottom),
            "y2": text(plotBottom + 4),
          ])
        element(
          "text",
          [
            "class": "tick", "x": text(x(tick)), "y": text(plotBottom + 17),
            "text-anchor": "middle",
          ]
        ) { horizontal.label(tick) }
      }
      element(
        "text",
        [
          "class": "axis", "x": text((left + plotRight) / 2), "y": text(Self.size.height - 6),
          "text-anchor": "middle",
        ]
      ) { horizontalTitle }
    }
  }

  private var description: String {
    let highest = counts.indices.max { counts[$0] < counts[$1] } ?? 0
    return "\(counts.reduce(0, +)) values from \(NumberText.short(edge(0))) to "
      + "\(NumberText.short(edge(counts.count))); most, \(counts[highest]), between "
      + "\(NumberText.short(edge(highest))) and \(NumberText.short(edge(highest + 1))). "
      + "\(sides.below): \(NumberText.percent(share(isBelow: true))); \(sides.above): "
      + "\(NumberText.percent(share(isBelow: false)))."
  }
}
