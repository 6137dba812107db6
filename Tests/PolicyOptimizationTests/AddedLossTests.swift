import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@testable import RLHF

/// What is added to the policy loss: its sign, its weight and its mean over tokens.
@Suite struct AddedLossTests {
  /// Responses at T 0.7 to a policy that is not its reference.
  func collect(_ change: (inout PPOConfiguration) -> Void) throws -> (Experience, LanguageModel) {
    let policy = try makePolicy()
    let configuration = configured {
      $0.temperature = 0.7
      change(&$0)
    }
    let experience = try makeRollout(configuration, reference: try makePolicy(seed: 5)) {
      $0.map { Double($0.response.count { $0 == 3 }) }
    }.collect(
      policy: policy, value: makeValue(on: policy), prompts: makePrompts(8),
      using: SeededGenerator(seed: 14), coefficient: 0.3
    ).experience
    return (experience, policy)
  }

  /// The loss of one step over all episodes, while the policy is that which drew them.
  func loss(
    of experience: Experience, _ policy: LanguageModel, coefficient: Double? = nil,
    pretraining: [Exchange] = [], _ change: (inout PPOConfiguration) -> Void
  ) throws -> Double {
    let configuration = configured {
      ($0.epochs, $0.minibatches, $0.temperature) = (1, 1, 0.7)
      change(&$0)
    }
    var (experience, policy, value) = (experience, policy, makeValue(on: policy))
    experience.coefficient = coefficient ?? experience.coefficient
    var policyOptimizer = Optimizer(
      configuration.policyOptimizer, for: policy.parameters, stage: "policy", totalSteps: 1)
    var valueOptimizer = Optimizer(
      configuration.valueOptimizer, for: value.parameters, stage: "value", totalSteps: 1)
    return try PPOUpdate(configuration: configuration, workers: Workers(count: 2)).run(
      experience, policy: &policy, policyOptimizer: &policyOptimizer, value: &value,
      valueOptimizer: &valueOptimizer, using: SeededGenerator(seed: 15),
      pretraining: { _ in pretraining }
    ).policyLoss
  }

  func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  @Test(
    "a KL penalty is its mean over tokens times the β of the iteration",
    arguments: [KLEstimator.k2, .k3, .exact])
  func penalty(_ estimator: KLEstimator) throws {
    func penalize(_ configuration: inout PPOConfiguration) {
      (configuration.kl.placement, configuration.kl.estimator) = (.loss, estimator)
      configuration.kl.coefficient = 7  // the first β, which an adaptive controller has left
    }
    let (experience, policy) = try collect(penalize)
    let with = try loss(of: experience, policy, penalize)
    let without = try loss(of: experience, policy, coefficient: 0, penalize)
    let kl = mean(experience.episodes.flatMap(\.kl))
    #expect(kl > 0.1)
    #expect(abs(with - without - 0.3 * kl) < .decoderRounding)
  }

  @Test("the entropy bonus is subtracted: the mean entropy over tokens times its weight")
  func entropyBonus() throws {
    let (experience, policy) = try collect { _ in }
    let with = try loss(of: experience, policy) { $0.entropyBonus = 0.4 }
    let without = try loss(of: experience, policy) { _ in }
    let entropy = mean(experience.episodes.flatMap(\.entropies))
    #expect(entropy > 0.1)
    #expect(abs(without - with - 0.4 * entropy) < .decoderRounding)
  }

  @Test("the pretraining loss is the mean −log π of its tokens at T 1, times its weight")
  func pretraining() throws {
    let (experience, policy) = try collect { _ in }
    let texts = [
      Exchange(prompt: [1], response: [5, 6, 7, endOfSequence]),
      Exchange(prompt: [2, 3], response: [4]),
    ]
    let with = try loss(of: experience, policy, pretraining: texts) { $0.pretrainingWeight = 2.5 }
    let without = try loss(of: experience, policy) { _ in }
    let losses = policy.responseLogProbabilities(
      texts, temperature: 1, on: Tape(recording: false)
    ).logProbabilities.value.values.map { -Double($0) }
    #expect(abs(with - without - 2.5 * mean(losses)) < .decoderRounding)
  }

  @Test("without ratios, the loss is the mean of −A log π over tokens")
  func reinforce() throws {
    func choose(_ configuration: inout PPOConfiguration) { configuration.algorithm = .reinforce }
    let (experience, policy) = try collect(choose)
    let terms = experience.episodes.flatMap { zip($0.advantages, $0.logProbabilities) }
    let expected = -mean(terms.map { $0 * $1 })
    #expect(abs(expected) > 0.01)
    #expect(abs(try loss(of: experience, policy, choose) - expected) < .decoderRounding)
  }
}
