import Foundation
import LanguageModels
import Numerics
import Settings
import Statistics
import TestSupport
import Testing

@testable import RLHF

/// How responses of PPO may be drawn; everything else is refused.
struct SamplerSetting: Sendable, CustomTestStringConvertible {
  let temperature: Double
  let maximumTokens: Int
  /// How many episodes in a row have the same prompt, and so share its computation.
  let repeats: Int

  static let all = [0.01, 0.25, 0.5, 0.7, 1, 1.3, 3, 50].flatMap { temperature in
    [(1, 1), (2, 4), (6, 1), (6, 24)].map { length, repeats in
      SamplerSetting(temperature: temperature, maximumTokens: length, repeats: repeats)
    }
  }

  var testDescription: String { "T \(temperature), \(maximumTokens) tokens, prompts × \(repeats)" }
}

@Suite struct FirstRatioTests {
  @Test(
    "while the policy has not moved, every ratio is 1 and the approximate KL is 0",
    arguments: SamplerSetting.all)
  func ratios(setting: SamplerSetting) throws {
    // The whole loop with a rate of 0: every minibatch of every epoch, packed in another order than
    // the rollout, is then one before the first update.
    let configuration = configured {
      $0.iterations = 1
      $0.episodes = 24
      $0.epochs = 2
      $0.minibatches = 4
      $0.temperature = setting.temperature
      $0.maximumTokens = setting.maximumTokens
      $0.policyOptimizer.learningRate = 0
    }
    let policy = try makePolicy()
    let rollout = makeRollout(configuration, reference: try makePolicy(seed: 5)) {
      $0.map { Double($0.response.count { $0 == 3 }) }
    }
    var trainer = PPOTrainer(
      configuration, policy: policy, value: makeValue(on: policy), rollout: rollout,
      using: SeededGenerator(seed: 21))
    try trainer.run { _, count in
      makePrompts(count / setting.repeats).flatMap { Array(repeating: $0, count: setting.repeats) }
    } report: { metrics, experience, _ in
      #expect(experience.episodes.contains { $0.kl.contains { abs($0) > 0.01 } })
      let (now, rounding) = ratios(policy, experience, temperature: setting.temperature)
      #expect(abs((metrics["policy/ratio_max"] ?? .nan) - 1) < rounding)
      #expect(abs(metrics["policy/approximate_kl"] ?? .nan) < rounding * rounding)
      #expect(metrics["policy/clip_fraction"] == 0)
      #expect(now.allSatisfy { abs($0 - 1) < rounding })
    }
  }

  @Test("the shipped policy's first ratios are 1 up to rounding", arguments: [0.01, 0.25, 1])
  func shipped(temperature: Double) throws {
    let project = URL(filePath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let policy = try LanguageModel(directory: project.appending(path: "checkpoints/sentiment/sft"))
    let configuration = configured {
      $0.iterations = 1
      $0.episodes = 256
      $0.maximumTokens = 24
      $0.temperature = temperature
      $0.policyOptimizer.learningRate = 0
    }
    var trainer = PPOTrainer(
      configuration, policy: policy, value: makeValue(on: policy),
      rollout: makeRollout(configuration, reference: policy), using: SeededGenerator(seed: 22))
    try trainer.run { _, count in
      makePrompts(count)
    } report: { metrics, experience, _ in
      let (now, rounding) = ratios(policy, experience, temperature: temperature)
      #expect(abs((metrics["policy/ratio_max"] ?? .nan) - 1) < rounding)
      #expect(now.allSatisfy { abs($0 - 1) < rounding })
      #expect(rounding < 0.1 * configuration.clipWidths.low)
    }
  }

  /// Ratios computed one response at a time, so that the smallest of them is seen too, and how far
  /// they may be from 1.
  func ratios(
    _ policy: LanguageModel, _ experience: Experience, temperature: Double
  ) -> (ratios: [Double], rounding: Double) {
    var (ratios, largest) = ([Double](), 0.0)
    for episode in experience.episodes {
      let (now, logits) = policy.responseLogProbabilities(
        [episode.exchange], temperature: temperature, on: .init(recording: false))
      ratios += zip(now.value.values, episode.logProbabilities).map { exp(Double($0) - $1) }
      largest = max(largest, ratioRounding(logits.value.values, temperature: temperature))
    }
    return (ratios, largest)
  }

  @Test(
    "settings under which samples would not come from softmax(logits / T) are refused",
    arguments: ["top_k: 5", "top_p: 0.9", "temperature: 0"])
  func refused(line: String) throws {
    let document = try SettingsDocument(yaml: line, file: "ppo.yaml")
    #expect(throws: SettingsError.self) { try document.read(PPOConfiguration.self) }
  }
}
