import Statistics

/// What a curve did, said from its values: the title of a figure.
struct Trend {
  /// Smoothed, so that one step's luck is no trend: they decide what the curve did.
  private let values: [Double]
  /// As drawn: what the title says.
  private let drawn: [Double]
  private let steps: [Double]
  /// How many values to either side are smoothed together.
  private let reach: Int

  /// - Parameter points: those without a value are left out. `nil` for fewer than two.
  init?(_ points: [LineChart.Point]) {
    let found = points.compactMap { point in
      point.y.flatMap { $0.isFinite ? (x: point.x, y: $0) : nil }
    }
    guard found.count > 1 else { return nil }
    let reach = min(2, found.count / 8)
    self.reach = reach
    values = found.map(\.y).movingMeans(reach: reach)
    steps = found.map(\.x)
    drawn = found.map(\.y)
  }

  var first: Double { drawn[0] }
  var last: Double { drawn[drawn.count - 1] }

  /// Where the curve is highest: of the drawn values around the highest smoothed one.
  var peak: (x: Double, y: Double) {
    let index = extreme(by: <)
    return (steps[index], drawn[index])
  }

  private func extreme(by isLess: (Double, Double) -> Bool) -> Int {
    let center = values.indices.max { isLess(values[$0], values[$1]) } ?? 0
    let near = max(0, center - reach)...min(drawn.count - 1, center + reach)
    return near.max { isLess(drawn[$0], drawn[$1]) } ?? center
  }

  /// `falls from 0.69 to 0.5`, `rises to 1.3 at 25, then falls to −4.2`, `stays near 0.2`.
  func words(unit: String = "", _ text: (Double) -> String = NumberText.short) -> String {
    let (first, last) = (values[0], values[values.count - 1])
    let (low, high) = (values.min() ?? first, values.max() ?? first)
    let range = high - low
    let top = drawn.indices.max { drawn[$0] < drawn[$1] } ?? 0
    func said(_ value: Double) -> String { text(value) + (unit.isEmpty ? "" : " \(unit)") }
    if range <= 0.04 * max(abs(low), abs(high)) || text(low) == text(high) {
      return "stays near \(said(last))"
    }
    func point(_ index: Int) -> String {
      "\(said(drawn[index])) at \(NumberText.fixed(steps[index], 0))"
    }
    let (begin, end) = (said(self.first), said(self.last))
    // One step far above all others is no trend, and not to be smoothed away either.
    if drawn[top] > 2 * high, drawn[top] - high > range {
      return "spikes to \(point(top)) and ends at \(end)"
    }
    if high - max(first, last) > 0.15 * range, high - max(first, last) >= min(first, last) - low {
      return "rises to \(point(extreme(by: <))), then falls to \(end)"
    }
    if min(first, last) - low > 0.15 * range {
      return "falls to \(point(extreme(by: >))), then rises to \(end)"
    }
    return "\(last > first ? "rises" : "falls") from \(begin) to \(end)"
  }

  /// `Score rises to …; gold falls to …`: both rewards in one sentence.
  static func rewards(score: [LineChart.Point], gold: [LineChart.Point], unit: String) -> String {
    func text(_ value: Double) -> String { NumberText.signed(value, 1) }
    let parts = [("score", score), ("gold", gold)].compactMap { name, points in
      Trend(points).map { "\(name) \($0.words(unit: unit, text))" }
    }
    return parts.joined(separator: "; ").sentenceCased
  }
}

extension String {
  /// With a capital first letter.
  var sentenceCased: String { prefix(1).uppercased() + dropFirst() }
}
