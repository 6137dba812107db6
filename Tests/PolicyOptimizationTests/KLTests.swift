import Foundation
import Numerics
import Settings
import Statistics
import TestSupport
import Testing

@testable import RLHF

@Suite struct KLTests {
  func distribution(_ generator: inout SeededGenerator) -> [Double] {
    let weights = generator.gaussians(7).map { exp($0) }
    return weights.map { $0 / weights.reduce(0, +) }
  }

  func estimate(_ estimator: KLEstimator, _ policy: Double, _ reference: Double) -> Double {
    estimator.estimate(logProbability: log(policy), reference: log(reference), exact: .nan)
  }

  @Test("k1 and k3 are unbiased, k2 is off by the amount that can be computed")
  func expectations() {
    var generator = SeededGenerator(seed: 5)
    for _ in 0..<20 {
      let (policy, reference) = (distribution(&generator), distribution(&generator))
      func mean(_ estimator: KLEstimator) -> Double {
        zip(policy, reference).reduce(0) { $0 + $1.0 * estimate(estimator, $1.0, $1.1) }
      }
      let kl = zip(policy, reference).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
      let halfSquare = zip(policy, reference).reduce(0) {
        $0 + $1.0 * pow(log($1.0) - log($1.1), 2) / 2
      }
      #expect(abs(mean(.k1) - kl) < .float64Rounding)
      #expect(abs(mean(.k3) - kl) < .float64Rounding)
      #expect(abs(mean(.k2) - halfSquare) < .float64Rounding)
      #expect(abs(halfSquare - kl) > 1e-6)
    }
  }

  @Test("each estimator is its formula in l = log π_ref − log π")
  func formulas() {
    for l in [-2.0, -0.3, 0, 0.4, 3] {
      func value(_ estimator: KLEstimator) -> Double {
        estimator.estimate(logProbability: -1.5, reference: -1.5 + l, exact: 0.75)
      }
      #expect(abs(value(.k1) + l) < .float64Rounding)
      #expect(abs(value(.k2) - l * l / 2) < .float64Rounding)
      #expect(abs(value(.k3) - (exp(l) - 1 - l)) < .float64Rounding)
      #expect(value(.k3) >= 0)
      #expect(value(.exact) == 0.75)
    }
  }

  @Test("k3 loses no digits near 0", arguments: [1e-8, -1e-8, 1e-6])
  func nearZero(l: Double) {
    let series = l * l / 2 + l * l * l / 6
    let value = KLEstimator.k3.estimate(logProbability: 0, reference: l, exact: 0)
    #expect(abs(value / series - 1) < .float32Rounding)
  }

  @Test("k1 in the loss, whose expected gradient is 0, is refused; the others are not")
  func refused() throws {
    for estimator in KLEstimator.allCases {
      let document = try SettingsDocument(
        yaml: "kl: {placement: loss, estimator: \(estimator.rawValue)}", file: "ppo.yaml")
      guard estimator == .k1 else {
        #expect(try document.read(PPOConfiguration.self).kl.placement == .loss)
        continue
      }
      let error = try #require(throws: SettingsError.self) {
        try document.read(PPOConfiguration.self)
      }
      #expect(error.path == "kl.estimator")
    }
  }

  @Test("adaptive β follows the formula, and its error is clipped on both sides")
  func adaptive() {
    var configuration = KLConfiguration()
    configuration.coefficient = 0.3
    configuration.controller = .adaptive
    configuration.target = 5
    configuration.horizon = 1_000
    for (kl, error) in [(5.5, 0.1), (4.75, -0.05), (60, 0.2), (0, -0.2), (5, 0)] {
      var controller = KLController(configuration)
      controller.update(kl: kl, episodes: 128)
      #expect(
        abs(controller.coefficient - 0.3 * (1 + error * 0.128)) < .float64Rounding, "KL \(kl)")
    }
    var controller = KLController(configuration)
    for _ in 0..<3 { controller.update(kl: 60, episodes: 500) }
    #expect(abs(controller.coefficient - 0.3 * 1.1 * 1.1 * 1.1) < .float64Rounding)
  }

  @Test("fixed β stays")
  func fixed() {
    var controller = KLController(KLConfiguration())
    controller.update(kl: 100, episodes: 1_000)
    #expect(controller.coefficient == KLConfiguration().coefficient)
  }

  @Test("the trainer moves adaptive β by the KL per response of each iteration")
  func controllerInTraining() throws {
    let configuration = configured {
      $0.iterations = 4
      $0.policyOptimizer.learningRate = 0.02
      $0.kl.controller = .adaptive
      $0.kl.target = 2.5
      $0.kl.horizon = 40
    }
    let reference = try makePolicy()
    var trainer = PPOTrainer(
      configuration, policy: try makePolicy(seed: 9), value: makeValue(on: reference),
      rollout: makeRollout(configuration, reference: reference), using: SeededGenerator(seed: 4))
    var expected = configuration.kl.coefficient
    var unclipped = 0
    try trainer.run { _, count in
      makePrompts(count)
    } report: { metrics, _, _ in
      let coefficient = try #require(metrics["kl/coefficient"])
      #expect(abs(coefficient - expected) < .float64Rounding)
      let error = try #require(metrics["objective/kl"]) / 2.5 - 1
      unclipped += abs(error) < 0.2 ? 1 : 0
      expected *= 1 + min(0.2, max(-0.2, error)) * 8 / 40
    }
    #expect(unclipped > 0, "or a wrong KL would be clipped to the same β")
  }
}
