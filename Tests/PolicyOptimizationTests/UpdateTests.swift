import Foundation
import LanguageModels
import Numerics
import Settings
import Statistics
import TestSupport
import Testing

@testable import RLHF

@Suite struct UpdateTests {
  func collect(
    _ configuration: PPOConfiguration, _ policy: LanguageModel, reference: LanguageModel? = nil
  ) throws -> Experience {
    let rollout = makeRollout(configuration, reference: try reference ?? makePolicy(seed: 5)) {
      $0.map { Double($0.response.count { $0 == 3 }) }
    }
    return try rollout.collect(
      policy: policy, value: makeValue(on: policy), prompts: makePrompts(configuration.episodes),
      using: SeededGenerator(seed: 14), coefficient: 0.2
    ).experience
  }

  @Test(
    "before the first update every ratio is 1 and the approximate KL is 0",
    arguments: [0.7, 1, 1.3])
  func firstRatios(temperature: Double) throws {
    let configuration = configured { $0.temperature = temperature }
    let policy = try makePolicy()
    let experience = try collect(configuration, policy)
    let (logProbabilities, logits) = policy.responseLogProbabilities(
      experience.episodes.map(\.exchange), temperature: temperature, on: Tape(recording: false))
    let now = logProbabilities.value.values
    let rounding = ratioRounding(logits.value.values, temperature: temperature)
    let old = experience.episodes.flatMap(\.logProbabilities)
    #expect(zip(now, old).allSatisfy { abs(exp(Double($0) - $1) - 1) < rounding })
    let update = PPOUpdate(configuration: configuration, workers: Workers(count: 2))
    let ratios = try update.policyGradients(
      of: policy, on: experience.episodes
    ).statistics.ratios
    #expect(abs(ratios.largest - 1) < rounding)
    #expect(abs(ratios.approximateKL) / Double(experience.tokens) < rounding * rounding)
    #expect(ratios.clipped == 0)
  }

  @Test("the first minibatch's gradient is the plain policy gradient Σ A ∇ log π")
  func plainPolicyGradient() throws {
    let configuration = configured { $0.temperature = 0.7 }
    let policy = try makePolicy()
    let experience = try collect(configuration, policy)
    let episodes = Array(experience.episodes.prefix(4))
    let tokens = Double(episodes.reduce(0) { $0 + $1.length })
    let update = PPOUpdate(configuration: configuration, workers: Workers(count: 2))
    let gradients = try update.policyGradients(of: policy, on: episodes).gradients

    let tape = Tape(recording: true)
    let logProbabilities = policy.responseLogProbabilities(
      episodes.map(\.exchange), temperature: 0.7, on: tape
    ).logProbabilities
    let weights = episodes.flatMap(\.advantages).map { Float(-$0 / tokens) }
    let objective = tape.weightedSum(logProbabilities, weights: Tensor(weights))
    let plain = tape.gradients(of: objective, parameterCount: policy.parameters.count)
    for (index, name) in policy.parameters.names.enumerated() {
      let ours = try #require(gradients.tensors[index]).values.map(Double.init)
      let theirs = try #require(plain.tensors[index]).values.map(Double.init)
      #expect(isClose(ours, theirs, within: .float32Sums), "\(name)")
      #expect(theirs.contains { abs($0) > 1e-4 }, "\(name) has a gradient to compare")
    }
  }

