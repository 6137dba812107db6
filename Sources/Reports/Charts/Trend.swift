import Statistics

/// What a curve did, said from its values: the title of a figure.
struct Trend {
  private var values: [Double]
  private let steps: [Double]
  /// The largest value before smoothing, and where.
  private let top: (x: Double, y: Double)

  /// - Parameter points: those without a value are left out; the others are smoothed, so that one
  ///   step's luck is no trend. `nil` for fewer than two.
  init?(_ points: [LineChart.Point]) {
    let found = points.compactMap { point in
      point.y.flatMap { $0.isFinite ? (x: point.x, y: $0) : nil }
    }
    guard found.count > 1 else { return nil }
    let reach = min(2, found.count / 8)
    values = found.indices.map { index in
      let near = found[max(0, index - reach)...min(found.count - 1, index + reach)]
      return near.reduce(0) { $0 + $1.y } / Double(near.count)
    }
    steps = found.map(\.x)
    top = found.max { $0.y < $1.y } ?? found[0]
  }

  var first: Double { values[0] }
  var last: Double { values[values.count - 1] }

  /// `falls from 0.69 to 0.5`, `rises to 1.3 at 25, then falls to −4.2`, `stays near 0.2`.
  func words(unit: String = "", _ text: (Double) -> String = NumberText.short) -> String {
    let (low, high) = (values.min() ?? first, values.max() ?? first)
    let range = high - low
    func said(_ value: Double) -> String { text(value) + (unit.isEmpty ? "" : " \(unit)") }
    if range <= 0.04 * max(abs(low), abs(high)) || text(low) == text(high) {
      return "stays near \(said(last))"
    }
    // One step far above all others is no trend, and not to be smoothed away either.
    if top.y > 2 * high, top.y - high > range {
      return "spikes to \(said(top.y)) at \(NumberText.fixed(top.x, 0)) and ends at \(said(last))"
    }
    let peak = values.firstIndex(of: high) ?? 0
    let trough = values.firstIndex(of: low) ?? 0
    func at(_ index: Int) -> String { "at \(NumberText.fixed(steps[index], 0))" }
    if high - max(first, last) > 0.15 * range, high - max(first, last) >= min(first, last) - low {
      return "rises to \(said(high)) \(at(peak)), then falls to \(said(last))"
    }
    if min(first, last) - low > 0.15 * range {
      return "falls to \(said(low)) \(at(trough)), then rises to \(said(last))"
    }
    return "\(last > first ? "rises" : "falls") from \(said(first)) to \(said(last))"
  }

  /// `Score rises to …; gold falls to …`: both rewards in one sentence.
  static func rewards(score: [LineChart.Point], gold: [LineChart.Point], unit: String) -> String {
    func text(_ value: Double) -> String { NumberText.signed(value, 1) }
    let parts = [("score", score), ("gold", gold)].compactMap { name, points in
      Trend(points).map { trend in
        var trend = trend
        // The needles say where it ended; so does this.
        if let end = points.last?.y { trend.values[trend.values.count - 1] = end }
        return "\(name) \(trend.words(unit: unit, text))"
      }
    }
    return parts.joined(separator: "; ").sentenceCased
  }
}

extension String {
  /// With a capital first letter.
  var sentenceCased: String { prefix(1).uppercased() + dropFirst() }
}
