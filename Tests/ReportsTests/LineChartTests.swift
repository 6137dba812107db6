import Foundation
import Testing

@testable import Reports

@Suite("A line chart")
struct LineChartTests {
  private func chart(_ values: [Double?], references: [LineChart.Reference] = []) -> LineChart {
    let points = values.enumerated().map { LineChart.Point(x: Double($0.offset), y: $0.element) }
    return LineChart(
      title: "T", unit: "u", series: [.init(name: "a < b", points: points)],
      references: references)
  }

  private func parsed(_ chart: LineChart) throws -> ParsedPage {
    let page = ParsedPage(try #require(chart.figure()).rendered)
    #expect(page.failure == nil)
    return page
  }

  @Test(
    "without anything finite is not drawn",
    arguments: [[], [nil], [.nan, .infinity]] as [[Double?]])
  func empty(values: [Double?]) {
    #expect(chart(values).figure() == nil)
  }

  @Test("of one point shows it as a mark")
  func onePoint() throws {
    let page = try parsed(chart([2]))
    #expect(page.count("path") == 0)
    #expect(page.count("circle") == 1)
  }

  @Test("of equal values is a level line inside the frame")
  func constant() throws {
    let page = try parsed(chart([0.2, 0.2, 0.2]))
    let path = try #require(page.values(of: "d").first)
    let heights = Set(path.dropFirst().split(separator: "L").map { $0.split(separator: " ")[1] })
    #expect(heights.count == 1)
    let height = try #require(heights.first.flatMap { Double($0) })
    #expect((12...210).contains(height))
  }

  @Test("sets the label of a level where no line runs: right or left, above or below")
  func labels() throws {
    func place(_ values: [Double], level: Double) throws -> (anchor: String, x: Double, y: Double) {
      var chart = chart(values)
      chart.references = [.init(name: "ceiling", value: level)]
      let label = try #require(
        try parsed(chart).elements.first { $0.attributes["class"] == "reference-label" })
      return (
        label.attributes["text-anchor"] ?? "", Double(label.attributes["x"] ?? "") ?? 0,
        Double(label.attributes["y"] ?? "") ?? 0
      )
    }
    // Nothing is near: above, at the right.
    let free = try place([0, 0, 0, 0], level: 0.5)
    #expect(free.anchor == "end")
    // A line just above the level: below it.
    let above = try place(Array(repeating: 0.54, count: 9) + [0, 1], level: 0.5)
    #expect(above.y > free.y + 15)
    // A line that comes near the level in its later half, with no room above: at the left.
    let rising = try place([0, 0, 0, 0, 0, 1.03, 0.93, 1.03, 0.93, 1.03], level: 1)
    #expect(rising.anchor == "start" && rising.x < 240)
  }

  @Test("lets no label lie on a curve, whatever the curve does", arguments: 0..<40)
  func labelsAreFree(seed: Int) throws {
    // Noisy curves that rise to a level and stay about it.
    func value(_ step: Int, _ line: Int) -> Double {
      let noise = sin(Double(step * 37 + line * 101 + seed * 11) * 12.9898)
      let rate = 4 + Double(seed % 7) * 20
      return 0.5 + 0.3 * (1 - exp(-Double(step) / rate)) + 0.02 * Double(seed % 5) * noise
    }
    let chart = LineChart(
      title: "T", unit: "u",
      series: (0..<2).map { line in
        .init(
          name: "\(line)", points: (0..<300).map { .init(x: Double($0), y: value($0, line)) })
      },
      references: [.init(name: "chance", value: 0.5), .init(name: "Bayes ceiling", value: 0.79)])
    let page = try parsed(chart)
    let drawing = LineChartDrawing(chart.thinned())
    let points = page.values(of: "d").flatMap { path in
      path.split { "ML".contains($0) }.map { $0.split(separator: " ").compactMap { Double($0) } }
    }
    try #require(points.count == 300)
    for label in drawing.labels {
      #expect(label.box.right - label.box.left >= 8 * Double(label.name.count))
      #expect(label.box.bottom - label.box.top >= 16)
      // Between the points too: they lie closer to each other than a text is wide.
      #expect(
        !points.contains { point in
          (label.box.left...label.box.right).contains(point[0])
            && (label.box.top...label.box.bottom).contains(point[1])
        }, "\(label)")
    }
    // In the drawing or in the legend, but in one of them.
    let shown = page.elements.count { $0.attributes["class"] == "reference-label" }
    #expect(shown == drawing.labels.count)
    #expect(shown + drawing.levelsOutside.count == 2)
    for level in drawing.levelsOutside { #expect(page.text.contains("\(level.name), 0.")) }
  }

