import Foundation
import RunRecords
import Statistics

/// Counts in bins of equal width, with bars on the two sides of 0 told apart by colour and by the
/// line between them.
struct HistogramChart {
  var title: String
  /// What the figure shows, in one sentence made from its numbers.
  var takeaway = ""
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

  /// The chart as a figure; `nil` when there is nothing to draw.
  func figure() -> Markup? {
    let isSound = lower.isFinite && width.isFinite && width > 0
    guard isSound, counts.contains(where: { $0 > 0 }) else { return nil }
    return Reports.figure(
      takeaway.isEmpty ? title : takeaway, unit: takeaway.isEmpty ? unit : "\(title) · \(unit)",
      note: note
    ) {
      legend(
        [("s2", sides.below, true), ("s1", sides.above, false)].map { style, name, isBelow in
          (barKey(style), "\(name): \(NumberText.percent(share(isBelow: isBelow)))")
        })
      svg
    }
  }

  private func isBelow(_ bin: Int) -> Bool { edge(bin) + width / 2 < 0 }
  private func edge(_ bin: Int) -> Double { lower + Double(bin) * width }

  private func share(isBelow wanted: Bool) -> Double {
    let total = counts.reduce(0, +)
    let side = counts.indices.filter { isBelow($0) == wanted }.reduce(0) { $0 + counts[$1] }
    return Double(side) / Double(max(1, total))
  }

  private var svg: Markup {
    let frame = ChartFrame(
      horizontal: Axis(covering: [edge(0), edge(counts.count)], count: 6, extent: .values),
      vertical: Axis(covering: [0] + counts.map(Double.init), count: 4, isWhole: true))
    func text(_ value: Double) -> String { NumberText.coordinate(value) }
    return element("svg", ["viewBox": ChartFrame.viewBox, "role": "img"]) {
      element("title") { title }
      element("desc") { description }
      frame.verticalAxis
      for (bin, count) in counts.enumerated() where count > 0 {
        let (left, right) = (frame.x(edge(bin)), frame.x(edge(bin + 1)))
        let top = frame.y(Double(count))
        element(
          "rect",
          [
            "class": isBelow(bin) ? "bar s2" : "bar s1", "x": text(left + 0.5), "y": text(top),
            "width": text(max(0.5, right - left - 1)),
            "height": text(ChartFrame.plotBottom - top),
          ])
      }
      if edge(0) <= 0, edge(counts.count) >= 0 {
        ChartFrame.line(
          "reference", x1: frame.x(0), x2: frame.x(0), y1: ChartFrame.top,
          y2: ChartFrame.plotBottom)
      }
      frame.horizontalAxis(horizontalTitle)
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
