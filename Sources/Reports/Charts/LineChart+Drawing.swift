import Foundation
import RunRecords
import Statistics

extension LineChart {
  /// The chart as a figure: title, legend, drawing, note. `nil` when there is nothing to draw.
  func figure() -> Markup? {
    guard !isEmpty else { return nil }
    return element("figure", ["class": "chart"]) {
      element("figcaption") {
        element("b") { title }
        if !unit.isEmpty { element("span", ["class": "unit"]) { unit } }
      }
      let drawing = LineChartDrawing(thinned())
      legend(withLevels: drawing.levelsOutside)
      drawing.svg
      element("div", ["class": "tip", "hidden": "hidden"])
      if !note.isEmpty { element("p", ["class": "note"]) { note } }
    }
  }

  /// What tells lines apart, and names the levels whose names find no room in the drawing; `nil`
  /// where there is one line only.
  private func legend(withLevels levels: [Reference]) -> Markup? {
    guard series.count > 1 || !levels.isEmpty else { return nil }
    return element("ul", ["class": "legend"]) {
      for (index, line) in series.enumerated() where line.isDrawn {
        element("li") {
          element("svg", ["viewBox": "0 0 34 10", "aria-hidden": "true"]) {
            if line.isScattered {
              LineChartDrawing.mark(index, x: 17, y: 5)
            } else {
              element(
                "line",
                [
                  "class": "line s\(LineChart.style(index))", "x1": "1", "y1": "5", "x2": "33",
                  "y2": "5",
                ])
            }
          }
          line.name
        }
      }
      for level in levels {
        element("li") {
          element("svg", ["viewBox": "0 0 34 10", "aria-hidden": "true"]) {
            element(
              "line", ["class": "reference", "x1": "1", "x2": "33", "y1": "5", "y2": "5"])
          }
          "\(level.name), \(NumberText.short(level.value))"
        }
      }
    }
  }
}

/// A chart laid out in a drawing of fixed size, which the page scales.
struct LineChartDrawing {
  private static let width = 480.0
  private static let height = 254.0
  private static let top = 12.0
  private static let bottom = 44.0
  private static let right = 20.0

  private let chart: LineChart
  private let horizontal: Axis
  private let vertical: Axis
  private let left: Double
  /// The names of levels that stand in the drawing.
  private(set) var labels: [LevelLabels.Label] = []

  init(_ chart: LineChart) {
    self.chart = chart
    horizontal = Axis(
      covering: chart.series.flatMap { $0.points.map(\.x) } + chart.horizontalIncludes, count: 6,
      extent: .values,
      isWhole: chart.isHorizontalWhole)
    var values = chart.series.flatMap { $0.points.compactMap(\.y) }
    values += chart.references.map(\.value) + chart.includes
    values += chart.bands.flatMap { $0.points.flatMap { [$0.low, $0.high] } }
    let vertical = Axis(covering: values, count: 4)
    self.vertical = vertical
    let longest = vertical.ticks.map { vertical.label($0).count }.max() ?? 1
    left = 13 + LevelLabels.glyphWidth * Double(longest)
    labels = placedLabels
  }

  /// The levels whose names would cover something wherever they stood.
  var levelsOutside: [LineChart.Reference] {
    chart.references.filter { level in
      level.value.isFinite && !labels.contains { $0.name == level.name }
    }
  }

  private var placedLabels: [LevelLabels.Label] {
    let room = LevelLabels(
      plot: .init(left: left, right: plotRight, top: Self.top, bottom: plotBottom),
      lines: chart.series.filter(\.isConnected).flatMap(segments),
      marks: chart.series.filter { $0.isScattered || !$0.isConnected }.flatMap(segments),
      bands: chart.bands.map { band in
        band.points.map { (x: x($0.x), low: y($0.low), high: y($0.high)) }
      })
    return room.placed(
      chart.references.filter(\.value.isFinite).map { (name: $0.name, y: y($0.value)) })
  }