  @Test("names a level in its legend where all of its line is covered")
  func labelOutside() throws {
    let covered = chart(
      (0..<200).map { $0 % 2 == 0 ? 0 : 1 }, references: [.init(name: "ceiling", value: 0.5)])
    let page = try parsed(covered)
    #expect(!page.values(of: "class").contains("reference-label"))
    #expect(page.text.contains("ceiling, 0.5"))
    // One line has a legend for the sake of the level.
    #expect(page.count("li") == 2)
  }

  @Test("of which nothing was recorded has no entry in the legend")
  func absentSeries() throws {
    var chart = chart([1, 2])
    chart.series += [
      .init(name: "absent", points: []), .init(name: "there", points: [.init(x: 1, y: 1)]),
    ]
    let page = try parsed(chart)
    #expect(page.count("li") == 2)
    #expect(page.values(of: "class").contains("line s3"))
  }

  @Test("breaks its line where nothing was recorded")
  func gaps() throws {
    let page = try parsed(chart([1, 2, nil, 3, 4, .nan, 5]))
    let path = try #require(page.values(of: "d").first)
    #expect(path.count { $0 == "M" } == 2)
    #expect(page.count("circle") == 1)
  }

  @Test("joins what is recorded only now and then")
  func sparse() throws {
    let page = try parsed(chart([1, nil, nil, 2, nil, nil, 3, nil, nil]))
    let path = try #require(page.values(of: "d").first)
    #expect(path.count { $0 == "M" } == 1)
    #expect(path.count { $0 == "L" } == 2)
  }

  @Test("tells in words what it shows, and carries its values for hovering")
  func accessible() throws {
    let page = try parsed(chart([1, 3, 2], references: [.init(name: "ceiling", value: 4)]))
    #expect(page.text.contains("a < b: from 1 to 2, lowest 1, highest 3. ceiling: 4."))
    let json = try #require(page.values(of: "data-chart").first)
    let data = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    let series = try #require((data?["series"] as? [[String: Any]])?.first)
    #expect(series["y"] as? [Double] == [1, 3, 2])
    #expect(series["x"] as? [Double] == [0, 1, 2])
  }

  @Test("tells its series apart by more than colour")
  func legend() throws {
    var chart = chart([1, 2])
    chart.series.append(.init(name: "second", points: [.init(x: 0, y: 1), .init(x: 1, y: 0)]))
    let page = try parsed(chart)
    #expect(page.text.contains("second"))
    for style in [".line.s2 { stroke-dasharray", ".line.s3 { stroke-dasharray"] {
      #expect(ReportStyle.css.contains(style))
    }
    let marks = (0..<4).map { LineChartDrawing.mark($0, of: chart, x: 0, y: 0).rendered }
    let shapes = marks.map { $0.replacing(/class="[^"]*"/, with: "") }
    #expect(Set(shapes).count == 4)
  }

  @Test("of many points draws their means with a band of least and greatest")
  func thinning() throws {
    var values: [Double?] = Array(repeating: 1, count: 1000)
    values[501] = 99
    let thin = chart(values).thinned(to: 100)
    #expect(thin.series[0].points.count == 100)
    #expect(thin.series[0].points[50].y == 10.8)
    #expect(thin.series[0].points[50].x == 505)
    #expect(thin.bands[0].points[50].high == 99)
    #expect(thin.bands[0].points[50].low == 1)
    #expect(try parsed(chart(values)).values(of: "class").contains("band s1"))
  }
}
