import Foundation

/// Stated probabilities against what came true, in bins of equal width (Guo et al. 2017).
package struct ReliabilityCurve: Sendable, Equatable {
  package struct Bin: Codable, Sendable, Equatable {
    /// Mean stated probability.
    package let predicted: Double
    /// How often it came true.
    package let observed: Proportion
  }

  /// Bins that hold something, from the least probable to the most.
  package let bins: [Bin]

  /// - Parameters:
  ///   - probabilities: predicted, in 0...1.
  ///   - outcomes: whether it came true.
  package init(_ probabilities: [Double], _ outcomes: [Bool], bins count: Int = 10) {
    precondition(probabilities.count == outcomes.count, "an outcome for every probability")
    var members = Array(repeating: [Int](), count: count)
    for (index, probability) in probabilities.enumerated() {
      members[min(count - 1, max(0, Int(probability * Double(count))))].append(index)
    }
    bins = members.filter { !$0.isEmpty }.map { members in
      Bin(
        predicted: Summary(members.map { probabilities[$0] }).mean,
        observed: Proportion(
          successes: Double(members.count { outcomes[$0] }), of: members.count))
    }
  }

  /// Expected calibration error: Σ (n_b / n) |frequency_b − mean p_b|; 0 without predictions.
  package var expectedError: Double {
    let total = bins.reduce(0) { $0 + $1.observed.count }
    let gaps = bins.reduce(0) {
      $0 + Double($1.observed.count) * abs($1.observed.value - $1.predicted)
    }
    return total == 0 ? 0 : gaps / Double(total)
  }
}

/// Counts in bins of equal width whose edges are multiples of it, so that 0 is an edge whenever
/// values lie on both sides of it and no bin mixes signs.
package struct Histogram: Codable, Sendable, Equatable {
  /// The lower edge of the first bin.
  package let lower: Double
  package let width: Double
  /// Values in `lower + k·width ..< lower + (k + 1)·width`.
  package let counts: [Int]
}

extension Histogram {
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
