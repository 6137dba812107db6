import RunRecords
import Statistics

/// A small drawing of values with their spread on one scale, under a headline figure.
struct IntervalBar {
  /// One value: a dot on a line from `low` to `high`.
  struct Row {
    var name: String
    var value: Double
    var low: Double
    var high: Double
    /// Gold has its own colour.
    var role: LineChart.Series.Role?
  }

  var rows: [Row]
  /// Levels drawn across, with a name below.
  var references: [LineChart.Reference] = []
  var range: ClosedRange<Double>
  /// What the drawing says, for those who do not see it.
  var description: String

  private static let width = 240.0
  private static let margin = 8.0

  /// Names stand before the rows where there are several.
  private var start: Double { rows.count > 1 ? 42 : Self.margin }

  var svg: Markup {
    let height = 20.0 * Double(rows.count) + (references.isEmpty ? 4 : 20)
    return element(
      "svg",
      [
        "class": "interval", "viewBox": "0 0 \(Int(Self.width)) \(Int(height))", "role": "img",
      ]
    ) {
      element("title") { description }
      for reference in references { level(reference, below: 20 * Double(rows.count)) }
      for (index, row) in rows.enumerated() { spread(row, index) }
    }
  }

  private func x(_ value: Double) -> String {
    let span = range.upperBound - range.lowerBound
    let fraction = span > 0 ? min(max((value - range.lowerBound) / span, 0), 1) : 0.5
    return NumberText.coordinate(start + fraction * (Self.width - start - Self.margin))
  }

  @MarkupBuilder private func spread(_ row: Row, _ index: Int) -> [Markup] {
    let y = NumberText.coordinate(10 + 20 * Double(index))
    let style = row.role?.rawValue ?? "s\(index + 1)"
    if rows.count > 1 {
      element(
        "text", ["class": "tick", "x": "0", "y": NumberText.coordinate(14 + 20 * Double(index))]
      ) { row.name }
    }
    element(
      "line",
      [
        "class": "base", "x1": x(range.lowerBound), "x2": x(range.upperBound), "y1": y, "y2": y,
      ])
    element(
      "line",
      ["class": "spread \(style)", "x1": x(row.low), "x2": x(row.high), "y1": y, "y2": y])
    element("circle", ["class": "mark \(style)", "cx": x(row.value), "cy": y, "r": "5"])
  }

  @MarkupBuilder private func level(_ reference: LineChart.Reference, below y: Double) -> [Markup] {
    let isRight = reference.value > (range.lowerBound + range.upperBound) / 2
    element(
      "line",
      [
        "class": "reference", "x1": x(reference.value), "x2": x(reference.value), "y1": "0",
        "y2": NumberText.coordinate(y),
      ])
    element(
      "text",
      [
        "class": "tick", "x": x(reference.value), "y": NumberText.coordinate(y + 14),
        "text-anchor": isRight ? "end" : "start",
      ]
    ) { reference.name }
  }
}