  @Test("an update takes epochs × minibatches steps and sees every episode once per epoch")
  func steps() throws {
    let configuration = configured {
      $0.episodes = 12
      $0.epochs = 3
      $0.minibatches = 4
    }
    var policy = try makePolicy()
    var value = makeValue(on: policy)
    let experience = try collect(configuration, policy)
    var policyOptimizer = Optimizer(
      configuration.policyOptimizer, for: policy.parameters, stage: "policy", totalSteps: 12)
    var valueOptimizer = Optimizer(
      configuration.valueOptimizer, for: value.parameters, stage: "value", totalSteps: 12)
    let statistics = try PPOUpdate(configuration: configuration, workers: Workers(count: 1)).run(
      experience, policy: &policy, policyOptimizer: &policyOptimizer, value: &value,
      valueOptimizer: &valueOptimizer, using: SeededGenerator(seed: 15))
    #expect(statistics.steps == 12)
    #expect(statistics.tokens == 3 * experience.tokens)
    // Both rates have gone linearly to 0 after exactly so many steps.
    #expect(
      policyOptimizer.learningRate < .float64Rounding
        && valueOptimizer.learningRate < .float64Rounding)
  }

  /// Updates of a policy that is not the one that drew the episodes, at some rate.
  func update(
    rate: Double, epochs: Int, times: Int = 1, stopKL: Double? = nil
  ) throws -> (statistics: PPOUpdate.UpdateSums, weights: [[UInt32]]) {
    let configuration = configured {
      ($0.policyOptimizer.learningRate, $0.policyOptimizer.schedule) = (rate, .constant)
      ($0.epochs, $0.minibatches, $0.stopKL) = (epochs, rate > 0 ? 4 : 1, stopKL)
    }
    let experience = try collect(configuration, makePolicy())
    var policy = try makePolicy(seed: 9)
    var value = makeValue(on: policy)
    var policyOptimizer = Optimizer(
      configuration.policyOptimizer, for: policy.parameters, stage: "policy", totalSteps: 12)
    var valueOptimizer = Optimizer(
      configuration.valueOptimizer, for: value.parameters, stage: "value", totalSteps: 12)
    var statistics = PPOUpdate.UpdateSums()
    for _ in 0..<times {
      statistics = try PPOUpdate(configuration: configuration, workers: Workers(count: 1)).run(
        experience, policy: &policy, policyOptimizer: &policyOptimizer, value: &value,
        valueOptimizer: &valueOptimizer, using: SeededGenerator(seed: 15))
    }
    return (statistics, bits(policy.parameters))
  }

  @Test("updates stop after the first step whose approximate KL per token is above the bound")
  func stopKL() throws {
    let free = try update(rate: 0, epochs: 3).statistics
    let kl = free.ratios.approximateKL / Double(free.tokens)
    #expect(free.steps == 3 && kl > 0.01)
    #expect(try update(rate: 0, epochs: 3, stopKL: 1.01 * kl).statistics.steps == 3)
    #expect(try update(rate: 0, epochs: 3, stopKL: 0.99 * kl).statistics.steps == 1)
  }

  @Test("each epoch has an order of its own")
  func orders() throws {
    let once = try update(rate: 0.01, epochs: 2).weights
    #expect(try update(rate: 0.01, epochs: 2).weights == once)
    #expect(try update(rate: 0.01, epochs: 1, times: 2).weights != once)
  }

  @Test("minibatches that do not divide the episodes are refused by name")
  func unevenMinibatches() throws {
    var document = try SettingsDocument(yaml: "episodes: 10", file: "ppo.yaml")
    try document.set("minibatches=5")
    #expect(try document.read(PPOConfiguration.self).minibatches == 5)
    try document.set("minibatches=4")
    let refused = document
    let error = try #require(throws: SettingsError.self) { try refused.read(PPOConfiguration.self) }
    #expect(error.path == "minibatches")
    #expect("\(error)".contains("10 episodes do not divide into 4 minibatches"))
  }

  @Test("metrics are the figures of the episodes, per response unless said otherwise")
  func metrics() throws {
    var first = makeEpisode(old: [-1, -2], reference: [-1.5, -1], values: [0, 0], score: 3)
    first.exactKL = [0.5, 0.25]
    first.entropies = [1, 2]
    var second = makeEpisode(old: [-1], reference: [-2], values: [0], score: -1)
    second.entropies = [6]
    second.ended = false
    var experience = Experience(episodes: [first, second], coefficient: 0.5)
    Advantages.fill(&experience, configured())
    var update = PPOUpdate.UpdateSums()
    (update.steps, update.tokens, update.policyLoss, update.valueClipped) = (4, 12, 2, 3)
    update.ratios.clipped = 6
    update.ratios.approximateKL = 1.2
    let values = StepMetrics(
      step: 1, of: 1, PPOMetrics.values(experience, update, configured { _ in }))
    let expected = [
      "objective/score": 1, "objective/kl": (0.5 - 1 + 1) / 2, "objective/kl_exact": 0.375,
      "objective/penalized_reward": (3 - 0.5 * -0.5 - 1 - 0.5) / 2, "objective/entropy": 3,
      "policy/approximate_kl": 0.1, "policy/clip_fraction": 0.5, "policy/loss": 0.5,
      "value/clip_fraction": 0.25, "kl/coefficient": 0.5, "response/length": 1.5,
      "response/eos_fraction": 0.5,
    ]
    for (name, figure) in expected {
      #expect(abs((values[name] ?? .nan) - figure) < .float64Rounding, "\(name)")
    }
    // DAPO maximizes the score less its penalty for length: 1 of the first response, which is full.
    let dapo = configured {
      $0.algorithm = .dapo
      $0.maximumTokens = 2
    }
    experience.coefficient = 0
    let penalized = PPOMetrics.values(experience, update, dapo)
      .first { $0.metric == .penalizedReward }?.value
    #expect(penalized == 0.5)
  }

  @Test("explained variance is 1 for perfect values, 0 for a constant, below 0 for worse")
  func explainedVariance() throws {
    func explained(_ values: [Double], _ returns: [Double]) throws -> Double {
      var episode = makeEpisode(old: values.map { _ in -1 }, values: values)
      (episode.returns, episode.rewards) = (returns, returns)
      var update = PPOUpdate.UpdateSums()
      (update.steps, update.tokens) = (1, 1)
      let experience = Experience(episodes: [episode], coefficient: 0)
      let metrics = PPOMetrics.values(experience, update, configured { _ in })
      return try #require(metrics.first { $0.metric == .explainedVariance }).value
    }
    #expect(try explained([1, 2, 4], [1, 2, 4]) == 1)
    #expect(abs(try explained([2, 2, 2], [1, 2, 4])) < .float64Rounding)
    #expect(abs(try explained([-1, -2, -4], [1, 2, 4]) + 3) < .float64Rounding)
    #expect(abs(try explained([1, 2, 3], [1, 3, 2]) - 0) < .float64Rounding)
    #expect(try explained([1, 5], [2, 2]) == 0)
  }
}
