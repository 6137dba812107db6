import Foundation
import Statistics
import Testing

/// Fits of reward over √KL, against numpy's `linalg.lstsq` and scipy's `stats.t`.
@Suite struct OveroptimizationFitTests {
  private let distances = [0, 0.5, 1, 1.5, 2, 2.5, 3]
  private let rewards = [0.02, 0.61, 0.94, 1.22, 1.18, 1.09, 0.75]

  private func isNear(_ a: Double, _ b: Double, _ tolerance: Double = 1e-7) -> Bool {
    abs(a - b) <= tolerance * max(1, abs(b))
  }

  @Test("coefficients, intervals and criterion of both forms are those of numpy")
  func forms() throws {
    let linear = try #require(
      OveroptimizationFit(.linear, distances: distances, rewards: rewards))
    #expect(isNear(linear.alpha.value, 1.33064732) && isNear(linear.beta.value, 0.3603125))
    // The table of t has four decimals.
    #expect(isNear(linear.alpha.low, 1.2575455, 1e-5) && isNear(linear.alpha.high, 1.4037491, 1e-5))
    #expect(isNear(linear.beta.low, 0.3310718, 1e-5) && isNear(linear.beta.high, 0.3895532, 1e-5))
    #expect(isNear(linear.squaredError, 0.0055738839) && linear.count == 7)
    #expect(isNear(linear.informationCriterion, -43.949013260))
    let highest = try #require(linear.peak)
    #expect(isNear(highest.value, 1.33064732 / (2 * 0.3603125)))
    // By the delta method, with numerical derivatives of the peak and numpy's covariance.
    #expect(isNear(highest.low, 1.7892561, 1e-5) && isNear(highest.high, 1.9037807, 1e-5))
    let bent = try #require(
      OveroptimizationFit(.logarithmic, distances: distances, rewards: rewards))
    #expect(isNear(bent.alpha.value, 1.01394554) && isNear(bent.beta.value, 0.66178552))
    #expect(isNear(bent.alpha.low, 0.8593013, 1e-5) && isNear(bent.beta.high, 0.8331745, 1e-5))
    #expect(isNear(bent.informationCriterion, -28.015097129))
    // The derivative α − β (log d + 1) is 0 there.
    let peak = try #require(bent.peak)
    #expect(isNear(peak.value, 1.7025654))
    #expect(isNear(peak.low, 1.3651886, 1e-5) && isNear(peak.high, 2.0399422, 1e-5))
  }

  @Test("exact data give their coefficients back, and a reward that never falls has no peak")
  func exact() throws {
    let fit = try #require(
      OveroptimizationFit(
        .linear, distances: distances, rewards: distances.map { $0 * (2 + 0.5 * $0) }))
    #expect(isNear(fit.alpha.value, 2) && isNear(fit.beta.value, -0.5) && fit.peak == nil)
  }

  @Test("a peak beyond the distances seen is none")
  func unseenPeak() throws {
    for (bend, peak) in [(0.5, 2.0), (0.1, nil)] as [(Double, Double?)] {
      let rewards = distances.map { $0 * (2 - bend * $0) }
      let fit = try #require(
        OveroptimizationFit(.linear, distances: distances, rewards: rewards))
      #expect((fit.peak == nil) == (peak == nil))
      if let peak { #expect(isNear(fit.peak?.value ?? 0, peak)) }
    }
    // d(−8 − 0.7 log d) only falls where it was seen: its peak is at exp(−8 / 0.7 − 1).
    let rewards = distances.map { $0 > 0 ? $0 * (-8 - 0.7 * log($0)) : 0 }
    let fit = try #require(
      OveroptimizationFit(.logarithmic, distances: distances, rewards: rewards))
    #expect(isNear(fit.alpha.value, -8, 1e-6) && fit.peak == nil)
  }

  @Test("there is no peak where β may be 0, though the curve turns within what was seen")
  func uncertainPeak() throws {
    let distances = [0, 0.5, 1, 1.5, 2, 2.5]
    let noise = [0, 0.6, -0.6, 0.6, -0.6, 0.6]
    let rewards = zip(distances, noise).map { $0 * (2 - 0.5 * $0) + $1 }
    let fit = try #require(OveroptimizationFit(.linear, distances: distances, rewards: rewards))
    #expect(isNear(fit.alpha.value / (2 * fit.beta.value), 2.36576) && fit.beta.low < 0)
    #expect(fit.peak == nil)
  }

  @Test("too few points, or points of one distance, give no fit")
  func degenerate() {
    #expect(OveroptimizationFit(.linear, distances: [0, 1, 2], rewards: [0, 1, 2]) == nil)
    #expect(
      OveroptimizationFit(.linear, distances: [1, 1, 1, 1], rewards: [1, 2, 1, 2]) == nil)
    #expect(
      OveroptimizationFit(.linear, distances: [0, 0, 0, 0], rewards: [1, 2, 1, 2]) == nil)
    #expect(
      OveroptimizationFit(.linear, distances: [.nan, 1, 2, 3], rewards: [1, 2, 1, 2]) == nil)
  }

  @Test("quantiles of Student's t")
  func student() throws {
    for (degrees, value) in [
      (1, 12.7062047), (5, 2.5705818), (10, 2.2281389), (11, 2.2009852), (12, 2.1788128),
      (30, 2.0422725), (100, 1.9839715),
    ] { #expect(isNear(studentQuantile(degrees), value, 1e-4), "\(degrees)") }
    let estimate = try #require(Estimate(meanOf: [1, 2, 3]))
    // 2 ± 4.3027 · 1 / √3
    #expect(isNear(estimate.value, 2) && isNear(estimate.high, 4.484164, 1e-5))
    #expect(Estimate(meanOf: [1]) == nil)
  }
}
