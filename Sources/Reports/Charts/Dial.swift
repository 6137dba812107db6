import Foundation
import RunRecords
import Statistics

/// Two needles on one scale: what the judge says and what gold says, in standard deviations of the SFT
/// policy, 0 at the top. Together they agree; apart, the judge is fooled by the width of the wedge.
///
/// The script moves the needles: `ReportScript` knows the same geometry from the data attributes.
struct Dial {
  var score: Double?
  var gold: Double?
  /// The scale goes from −limit to limit.
  let limit: Double

  /// - Parameter values: all that the needles will ever show.
  init(score: Double?, gold: Double?, covering values: [Double] = []) {
    (self.score, self.gold) = (score, gold)
    let most = (values + [score, gold].compactMap(\.self)).filter(\.isFinite).map(abs).max() ?? 0
    limit = min(max(2, most.rounded(.up)), 1e3)
  }

  private static let (x, y, radius) = (160.0, 158.0, 116.0)
  /// How far a needle leans at the end of the scale.
  private static let widest = 84.0

  var svg: Markup {
    element(
      "svg",
      [
        "class": "dial", "viewBox": "0 0 320 182", "role": "img",
        "data-dial": [limit, Self.widest, Self.x, Self.y, Self.radius].map(NumberText.coordinate)
          .joined(separator: " "),
      ]
    ) {
      element("title") { description }
      arc(from: -limit, to: 0, "worse")
      arc(from: 0, to: limit, "better")
      for tick in ticks { mark(tick) }
      element("path", ["class": "gap", "d": wedge])
      needle(.score, score)
      needle(.gold, gold)
      element(
        "circle",
        ["class": "hub", "cx": Self.text(Self.x), "cy": Self.text(Self.y), "r": "6"])
      ChartFrame.text("worse", "tick", x: 44, y: 179, anchor: "middle")
      ChartFrame.text("better", "tick", x: 276, y: 179, anchor: "middle")
    }
  }

  private var description: String {
    let said = [("score", score), ("gold", gold)].compactMap { name, value in
      value.map { "\(name) \(NumberText.signed($0, 2)) sd" }
    }
    return said.joined(separator: ", ") + "; 0 is the SFT policy"
  }

  private var ticks: [Double] {
    let step = Axis(covering: [0, limit], count: 4, isWhole: true).ticks.dropFirst().first ?? 1
    let side = stride(from: step, through: limit, by: step)
    return side.map { -$0 }.reversed() + [0] + side
  }

  private static func text(_ value: Double) -> String { NumberText.coordinate(value) }

  private func angle(_ value: Double) -> Double {
    min(max(value / limit, -1), 1) * Self.widest
  }

  private func point(_ value: Double, at radius: Double) -> (x: Double, y: Double) {
    let angle = angle(value) * .pi / 180
    return (Self.x + radius * sin(angle), Self.y - radius * cos(angle))
  }

  private func path(from: Double, to: Double, _ start: String) -> String {
    let (a, b) = (point(from, at: Self.radius), point(to, at: Self.radius))
    let size = Self.text(Self.radius)
    return "\(start)\(Self.text(a.x)) \(Self.text(a.y))A\(size) \(size) 0 0 \(to > from ? 1 : 0) "
      + "\(Self.text(b.x)) \(Self.text(b.y))"
  }

  private func arc(from: Double, to: Double, _ style: String) -> Markup {
    element("path", ["class": "arc \(style)", "d": path(from: from, to: to, "M")])
  }

  /// What lies between the needles; empty without both.
  private var wedge: String {
    guard let score, let gold else { return "M0 0" }
    return path(from: gold, to: score, "M\(Self.text(Self.x)) \(Self.text(Self.y))L") + "Z"
  }

  @MarkupBuilder private func mark(_ tick: Double) -> [Markup] {
    let (inner, outer) = (point(tick, at: Self.radius - 6), point(tick, at: Self.radius + 6))
    let label = point(tick, at: Self.radius + 20)
    ChartFrame.line("notch", x1: inner.x, x2: outer.x, y1: inner.y, y2: outer.y)
    ChartFrame.text(
      tick == 0 ? "SFT" : NumberText.signed(tick, 0), "tick", x: label.x, y: label.y + 5,
      anchor: "middle")
  }

  /// A line from the hub to the scale; score ends in a square, gold in a disc, as in charts.
  private func needle(_ role: LineChart.Series.Role, _ value: Double?) -> Markup? {
    guard let value else { return nil }
    let tip = Self.y - Self.radius + (role == .gold ? 24 : 12)
    return element(
      "g",
      [
        "class": "needle \(role.rawValue)",
        "transform": "rotate(\(Self.text(angle(value))) \(Self.text(Self.x)) \(Self.text(Self.y)))",
      ]
    ) {
      ChartFrame.line(
        "line \(role.rawValue)", x1: Self.x, x2: Self.x, y1: Self.y, y2: tip)
      if role == .gold {
        element(
          "circle",
          ["class": "mark gold", "cx": Self.text(Self.x), "cy": Self.text(tip), "r": "7"])
      } else {
        element(
          "rect",
          [
            "class": "mark score", "x": Self.text(Self.x - 6), "y": Self.text(tip - 6),
            "width": "12", "height": "12",
          ])
      }
    }
  }
}

/// What a needle says, in words: the mark of its role, who says it, and how much.
///
/// - Parameter raw: said when pointed at.
func saying(
  _ role: LineChart.Series.Role, by judge: String, _ value: Double?, raw: String = ""
) -> Markup? {
  guard let value else { return nil }
  return element("p", raw.isEmpty ? ["class": "saying"] : ["class": "saying", "title": raw]) {
    element("svg", ["viewBox": "0 0 14 14", "aria-hidden": "true"]) {
      role == .gold
        ? element("circle", ["class": "mark gold", "cx": "7", "cy": "7", "r": "6"])
        : element(
          "rect", ["class": "mark score", "x": "1", "y": "1", "width": "12", "height": "12"])
    }
    element("span") { "\(judge) " }
    element("b", ["class": role.rawValue]) { "\(NumberText.signed(value, 1)) sd" }
  }
}

/// Score and gold on one line, 0 in the middle: the needles of a single response.
func strip(score: Double?, gold: Double?, limit: Double) -> Markup {
  func x(_ value: Double) -> Double { 60 + min(max(value / limit, -1), 1) * 54 }
  return element(
    "svg",
    ["class": "strip", "viewBox": "0 0 120 16", "aria-hidden": "true", "data-limit": "\(limit)"]
  ) {
    ChartFrame.line("base", x1: 4, x2: 116, y1: 8, y2: 8)
    ChartFrame.line("notch", x1: 60, x2: 60, y1: 2, y2: 14)
    if let score {
      element(
        "rect",
        [
          "class": "mark score", "x": NumberText.coordinate(x(score) - 5), "y": "3",
          "width": "10", "height": "10",
        ])
    }
    if let gold {
      element(
        "circle", ["class": "mark gold", "cx": NumberText.coordinate(x(gold)), "cy": "8", "r": "5"])
    }
  }
}
