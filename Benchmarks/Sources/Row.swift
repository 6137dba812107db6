import Experiments
import Foundation

/// A line of the table.
struct Row: CustomStringConvertible {
  static let header =
    columns("", "a run", "rate", "in products", "of baseline")

  let description: String

  init(_ benchmark: Microbenchmark, _ measurement: Measurement, baseline: Double?) {
    let rate = benchmark.amount / measurement.seconds
    description = Self.columns(
      benchmark.name, String(format: "%.1f µs", measurement.seconds * 1e6),
      Self.scaled(rate) + benchmark.unit.rawValue + "/s",
      String(format: "%.4g", measurement.relative),
      baseline.map { String(format: "%.2f ×", measurement.relative / $0) } ?? "–")
  }

  private static func scaled(_ rate: Double) -> String {
    for (size, prefix) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] where rate >= size {
      return String(format: "%.1f %@", rate / size, prefix)
    }
    return String(format: "%.1f ", rate)
  }

  private static func columns(_ name: String, _ figures: String...) -> String {
    let cells = zip(figures, [12, 18, 12, 12]).map { text, width in
      String(repeating: " ", count: max(1, width - text.count)) + text
    }
    return name.padding(toLength: 38, withPad: " ", startingAt: 0) + cells.joined()
  }
}
