import RunRecords
import Statistics

/// A chart of one or more series over a common horizontal axis.
struct LineChart {
  struct Point: Equatable {
    var x: Double
    /// `nil` where nothing was recorded: the line breaks there.
    var y: Double?
  }

  /// A line, with a dash pattern as well as a colour so that neither is needed to tell it apart.
  struct Series {
    var name: String
    var points: [Point]
    /// Whether each point is marked and the line between them is faint.
    var isScattered = false
    /// Whether the points follow one another, so that a line joins them.
    var isConnected = true
    /// Which reward it is; lines of anything else are told apart by their place.
    var role: Role?
    /// Whether its marks are hollow, as those of best of n.
    var isOpen = false
    /// What turned raw values into those drawn; hovering shows both.
    var scale: Summary?

    /// Whether there is any point to draw.
    var isDrawn: Bool { points.contains { $0.y?.isFinite ?? false } }
  }

  /// A level to hold the series against, such as the best accuracy that is possible.
  struct Reference {
    var name: String
    var value: Double
  }

  /// A region between two lines, drawn behind the series of the same position in the chart.
  struct Band {
    var series: Int
    var points: [(x: Double, low: Double, high: Double)]
  }

  var title: String
  /// What the figure shows, in one sentence made from its numbers: it stands above the title.
  var takeaway = ""
  /// The unit of the vertical axis.
  var unit: String
  var horizontalTitle = "step"
  var isHorizontalWhole = true
  /// Values that the horizontal axis must cover.
  var horizontalIncludes: [Double] = []
  var series: [Series]
  var references: [Reference] = []
  var bands: [Band] = []
  /// Values that the vertical axis must cover, as 0 for a loss.
  var includes: [Double] = []
  /// One sentence below the chart: what to look at.
  var note = ""

  /// Whether there is anything to draw.
  var isEmpty: Bool {
    !series.contains(where: \.isDrawn)
  }

  /// The number of the style that the series of a position has; there are eight.
  static func style(_ index: Int) -> Int { index % 8 + 1 }

  /// The class of the style of a series.
  func style(of index: Int) -> String {
    series.indices.contains(index) && series[index].role != nil
      ? series[index].role?.rawValue ?? "" : "s\(Self.style(index))"
  }

  /// The most points a line is drawn with: few enough for noise to become a trend.
  static let drawnPoints = 200

  /// The chart with long series thinned: each line becomes the means of consecutive points, and a
  /// band behind it shows their least and greatest, so that no spike is hidden.
  func thinned(to limit: Int = LineChart.drawnPoints) -> LineChart {
    var chart = self
    for (index, line) in series.enumerated()
    where line.isConnected && line.points.count > limit {
      let size = (line.points.count + limit - 1) / limit
      var means: [Point] = []
      var band = Band(series: index, points: [])
      for start in stride(from: 0, to: line.points.count, by: size) {
        let group = line.points[start..<min(start + size, line.points.count)]
        let middle = group.reduce(0) { $0 + $1.x } / Double(group.count)
        let x = isHorizontalWhole ? middle.rounded() : middle
        let values = group.compactMap(\.y).filter(\.isFinite)
        guard let low = values.min(), let high = values.max() else {
          means.append(Point(x: x, y: nil))
          continue
        }
        means.append(Point(x: x, y: values.reduce(0, +) / Double(values.count)))
        band.points.append((x, low, high))
      }
      chart.series[index].points = means
      chart.bands.append(band)
    }
    return chart
  }
}

extension LineChart {
  /// The chart as a figure: title, legend, drawing, note. `nil` when there is nothing to draw.
  func figure() -> Markup? {
    guard !isEmpty else { return nil }
    return Reports.figure(
      takeaway.isEmpty ? title : takeaway,
      unit: takeaway.isEmpty
        ? unit : [title, unit].filter { !$0.isEmpty }.joined(separator: " · "),
      note: note
    ) {
      let drawing = LineChartDrawing(thinned())
      legend(withLevels: drawing.levelsOutside)
      drawing.svg
      element("div", ["class": "tip", "hidden": "hidden"])
    }
  }

  /// What tells lines apart, and names the levels whose names find no room in the drawing; `nil`
  /// where there is one line only.
  private func legend(withLevels levels: [Reference]) -> Markup? {
    guard series.count > 1 || !levels.isEmpty else { return nil }
    let lines = series.enumerated().filter(\.element.isDrawn).map { index, line in
      (
        line.isScattered
          ? LineChartDrawing.mark(index, of: self, x: 17, y: 5)
          : element(
            "line",
            ["class": "line \(style(of: index))", "x1": "1", "y1": "5", "x2": "33", "y2": "5"]),
        line.name
      )
    }
    let reference = element(
      "line", ["class": "reference", "x1": "1", "x2": "33", "y1": "5", "y2": "5"])
    return Reports.legend(
      lines + levels.map { (reference, "\($0.name), \(NumberText.short($0.value))") })
  }
}
