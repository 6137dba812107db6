import Foundation

/// Counts in bins of equal width whose edges are multiples of it, so that 0 is an edge whenever
/// values lie on both sides of it and no bin mixes signs.
package struct Histogram: Codable, Sendable, Equatable {
  /// The lower edge of the first bin.
  package let lower: Double
  package let width: Double
  /// Values in `lower + k·width ..< lower + (k + 1)·width`.
  package let counts: [Int]

  package init(lower: Double, width: Double, counts: [Int]) {
    (self.lower, self.width, self.counts) = (lower, width, counts)
  }

  /// - Parameters:
  ///   - values: finite ones; others are left out.
  ///   - bins: about how many.
  package init(_ values: some Collection<Double>, bins: Int = 24) {
    let finite = values.filter { abs($0) < 1e300 }
    guard let least = finite.min(), let greatest = finite.max() else {
      (lower, width, counts) = (0, 1, [])
      return
    }
    let spread = greatest - least
    let width = spread > abs(greatest) * 1e-9 ? spread / Double(bins) : max(1, abs(greatest))
    let first = (least / width).rounded(.down)
    let last = (greatest / width).rounded(.down)
    var counts = Array(repeating: 0, count: Int(last - first) + 1)
    for value in finite { counts[Int((value / width).rounded(.down) - first)] += 1 }
    (lower, self.width, self.counts) = (first * width, width, counts)
  }
}
