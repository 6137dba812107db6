import Numerics
import Settings
import Testing

@testable import RLHF

@Suite struct PresetTests {
  /// What a preset makes of settings that say nothing else.
  func recipe(_ preset: PPOPreset) throws -> PPOConfiguration {
    var document = try SettingsDocument(yaml: "episodes: 64", file: "ppo.yaml")
    for (key, value) in preset.assignments { try document.set("\(key)=\(value)") }
    return try document.read()
  }

  /// A published recipe, by what sets it apart from the others.
  func published(
    coefficient: Double, steps: (epochs: Int, minibatches: Int) = (4, 1),
    _ change: (inout PPOConfiguration) -> Void
  ) -> PPOConfiguration {
    var expected = PPOConfiguration()
    expected.episodes = 64
    expected.kl.coefficient = coefficient
    (expected.epochs, expected.minibatches) = steps
    // In common: k1 in the reward, λ 0.95, both clips 0.2, rates that go linearly to 0.
    (expected.kl.estimator, expected.kl.placement) = (.k1, .reward)
    (expected.lambda, expected.clipRange, expected.valueClipRange) = (0.95, 0.2, 0.2)
    (expected.policyOptimizer.schedule, expected.valueOptimizer.schedule) = (.linear, .linear)
    (expected.policyOptimizer.epsilon, expected.valueOptimizer.epsilon) = (1e-8, 1e-8)
    expected.policyOptimizer.epsilonPlacement = .corrected
    expected.valueOptimizer.epsilonPlacement = .corrected
    (expected.kl.controller, expected.kl.target) = (.fixed, 6)
    (expected.whitenAdvantages, expected.whitenRewards) = (true, false)
    (expected.scoreClip, expected.missingEOS) = (nil, .keep)
    (expected.missingEOSPenalty, expected.temperature) = (1, 1)
    (expected.emaDecay, expected.pretrainingWeight) = (nil, 0)
    (expected.reward.relative, expected.valueModel) = (false, .separate)
    change(&expected)
    return expected
  }

  @Test("openai-2019: adaptive β, whitened rewards, one decoder for policy and value, T 0.7")
  func openAI2019() throws {
    let expected = published(coefficient: 0.15) {
      ($0.kl.controller, $0.kl.target) = (.adaptive, 6)
      $0.whitenRewards = true
      $0.missingEOS = .replace
      $0.temperature = 0.7
      $0.valueModel = .shared
      ($0.policyOptimizer.epsilon, $0.valueOptimizer.epsilon) = (1e-5, 1e-5)
      ($0.policyOptimizer.epsilonPlacement, $0.valueOptimizer.epsilonPlacement) = (
        .uncorrected, .uncorrected
      )
    }
    #expect(try recipe(.openAI2019) == expected)
  }

  @Test("instructgpt: one epoch of eight minibatches, an averaged policy, pretraining mixed in")
  func instructGPT() throws {
    let expected = published(coefficient: 0.02, steps: (1, 8)) {
      $0.emaDecay = 0.992
      $0.pretrainingWeight = 27.8
    }
    #expect(try recipe(.instructGPT) == expected)
  }

  @Test("trl: the missing-EOS penalty is subtracted, T 0.7")
  func trl() throws {
    let expected = published(coefficient: 0.05) {
      $0.missingEOS = .subtract
      $0.temperature = 0.7
    }
    #expect(try recipe(.trl) == expected)
  }

  @Test("trlx: scores relative to the reference's and clipped at 10")
  func trlx() throws {
    let expected = published(coefficient: 0.001, steps: (4, 4)) {
      $0.scoreClip = 10
      $0.reward.relative = true
    }
    #expect(try recipe(.trlx) == expected)
  }

  @Test("deepspeed-chat: one step, scores clipped at 5, no whitening, pretraining mixed in")
  func deepSpeedChat() throws {
    let expected = published(coefficient: 0.1, steps: (1, 1)) {
      $0.scoreClip = 5
      $0.whitenAdvantages = false
      $0.pretrainingWeight = 27.8
    }
    #expect(try recipe(.deepSpeedChat) == expected)
  }

  @Test("a preset sets every key of its kind, whatever stood there before")
  func overwrites() throws {
    for preset in PPOPreset.allCases where preset != .none {
      let placement = preset == .openAI2019 ? "corrected" : "uncorrected"
      var document = try SettingsDocument(
        yaml: """
          episodes: 64
          kl: {coefficient: 9, estimator: k3, placement: loss, controller: adaptive, target: 9}
          lambda: 0.5
          clip_range: 0.9
          value_clip_range: 0.9
          epochs: 9
          minibatches: 64
          score_clip: 99
          whiten_advantages: false
          whiten_rewards: true
          missing_end: replace
          missing_end_penalty: 9
          temperature: 9
          average_decay: 0.5
          pretraining_weight: 9
          reward: {relative: true}
          value_model: shared
          value_weight: 9
          policy: {schedule: constant, epsilon: 0.1, epsilon_placement: \(placement)}
          value: {schedule: constant, epsilon: 0.1, epsilon_placement: \(placement)}
          """, file: "ppo.yaml")
      for (key, value) in preset.assignments { try document.set("\(key)=\(value)") }
      #expect(try document.read(PPOConfiguration.self) == recipe(preset), "\(preset.rawValue)")
    }
  }
}
