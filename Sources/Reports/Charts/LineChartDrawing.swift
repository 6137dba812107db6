import Foundation
import RunRecords
import Statistics

/// A chart laid out in a drawing of fixed size, which the page scales.
struct LineChartDrawing {
  private let chart: LineChart
  private let frame: ChartFrame
  /// The names of levels that stand in the drawing.
  private(set) var labels: [LevelLabels.Label] = []

  init(_ chart: LineChart) {
    self.chart = chart
    var values = chart.series.flatMap { $0.points.compactMap(\.y) }
    values += chart.bands.flatMap { $0.points.flatMap { [$0.low, $0.high] } }
    values += chart.references.map(\.value)
    values += Self.near(chart.includes, values.filter(\.isFinite))
    frame = ChartFrame(
      horizontal: Axis(
        covering: chart.series.flatMap { $0.points.map(\.x) } + chart.horizontalIncludes, count: 6,
        extent: .values, isWhole: chart.isHorizontalWhole),
      vertical: Axis(covering: values, count: 4, extent: .fitted))
    labels = placedLabels
  }

  /// The levels of `wanted` that leave the values a third of the axis: a curve far from 0 is not
  /// flattened for the sake of 0.
  private static func near(_ wanted: [Double], _ values: [Double]) -> [Double] {
    guard let low = values.min(), let high = values.max() else { return wanted }
    return wanted.filter { max(high, $0) - min(low, $0) <= 3 * (high - low) || high == low }
  }

  /// The levels whose names would cover something wherever they stood.
  var levelsOutside: [LineChart.Reference] {
    chart.references.filter { level in
      level.value.isFinite && !labels.contains { $0.name == level.name }
    }
  }

  private var placedLabels: [LevelLabels.Label] {
    let room = LevelLabels(
      plot: .init(
        left: frame.left, right: ChartFrame.plotRight, top: ChartFrame.top,
        bottom: ChartFrame.plotBottom),
      lines: chart.series.filter(\.isConnected).flatMap(segments),
      marks: chart.series.filter { $0.isScattered || !$0.isConnected }.flatMap(segments),
      bands: chart.bands.map { band in
        band.points.map { (x: frame.x($0.x), low: frame.y($0.low), high: frame.y($0.high)) }
      })
    return room.placed(
      chart.references.filter(\.value.isFinite).map { (name: $0.name, y: frame.y($0.value)) })
  }

  var svg: Markup {
    element(
      "svg",
      [
        "viewBox": ChartFrame.viewBox, "role": "img", "tabindex": "0", "data-chart": hoverData,
      ]
    ) {
      element("title") { chart.takeaway.isEmpty ? chart.title : chart.takeaway }
      element("desc") { description }
      frame.verticalAxis
      frame.horizontalAxis(chart.horizontalTitle)
      for band in chart.bands { area(band) }
      for reference in chart.references where reference.value.isFinite {
        frame.level("reference", at: reference.value)
      }
      for (index, series) in chart.series.enumerated() { line(of: series, index) }
      // Labels last, so that no line runs through them.
      for label in labels {
        ChartFrame.text(
          label.name, "reference-label", x: label.x, y: label.y,
          anchor: label.isRightAligned ? "end" : "start")
      }
      element(
        "line",
        [
          "class": "cursor", "x1": "0", "x2": "0", "y1": text(ChartFrame.top),
          "y2": text(ChartFrame.plotBottom),
          "visibility": "hidden",
        ])
    }
  }

  /// The mark of a series: a disc, a square, a triangle, a diamond. Score has the square, gold the disc.
  static func mark(_ index: Int, of chart: LineChart, x: Double, y: Double) -> Markup {
    func place(_ dx: Double, _ dy: Double) -> String {
      "\(NumberText.coordinate(x + dx)),\(NumberText.coordinate(y + dy))"
    }
    let series = chart.series.indices.contains(index) ? chart.series[index] : nil
    let style = "mark \(chart.style(of: index))" + (series?.isOpen == true ? " open" : "")
    let shape = series?.role.map { $0 == .gold ? 0 : 1 } ?? index % 4
    if shape == 0 {
      return element(
        "circle",
        [
          "class": style, "cx": NumberText.coordinate(x), "cy": NumberText.coordinate(y),
          "r": "3.2",
        ])
    }
    let corners =
      switch shape {
      case 1: [place(-3, -3), place(3, -3), place(3, 3), place(-3, 3)]
      case 2: [place(0, -3.8), place(3.6, 3), place(-3.6, 3)]
      default: [place(0, -4), place(4, 0), place(0, 4), place(-4, 0)]
      }
    return element("polygon", ["class": style, "points": corners.joined(separator: " ")])
  }

  private func text(_ value: Double) -> String {
    NumberText.coordinate(value)
  }

  private func area(_ band: LineChart.Band) -> Markup? {
    guard band.points.count > 1 else { return nil }
    let upper = band.points.map { "\(text(frame.x($0.x))),\(text(frame.y($0.high)))" }
    let lower = band.points.reversed().map { "\(text(frame.x($0.x))),\(text(frame.y($0.low)))" }
    return element(
      "polygon",
      [
        "class": "band \(chart.style(of: band.series))",
        "points": (upper + lower).joined(separator: " "),
      ])
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
          "class": (series.isScattered ? "trail" : "line") + " \(chart.style(of: index))",
          "d": path,
        ])
    }
    // A point without neighbours has no line to be seen by.
    for segment in segments where series.isScattered || segment.count == 1 {
      for point in segment { Self.mark(index, of: chart, x: point.x, y: point.y) }
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
        segments[segments.count - 1].append((frame.x(point.x), frame.y(value)))
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
      "Over \(chart.horizontalTitle), \(frame.horizontal.label(frame.horizontal.lower)) to "
      + "\(frame.horizontal.label(frame.horizontal.upper))."
    return ([axis] + sentences + levels).joined(separator: " ")
  }

  /// What the script needs to show values under the pointer, as JSON.
  private var hoverData: String {
    struct Data: Encodable {
      struct Line: Encodable {
        let name: String
        let style: String
        /// Mean and sd that turn what is drawn into raw values.
        let scale: [Double]?
        let x: [Double]
        let y: [Double]
      }
      let plot: [Double]
      let horizontal: [Double]
      let vertical: [Double]
      let title: String
      let series: [Line]
    }
    let lines = chart.series.enumerated().map { index, series in
      let recorded = series.points.filter { $0.x.isFinite && ($0.y?.isFinite ?? false) }
      return Data.Line(
        name: series.name, style: chart.style(of: index),
        scale: series.scale.map { [rounded($0.mean), rounded($0.standardDeviation)] },
        x: recorded.map { rounded($0.x) },
        y: recorded.map { rounded($0.y ?? 0) })
    }
    let data = Data(
      plot: [
        frame.left, ChartFrame.top, ChartFrame.plotRight - frame.left,
        ChartFrame.plotBottom - ChartFrame.top,
      ].map(rounded),
      horizontal: [frame.horizontal.lower, frame.horizontal.upper],
      vertical: [frame.vertical.lower, frame.vertical.upper],
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
