/// Stated probabilities against what came true, in bins of equal width (Guo et al. 2017).
package struct ReliabilityCurve: Sendable, Equatable {
  package struct Bin: Codable, Sendable, Equatable {
    /// Mean stated probability.
    package let predicted: Double
    /// How often it came true.
    package let observed: Proportion

    package init(predicted: Double, observed: Proportion) {
      (self.predicted, self.observed) = (predicted, observed)
    }
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
