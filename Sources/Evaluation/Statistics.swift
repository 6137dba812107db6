import Foundation

/// Mean and spread of a sample.
package struct Summary: Sendable, Equatable {
  package let mean: Double
  /// The standard deviation of the sample (n − 1); 0 for fewer than two values.
  package let standardDeviation: Double
  package let count: Int

  package init(_ values: some Collection<Double>) {
    count = values.count
    let mean = values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    self.mean = mean
    standardDeviation = values.count < 2 ? 0 : (squares / Double(values.count - 1)).squareRoot()
  }
}

/// A proportion with its 95 % Wilson score interval (Wilson 1927).
package struct Proportion: Sendable, Equatable {
  package let value: Double
  package let low: Double
  package let high: Double
  package let count: Int

  /// - Parameters:
  ///   - successes: may be halves, where a tie counts as half.
  ///   - count: trials; with none, the interval is 0 to 1.
  package init(successes: Double, of count: Int) {
    self.count = count
    guard count > 0 else {
      (value, low, high) = (0, 0, 1)
      return
    }
    let z = 1.959964
    let n = Double(count)
    let p = successes / n
    let center = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    (value, low, high) = (p, max(0, center - half), min(1, center + half))
  }
}

package enum Statistics {
  /// Pearson's correlation; 0 when either side does not vary.
  package static func correlation(_ a: [Double], _ b: [Double]) -> Double {
    precondition(a.count == b.count, "a correlation needs pairs")
    let (meanA, meanB) = (Summary(a).mean, Summary(b).mean)
    var (product, squareA, squareB) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      product += (x - meanA) * (y - meanB)
      squareA += (x - meanA) * (x - meanA)
      squareB += (y - meanB) * (y - meanB)
    }
    return squareA > 0 && squareB > 0 ? product / (squareA * squareB).squareRoot() : 0
  }

  /// Expected calibration error (Guo et al. 2017): Σ (n_b / n) |frequency_b − mean p_b| over bins
  /// of equal width.
  ///
  /// - Parameters:
  ///   - probabilities: predicted, in 0...1.
  ///   - outcomes: whether it came true.
  package static func expectedCalibrationError(
    _ probabilities: [Double], _ outcomes: [Bool], bins: Int = 10
  ) -> Double {
    var count = Array(repeating: 0.0, count: bins)
    var predicted = count
    var observed = count
    for (probability, outcome) in zip(probabilities, outcomes) {
      let bin = min(bins - 1, max(0, Int(probability * Double(bins))))
      count[bin] += 1
      predicted[bin] += probability
      observed[bin] += outcome ? 1 : 0
    }
    let gaps = (0..<bins).reduce(0) { $0 + abs(observed[$1] - predicted[$1]) }
    return probabilities.isEmpty ? 0 : gaps / Double(probabilities.count)
  }

  /// log(1 + e^x) without overflow.
  package static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

  /// 1 / (1 + e^−x)
  package static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
}
