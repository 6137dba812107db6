import Foundation
import LanguageModels
package import Numerics
import RLHF
import Statistics

/// The finite-difference checks of every operation of the tape and of every loss.
package enum GradientChecks {
  static var operations: [any DifferentiableOperation.Type] {
    AutodiffOperations.all + TransformerOperations.all
  }

  package static var all: [GradientCheck] {
    operations.flatMap { $0.gradientChecks } + RewardModelLosses.gradientChecks
      + PPOLosses.gradientChecks + DPOLosses.gradientChecks
  }
}

/// Something that must hold on this machine whatever the weights, and how far it is from holding.
package struct Invariant: Sendable {
  package let name: String
  /// The largest error that rounding explains.
  package let tolerance: Double
  package let largestError: Double

  var holds: Bool { largestError <= tolerance }

  /// Measures every invariant on small random models of every family.
  package static func all(workers: Workers) throws -> [Invariant] {
    try DecoderConfiguration.Family.allCases.flatMap { family in
      try InvariantSubject(family, workers: workers).invariants()
    }
  }
}

/// A policy and a reward model with random weights, and responses of the policy.
private struct InvariantSubject {
  let family: DecoderConfiguration.Family
  let policy: LanguageModel
  let reward: RewardModel
  let exchanges: [Exchange]
  let sampled: [Double]  // log-probabilities as the sampler gave them, all responses in a row
  let workers: Workers

  init(_ family: DecoderConfiguration.Family, workers: Workers) throws {
    self.family = family
    self.workers = workers
    var shape = DecoderConfiguration(family)
    shape.vocabularySize = 40
    if shape.norm == .rms { shape.keyValueHeads = 2 }
    var generator = SeededGenerator(seed: 3)
    policy = try LanguageModel(shape, using: &generator)
    reward = RewardModel(
      model: ScalarModel(
        trunkOf: policy, head: ScalarModel.rewardHead(width: shape.width, using: &generator)),
      specialTokens: SpecialTokens(endOfSequence: 1, padding: 0))
    // Every prompt twice, so that some are shared, and of different lengths.
    let prompts = (0..<16).map { index -> [Int32] in
      let length = Int32(1 + index / 2)
      return (0..<length).map { 3 + ($0 * 7) % 37 }
    }
    var options = SamplingOptions()
    options.maximumTokens = 24
    let responses = try Sampler(options, endOfSequence: 1).responses(
      from: policy, to: prompts,
      generators: prompts.indices.map { generator.stream("response", $0) }, workers: workers)
    exchanges = zip(prompts, responses).map { Exchange(prompt: $0, response: $1.tokens) }
    sampled = responses.flatMap { $0.logProbabilities.map(Double.init) }
  }

  func invariants() throws -> [Invariant] {
    let trained = logProbabilities()
    let comparison = DistributionComparison(
      policy: policy, reference: policy, temperature: 1
    ).compare(exchanges)
    let judged = comparison.flatMap { $0.logProbabilities.map(Double.init) }
    let alone = try exchanges.flatMap { try reward.rewards([$0], workers: workers) }
    let single = Workers(count: 1)
    return [
      invariant("cached logits = uncached logits", 1e-4, largest(sampled, trained)),
      invariant(
        "PPO's ratio = 1 before the first update", 1e-4,
        largest(zip(trained, judged).map { exp($0 - $1) }, trained.map { _ in 1 })),
      invariant(
        "KL(π ‖ π) = 0", 1e-5,
        Double(comparison.flatMap(\.exactKL).map(abs).max() ?? .infinity)),
      invariant(
        "reward of a shared prompt = alone", 1e-4,
        largest(try reward.rewards(exchanges, workers: workers), alone)),
      invariant(
        "rewards at \(workers.count) threads = at 1, to the bit", 0,
        largest(
          try reward.rewards(exchanges, workers: workers),
          try reward.rewards(exchanges, workers: single))),
    ]
  }

  /// As training computes them.
  private func logProbabilities() -> [Double] {
    policy.responseLogProbabilities(exchanges, temperature: 1, on: Tape(recording: true))
      .logProbabilities.value.values.map(Double.init)
  }

  private func largest(_ left: [Double], _ right: [Double]) -> Double {
    guard left.count == right.count else { return .infinity }
    return zip(left, right).reduce(0) {
      let difference = abs($1.0 - $1.1)
      return difference.isNaN ? .infinity : max($0, difference)
    }
  }

  private func invariant(_ name: String, _ tolerance: Double, _ error: Double) -> Invariant {
    Invariant(name: "\(family.rawValue): \(name)", tolerance: tolerance, largestError: error)
  }
}
