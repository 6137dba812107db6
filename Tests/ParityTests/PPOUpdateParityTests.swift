import Foundation
import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@testable import RLHF

@Suite("One PPO update is the one that PyTorch makes")
struct PPOUpdateParityTests {
  let fixture: Fixture

  init() throws { fixture = try Fixture("ppo-update") }

  private func doubles(_ name: String) throws -> [Double] {
    try fixture.values(name).map(Double.init)
  }

  private func setting(_ name: String) throws -> Double { try doubles("setting/" + name)[0] }

  private func configuration() throws -> PPOConfiguration {
    var configuration = PPOConfiguration()
    configuration.iterations = 1
    configuration.episodes = 5
    configuration.epochs = Int(try setting("epochs"))
    configuration.minibatches = 1
    configuration.kl.coefficient = try setting("beta")
    configuration.discount = try setting("discount")
    configuration.lambda = try setting("trace")
    configuration.clipRange = try setting("clip_range")
    configuration.valueClipRange = try setting("value_clip_range")
    configuration.temperature = try setting("temperature")
    configuration.entropyBonus = try setting("entropy_bonus")
    for (path, name) in [
      (\PPOConfiguration.policyOptimizer, "policy_rate"),
      (\PPOConfiguration.valueOptimizer, "value_rate"),
    ] {
      configuration[keyPath: path].learningRate = try setting(name)
      configuration[keyPath: path].weightDecay = try setting("weight_decay")
      configuration[keyPath: path].epsilon = try setting("epsilon")
      configuration[keyPath: path].clipNorm = try setting("clip_norm")
    }
    return configuration
  }

  /// The fixture's episodes, with everything derived from them.
  private func experience(_ configuration: PPOConfiguration) throws -> Experience {
    let (prompts, responses) = (
      try fixture.sequences("prompt/"), try fixture.sequences("response/")
    )
    let (old, reference) = (try doubles("old"), try doubles("reference"))
    let (values, scores) = (try doubles("old_values"), try doubles("scores"))
    var start = 0
    let episodes = zip(zip(prompts, responses), scores).map { exchange, score in
      let range = start..<start + exchange.1.count
      start = range.upperBound
      return Episode(
        exchange: Exchange(prompt: exchange.0, response: exchange.1), ended: true,
        logProbabilities: Array(old[range]), referenceLogProbabilities: Array(reference[range]),
        exactKL: range.map { _ in 0 }, entropies: range.map { _ in 0 },
        values: Array(values[range]), score: score)
    }
    var experience = Experience(episodes: episodes, coefficient: configuration.kl.coefficient)
    Advantages.fill(&experience, configuration)
    return experience
  }

  private func isClose(_ ours: [Double], _ name: String) throws -> Bool {
    let theirs = try doubles(name)
    return ours.count == theirs.count
      && zip(ours, theirs).allSatisfy { abs($0 - $1) <= .decoderRounding }
  }

  @Test("KL, rewards, whitened advantages and returns within 1e-5")
  func derived() throws {
    let episodes = try experience(configuration()).episodes
    #expect(try isClose(episodes.flatMap(\.kl), "kl"))
    #expect(try isClose(episodes.flatMap(\.rewards), "rewards"))
    #expect(try isClose(episodes.flatMap(\.advantages), "advantages"))
    #expect(try isClose(episodes.flatMap(\.returns), "returns"))
  }

  @Test("losses, gradient norms, clipped tokens and every new weight within 1e-5")
  func update() throws {
    let configuration = try configuration()
    var policy = try LanguageModel(directory: fixture.directory.appending(path: "policy"))
    var value = try ScalarModel(directory: fixture.directory.appending(path: "value"))
    var policyOptimizer = Optimizer(
      configuration.policyOptimizer, for: policy.parameters, stage: "parity",
      totalSteps: configuration.epochs)
    var valueOptimizer = Optimizer(
      configuration.valueOptimizer, for: value.parameters, stage: "parity",
      totalSteps: configuration.epochs)
    let statistics = try PPOUpdate(configuration: configuration, workers: Workers(count: 2)).run(
      experience(configuration), policy: &policy, policyOptimizer: &policyOptimizer,
      value: &value, valueOptimizer: &valueOptimizer, using: SeededGenerator(seed: 1))

    func total(_ name: String) throws -> Double { try doubles(name).reduce(0, +) }
    #expect(abs(statistics.policyLoss - (try total("policy_losses"))) <= .decoderRounding)
    #expect(abs(statistics.valueLoss - (try total("value_losses"))) <= .decoderRounding)
    let norm = try total("policy_norms")
    #expect(abs(statistics.policyGradientNorm - norm) <= .decoderRounding * norm)
    #expect(Double(statistics.ratios.clipped) == (try setting("policy_clipped")))
    #expect(Double(statistics.valueClipped) == (try setting("value_clipped")))
    try compare(policy.exportedTensors, "policy/")
    try compare(value.exportedTensors, "value/")
  }

  private func compare(
    _ tensors: [NamedTensor], _ prefix: String
  ) throws {
    for entry in tensors {
      let difference = largestDifference(
        entry.tensor.values, try fixture.values(prefix + entry.name))
      #expect(difference <= .decoderRounding, "\(prefix)\(entry.name)")
    }
    #expect(tensors.count == fixture.expected.names.count { $0.hasPrefix(prefix) })
  }
}