  var svg: Markup {
    element(
      "svg",
      [
        "viewBox": "0 0 \(Int(Self.width)) \(Int(Self.height))", "role": "img", "tabindex": "0",
        "data-chart": hoverData,
      ]
    ) {
      element("title") { chart.title }
      element("desc") { description }
      grid
      for band in chart.bands { area(band) }
      for reference in chart.references { line(of: reference) }
      for (index, series) in chart.series.enumerated() { line(of: series, index) }
      // Labels last, so that no line runs through them.
      for label in labels { text(of: label) }
      element(
        "line",
        [
          "class": "cursor", "x1": "0", "x2": "0", "y1": text(Self.top), "y2": text(plotBottom),
          "visibility": "hidden",
        ])
    }
  }

  /// The mark of a scattered series: a disc, a square, a triangle, a diamond.
  static func mark(_ index: Int, x: Double, y: Double) -> Markup {
    func place(_ dx: Double, _ dy: Double) -> String {
      "\(NumberText.coordinate(x + dx)),\(NumberText.coordinate(y + dy))"
    }
    let style = "mark s\(LineChart.style(index))"
    switch index % 4 {
    case 0:
      return element(
        "circle",
        [
          "class": style, "cx": NumberText.coordinate(x), "cy": NumberText.coordinate(y),
          "r": "3.2",
        ])
    case 1:
      let corners = [place(-3, -3), place(3, -3), place(3, 3), place(-3, 3)]
      return element("polygon", ["class": style, "points": corners.joined(separator: " ")])
    case 2:
      let corners = [place(0, -3.8), place(3.6, 3), place(-3.6, 3)]
      return element("polygon", ["class": style, "points": corners.joined(separator: " ")])
    default:
      let corners = [place(0, -4), place(4, 0), place(0, 4), place(-4, 0)]
      return element("polygon", ["class": style, "points": corners.joined(separator: " ")])
    }
  }

  private var plotBottom: Double { Self.height - Self.bottom }
  private var plotRight: Double { Self.width - Self.right }

  private func x(_ value: Double) -> Double {
    left + horizontal.position(value) * (plotRight - left)
  }

  private func y(_ value: Double) -> Double {
    plotBottom - vertical.position(value) * (plotBottom - Self.top)
  }

  private func text(_ value: Double) -> String {
    NumberText.coordinate(value)
  }

