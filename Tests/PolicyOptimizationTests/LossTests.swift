import Foundation
import Numerics
import Statistics
import TestSupport
import Testing

@testable import RLHF

@Suite struct LossTests {
  @Test(
    "gradients of every loss agree with finite differences",
    arguments: PPOLosses.gradientChecks + DPOLosses.gradientChecks)
  func gradients(_ check: GradientCheck) {
    #expect(check.largestError() < GradientCheck.tolerance, "\(check.name)")
  }

  /// max(−A r, −A clip(r, 1 ± ε))
  func policyTwin(_ new: Double, _ old: Double, _ advantage: Double, _ range: Double) -> Double {
    let ratio = exp(new - old)
    let clipped = ratio < 1 - range ? 1 - range : ratio > 1 + range ? 1 + range : ratio
    return -min(advantage * ratio, advantage * clipped)
  }

  /// ½ max((V − R)², (clip(V, V_old ± ε) − R)²)
  func valueTwin(_ new: Double, _ old: Double, _ target: Double, _ range: Double) -> Double {
    let move = new - old
    let clipped = old + (move < -range ? -range : move > range ? range : move)
    return max(pow(new - target, 2), pow(clipped - target, 2)) / 2
  }

  /// Float32 numbers as the Float64 numbers that they are.
  func draws(_ count: Int, _ generator: inout SeededGenerator) -> [Double] {
    generator.gaussians(count).map { Double(Float($0)) }
  }

  @Test("the policy loss, its derivatives and its ratios are those of plain loops")
  func policyLoss() {
    var generator = SeededGenerator(seed: 31)
    let count = 200
    let (new, noise) = (draws(count, &generator), draws(count, &generator))
    let old = zip(new, noise).map { $0 + 0.4 * $1 }
    let advantages = draws(count, &generator)
    let tape = Tape(recording: true)
    let leaf = tape.leaf(Tensor(new.map { Float($0) }))
    let (loss, ratios) = tape.clippedPolicyLoss(
      leaf, old: old, advantages: advantages, clip: 0.8...1.2, weight: 0.005)
    let derivatives = tape.gradients(of: loss, leaves: [leaf])[0].values.map(Double.init)

    func twin(_ index: Int, moved: Double = 0) -> Double {
      policyTwin(new[index] + moved, old[index], advantages[index], 0.2)
    }
    let total = (0..<count).reduce(0) { $0 + twin($1) }
    #expect(abs(Double(loss.value[0]) - 0.005 * total) < .decoderRounding)
    let differences = (0..<count).map {
      0.005 * (twin($0, moved: 1e-6) - twin($0, moved: -1e-6)) / 2e-6
    }
    #expect(isClose(derivatives, differences, within: .float32Rounding))
    let logRatios = zip(new, old).map { $0 - $1 }
    let clipped = differences.count { $0 == 0 }
    #expect(ratios.clipped == clipped && (20..<120).contains(clipped))
    #expect(abs(ratios.largest - exp(logRatios.max() ?? 0)) < .float64Solutions)
    let approximateKL = logRatios.reduce(0) { $0 + exp($1) - 1 - $1 }
    #expect(abs(ratios.approximateKL - approximateKL) < .float64Solutions)
  }

  @Test("the dual clip bounds what a bad token can cost, and nothing else")
  func dualClip() {
    var generator = SeededGenerator(seed: 33)
    let count = 200
    let (new, noise) = (draws(count, &generator), draws(count, &generator))
    let old = zip(new, noise).map { $0 + $1 }
    let advantages = draws(count, &generator)
    func twin(_ index: Int, moved: Double = 0) -> Double {
      let loss = policyTwin(new[index] + moved, old[index], advantages[index], 0.2)
      return advantages[index] < 0 ? min(loss, -1.5 * advantages[index]) : loss
    }
    let tape = Tape(recording: true)
    let leaf = tape.leaf(Tensor(new.map { Float($0) }))
    let loss = tape.clippedPolicyLoss(
      leaf, old: old, advantages: advantages, clip: 0.8...1.2, dualClip: 1.5, weight: 0.005
    ).loss
    let derivatives = tape.gradients(of: loss, leaves: [leaf])[0].values.map(Double.init)
    #expect(
      abs(Double(loss.value[0]) - 0.005 * (0..<count).reduce(0) { $0 + twin($1) })
        < .decoderRounding)
    let differences = (0..<count).map {
      0.005 * (twin($0, moved: 1e-6) - twin($0, moved: -1e-6)) / 2e-6
    }
    #expect(isClose(derivatives, differences, within: .float32Rounding))
    let bounded = (0..<count).count { advantages[$0] < 0 && exp(new[$0] - old[$0]) > 1.5 }
    #expect(bounded > 10, "the draws reach the dual clip")
  }

  @Test("the value loss and its derivatives are those of plain loops")
  func valueLoss() {
    var generator = SeededGenerator(seed: 32)
    let count = 200
    let (new, noise) = (draws(count, &generator), draws(count, &generator))
    let old = zip(new, noise).map { $0 + 0.4 * $1 }
    let returns = draws(count, &generator)
    let tape = Tape(recording: true)
    let leaf = tape.leaf(Tensor(new.map { Float($0) }))
    let (loss, clipped) = tape.clippedValueLoss(
      leaf, old: old, returns: returns, clipRange: 0.3, weight: 0.005)
    let derivatives = tape.gradients(of: loss, leaves: [leaf])[0].values.map(Double.init)

    func twin(_ index: Int, moved: Double = 0) -> Double {
      valueTwin(new[index] + moved, old[index], returns[index], 0.3)
    }
    let total = (0..<count).reduce(0) { $0 + twin($1) }
    #expect(abs(Double(loss.value[0]) - 0.005 * total) < .decoderRounding)
    let differences = (0..<count).map {
      0.005 * (twin($0, moved: 1e-6) - twin($0, moved: -1e-6)) / 2e-6
    }
    #expect(isClose(derivatives, differences, within: .float32Rounding))
    let still = differences.count { $0 == 0 }
    #expect(clipped == still && (20..<120).contains(still))
  }
}
