/// Stated probabilities against what came true, in bins of equal width (Guo et al. 2017).
package struct ReliabilityCurve: Sendable, Equatable {
  package struct Bin: Sendable, Equatable {
    /// Bounds of the stated probability; the upper one belongs to the next bin.
    package let low: Double
    package let high: Double
    /// Mean stated probability.
    package let predicted: Double
    /// How often it came true.
    package let observed: Proportion

    package var count: Int { observed.count }
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
    bins = members.enumerated().filter { !$0.element.isEmpty }.map { bin, members in
      Bin(
        low: Double(bin) / Double(count), high: Double(bin + 1) / Double(count),
        predicted: Summary(members.map { probabilities[$0] }).mean,
        observed: Proportion(
          successes: Double(members.count { outcomes[$0] }), of: members.count))
    }
  }

  /// Expected calibration error: Σ (n_b / n) |frequency_b − mean p_b|; 0 without predictions.
  package var expectedError: Double {
    let total = bins.reduce(0) { $0 + $1.count }
    let gaps = bins.reduce(0) { $0 + Double($1.count) * abs($1.observed.value - $1.predicted) }
    return total == 0 ? 0 : gaps / Double(total)
  }
}
