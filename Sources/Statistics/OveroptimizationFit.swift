import Foundation

/// A value with its 95 % interval.
package struct Estimate: Sendable, Equatable {
  package let value: Double
  package let low: Double
  package let high: Double

  package init(value: Double, low: Double, high: Double) {
    (self.value, self.low, self.high) = (value, low, high)
  }
}

extension Estimate {
  /// The mean of a few independent values, such as one for every seed, by Student's t; nil for fewer
  /// than two.
  package init?(meanOf values: [Double]) {
    guard values.count > 1 else { return nil }
    let summary = Summary(values)
    let half =
      studentQuantile(values.count - 1) * summary.standardDeviation
      / Double(values.count).squareRoot()
    self.init(value: summary.mean, low: summary.mean - half, high: summary.mean + half)
  }
}

/// The 97.5 % quantile of Student's t with so many degrees of freedom: by table up to ten, beyond by
/// Cornish and Fisher's expansion, with an error below 0.0001.
package func studentQuantile(_ degrees: Int) -> Double {
  let table = [
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281,
  ]
  precondition(degrees > 0, "\(degrees) degrees of freedom")
  if degrees <= table.count { return table[degrees - 1] }
  let (z, n) = (1.959964, Double(degrees))
  let (z3, z5, z7) = (pow(z, 3), pow(z, 5), pow(z, 7))
  return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n)
    + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n)
}

/// A least-squares fit of reward over the distance d = √KL from the reference (Gao, Schulman and Hilton
/// 2022, arXiv 2210.10760): reward is 0 at d = 0, rises with α, and β bends it down.
package struct OveroptimizationFit: Sendable {
  package enum Form: Sendable, CaseIterable {
    /// d(α − β d), which they found for best-of-n.
    case linear
    /// d(α − β log d), which they found for reinforcement learning.
    case logarithmic

    /// What β is multiplied by.
    func bend(_ d: Double) -> Double {
      switch self {
      case .linear: d * d
      case .logarithmic: d > 0 ? d * log(d) : 0
      }
    }
  }

  package let form: Form
  package let alpha: Estimate
  package let beta: Estimate
  /// Σ (reward − fit)²
  package let squaredError: Double
  package let count: Int

  /// Akaike's information criterion with Gaussian errors, n log(Σe²/n) + 2·3, up to a constant that all
  /// fits of the same data share.
  package var informationCriterion: Double {
    Double(count) * log(max(squaredError, .leastNormalMagnitude) / Double(count)) + 6
  }

  /// Where the reward is highest, by the delta method; nil where the data show no peak: β may be 0 or less, or
  /// the peak lies outside the distances seen, of which the fit knows nothing.
  package let peak: Estimate?

  /// - Parameters:
  ///   - distances: √KL of each point, 0 or more.
  ///   - rewards: minus that of the reference.
  /// - Returns: nil for fewer than four points, or points that do not tell α from β.
  package init?(_ form: Form, distances: [Double], rewards: [Double]) {
    precondition(distances.count == rewards.count, "a fit needs pairs")
    let points = zip(distances, rewards).filter { $0.isFinite && $1.isFinite && $0 >= 0 }
    guard points.count > 3 else { return nil }
    // Normal equations of r = α x + β y with x = d and y = −bend(d).
    var (xx, xy, yy, xr, yr) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for (d, r) in points {
      let (x, y) = (d, -form.bend(d))
      xx += x * x
      xy += x * y
      yy += y * y
      xr += x * r
      yr += y * r
    }
    let determinant = xx * yy - xy * xy
    guard determinant > 1e-12 * xx * yy else { return nil }
    let a = (xr * yy - yr * xy) / determinant
    let b = (yr * xx - xr * xy) / determinant
    squaredError = points.reduce(0) { sum, point in
      let error = point.1 - (a * point.0 - b * form.bend(point.0))
      return sum + error * error
    }
    count = points.count
    let scale = squaredError / Double(count - 2) / determinant
    let quantile = studentQuantile(count - 2)
    func estimate(_ value: Double, variance: Double) -> Estimate {
      let half = quantile * (scale * variance).squareRoot()
      return Estimate(value: value, low: value - half, high: value + half)
    }
    self.form = form
    alpha = estimate(a, variance: yy)
    beta = estimate(b, variance: xx)
    // The derivatives of the peak by α and β.
    let (top, byAlpha, byBeta) =
      switch form {
      case .linear: (a / (2 * b), 1 / (2 * b), -a / (2 * b * b))
      case .logarithmic: (exp(a / b - 1), exp(a / b - 1) / b, -exp(a / b - 1) * a / (b * b))
      }
    let seen = points.map(\.0).filter { $0 > 0 }
    let isSeen = top >= seen.min() ?? .infinity && top <= seen.max() ?? 0
    peak =
      beta.low > 0 && isSeen
      ? estimate(
        top,
        variance: byAlpha * byAlpha * yy - 2 * byAlpha * byBeta * xy + byBeta * byBeta * xx)
      : nil
  }
}
