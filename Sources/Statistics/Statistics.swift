import Foundation

/// Mean and spread of a sample.
package struct Summary: Codable, Sendable, Equatable {
  package let mean: Double
  /// The standard deviation of the sample (n − 1); 0 for fewer than two values.
  package let standardDeviation: Double
  package let count: Int

  /// Half of the 95 % interval of the mean, 1.96 sd / √n.
  package var halfInterval: Double {
    1.96 * standardDeviation / Double(max(1, count)).squareRoot()
  }

  private enum CodingKeys: String, CodingKey {
    case mean
    case standardDeviation = "sd"
    case count = "n"
  }
}

extension Summary {
  package init(_ values: some Collection<Double>) {
    count = values.count
    let mean = values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count)
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    self.mean = mean
    standardDeviation = values.count < 2 ? 0 : (squares / Double(values.count - 1)).squareRoot()
  }
}

extension [Double] {
  /// The mean of each value with those up to `reach` before and after it, so that one step's luck is no
  /// trend; fewer at the ends.
  package func movingMeans(reach: Int = 2) -> [Double] {
    indices.map { Summary(self[Swift.max(0, $0 - reach)...Swift.min(count - 1, $0 + reach)]).mean }
  }
}

/// A proportion with its 95 % Wilson score interval (Wilson 1927).
package struct Proportion: Codable, Sendable, Equatable {
  package let value: Double
  package let low: Double
  package let high: Double
  package let count: Int

  private enum CodingKeys: String, CodingKey {
    case value, low, high
    case count = "n"
  }
}

extension Proportion {
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

  /// The share of numbers above 0, where 0 counts as half.
  package init(ofPositive numbers: some Collection<Double>) {
    self.init(
      successes: numbers.reduce(0) { $0 + ($1 > 0 ? 1 : $1 == 0 ? 0.5 : 0) }, of: numbers.count)
  }
}

/// A mean with its 95 % interval: mean ± 1.96 standard errors, for samples of dozens and more.
package struct MeanInterval: Codable, Sendable, Equatable {
  package let mean: Double
  package let low: Double
  package let high: Double
}

extension MeanInterval {
  package init(_ values: some Collection<Double>) {
    let summary = Summary(values)
    let half = 1.959964 * summary.standardDeviation / Double(max(1, summary.count)).squareRoot()
    (mean, low, high) = (summary.mean, summary.mean - half, summary.mean + half)
  }
}

/// Pearson's correlation; 0 when either side does not vary.
package func correlation(_ a: [Double], _ b: [Double]) -> Double {
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

/// Spearman's rank correlation: Pearson's of the ranks, equal values sharing their mean rank.
package func rankCorrelation(_ a: [Double], _ b: [Double]) -> Double {
  correlation(ranks(a), ranks(b))
}

/// How often two judges prefer the same of two responses, over all pairs of judges; nil without margins.
///
/// - Parameter margins: one row for two responses: by how much each judge prefers the first. A judge who
///   prefers neither agrees with nobody.
package func preferenceAgreement(_ margins: [[Double]]) -> Double? {
  var (same, count) = (0, 0)
  for row in margins {
    for second in row.indices {
      for first in 0..<second {
        same += row[first] * row[second] > 0 ? 1 : 0
        count += 1
      }
    }
  }
  return count > 0 ? Double(same) / Double(count) : nil
}

/// The area under the receiver operating characteristic: the probability that a value with a true label
/// is above one with a false label, ties half (Mann and Whitney 1947); nil where all labels are alike.
package func areaUnderCurve(_ values: [Double], _ labels: [Bool]) -> Double? {
  let positives = Double(labels.count { $0 })
  let negatives = Double(labels.count) - positives
  guard positives > 0, negatives > 0 else { return nil }
  let sum = zip(ranks(values), labels).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }
  return (sum - positives * (positives - 1) / 2) / (positives * negatives)
}

/// The rank of every value from 0; equal values get the mean of their places.
private func ranks(_ values: [Double]) -> [Double] {
  let order = values.indices.sorted { values[$0] < values[$1] }
  var ranks = Array(repeating: 0.0, count: values.count)
  var start = 0
  while start < order.count {
    var end = start + 1
    while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
    for place in start..<end { ranks[order[place]] = Double(start + end - 1) / 2 }
    start = end
  }
  return ranks
}

/// log(1 + e^x) without overflow.
package func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }

/// 1 / (1 + e^−x)
package func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