  @MarkupBuilder private var grid: [Markup] {
    for tick in vertical.ticks {
      element(
        "line",
        [
          "class": abs(tick) < 1e-12 ? "zero" : "grid", "x1": text(left), "x2": text(plotRight),
          "y1": text(y(tick)), "y2": text(y(tick)),
        ])
      element(
        "text",
        ["class": "tick", "x": text(left - 7), "y": text(y(tick) + 4), "text-anchor": "end"]
      ) { vertical.label(tick) }
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
        "class": "axis", "x": text((left + plotRight) / 2), "y": text(Self.height - 6),
        "text-anchor": "middle",
      ]
    ) { chart.horizontalTitle }
  }

  private func area(_ band: LineChart.Band) -> Markup? {
    guard band.points.count > 1 else { return nil }
    let upper = band.points.map { "\(text(x($0.x))),\(text(y($0.high)))" }
    let lower = band.points.reversed().map { "\(text(x($0.x))),\(text(y($0.low)))" }
    return element(
      "polygon",
      [
        "class": "band s\(LineChart.style(band.series))",
        "points": (upper + lower).joined(separator: " "),
      ])
  }

  private func line(of reference: LineChart.Reference) -> Markup? {
    guard reference.value.isFinite else { return nil }
    return element(
      "line",
      [
        "class": "reference", "x1": text(left), "x2": text(plotRight),
        "y1": text(y(reference.value)), "y2": text(y(reference.value)),
      ])
  }

  private func text(of label: LevelLabels.Label) -> Markup {
    element(
      "text",
      [
        "class": "reference-label", "x": text(label.x), "y": text(label.y),
        "text-anchor": label.isRightAligned ? "end" : "start",
      ]
    ) { label.name }
  }

  @MarkupBuilder private func line(of series: LineChart.Series, _ index: Int) -> [Markup] {
    let segments = segments(of: series)
    let path = segments.filter { $0.count > 1 }.map { segment in
      "M" + segment.map { "\(text($0.x)) \(text($0.y))" }.joined(separator: "L")
    }.joined()
    if series.isConnected, !path.isEmpty {
      element(
        "path",
        [
          "class": (series.isScattered ? "trail" : "line") + " s\(LineChart.style(index))",
          "d": path,
        ])
    }
    // A point without neighbours has no line to be seen by.
    for segment in segments where series.isScattered || segment.count == 1 {
      for point in segment { Self.mark(index, x: point.x, y: point.y) }
    }
  }

  /// Runs of consecutive recorded points, in drawing coordinates.
  private func segments(of series: LineChart.Series) -> [[(x: Double, y: Double)]] {
    // A series recorded only now and then is one line through what there is.
    let recorded = series.points.count { $0.y != nil }
    let isSparse = recorded * 2 < series.points.count
    var segments: [[(x: Double, y: Double)]] = [[]]
    for point in series.points {
      if let value = point.y, value.isFinite, point.x.isFinite {
        segments[segments.count - 1].append((x(point.x), y(value)))
      } else if !isSparse {
        segments.append([])
      }
    }
    return segments.filter { !$0.isEmpty }
  }

  /// First, last, least and greatest of every series in words.
  private var description: String {
    let sentences = chart.series.compactMap { series -> String? in
      let values = series.points.compactMap(\.y).filter(\.isFinite)
      guard let first = values.first, let last = values.last, let low = values.min(),
        let high = values.max()
      else { return nil }
      return "\(series.name): from \(NumberText.short(first)) to \(NumberText.short(last)), "
        + "lowest \(NumberText.short(low)), highest \(NumberText.short(high))."
    }
    let levels = chart.references.map { "\($0.name): \(NumberText.short($0.value))." }
    let axis =
      "Over \(chart.horizontalTitle), \(horizontal.label(horizontal.lower)) to "
      + "\(horizontal.label(horizontal.upper))."
    return ([axis] + sentences + levels).joined(separator: " ")
  }

  /// What the script needs to show values under the pointer, as JSON.
  private var hoverData: String {
    struct Data: Encodable {
      struct Line: Encodable {
        let name: String
        let x: [Double]
        let y: [Double]
      }
      let plot: [Double]
      let horizontal: [Double]
      let vertical: [Double]
      let title: String
      let series: [Line]
    }
    let lines = chart.series.map { series in
      let recorded = series.points.filter { $0.x.isFinite && ($0.y?.isFinite ?? false) }
      return Data.Line(
        name: series.name, x: recorded.map { rounded($0.x) },
        y: recorded.map { rounded($0.y ?? 0) })
    }
    let data = Data(
      plot: [left, Self.top, plotRight - left, plotBottom - Self.top].map(rounded),
      horizontal: [horizontal.lower, horizontal.upper], vertical: [vertical.lower, vertical.upper],
      title: chart.horizontalTitle, series: lines)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Every number above is finite, which is all that JSON asks for.
    guard let json = try? encoder.encode(data) else { return "" }
    return String(decoding: json, as: UTF8.self)
  }

  /// Five significant digits: more would only make the file longer.
  private func rounded(_ value: Double) -> Double {
    guard value != 0, value.isFinite else { return 0 }
    let scale = pow(10, 4 - log10(abs(value)).rounded(.down))
    let result = (value * scale).rounded() / scale
    return result.isFinite ? result : value
  }
}
