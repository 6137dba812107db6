import Foundation
import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@testable import RLHF

/// What the algorithms beside PPO do differently.
@Suite struct AlgorithmTests {
  @Test("RLOO compares a return with the mean of the others")
  func leaveOneOut() {
    let advantages = Advantages.advantages(of: [1, 2, 6], by: .leaveOneOut)
    #expect(isClose(advantages, [-3, -1.5, 4.5], within: .float64Rounding))
  }

  @Test("GRPO brings the returns of a group to mean 0 and sd 1")
  func groupNormalized() {
    let advantages = Advantages.advantages(of: [1, 2, 6, 3], by: .groupNormalized)
    #expect(abs(advantages.reduce(0, +)) < .float64Rounding)
    let variance = advantages.reduce(0) { $0 + $1 * $1 } / 3
    // The divisor is the sd, 2.2, plus 1e-4.
    #expect(abs(variance - 1) < 1e-3)
    #expect(
      Advantages.advantages(of: [2, 2, 2], by: .groupNormalized) == [0, 0, 0], "nothing to choose")
  }

  @Test("Dr. GRPO does not divide by the sd, and divides the loss by the longest length allowed")
  func groupCentered() throws {
    #expect(Advantages.advantages(of: [1, 2, 6], by: .groupCentered) == [-2, -1, 3])
    let configuration = configured {
      $0.algorithm = .drGRPO
      $0.samplesPerPrompt = 2
      $0.kl.coefficient = 0
    }
    var experience = Experience(
      episodes: [(1.0, 3), (4, 1)].map {
        makeEpisode(old: Array(repeating: -1, count: $0.1), score: $0.0)
      }, coefficient: 0)
    Advantages.fill(&experience, configuration)
    #expect(experience.episodes.map { $0.advantages } == [[-1.5, -1.5, -1.5], [1.5]])
    // −Σ A r / (2 responses · 6 tokens), where every ratio is 1.
    let tape = Tape(recording: true)
    let loss = tape.policyLoss(
      tape.leaf(Tensor([-1, -1, -1, -1])), on: experience.episodes[...], configuration,
      scale: LossScale(of: experience.episodes, configuration)
    ).loss
    #expect(abs(Double(loss.value[0]) - 3 / 12.0) < .float32Rounding)
  }

  @Test("GSPO clips the ratio of the whole response, the geometric mean of its tokens'")
  func sequenceRatio() throws {
    let configuration = configured {
      $0.algorithm = .gspo
      $0.samplesPerPrompt = 2
    }
    #expect(configuration.clip == 1 - 3e-4...1 + 4e-4)
    #expect(
      isClose(
        configuration.algorithm.ratios([0.5, -0.1]), [exp(0.2), exp(0.2)], within: .float64Rounding)
    )
    #expect(
      isClose(
        PolicyAlgorithm.ppo.ratios([0.5, -0.1]), [exp(0.5), exp(-0.1)], within: .float64Rounding))
    var episodes = [makeEpisode(old: [-1, -2, -1.5]), makeEpisode(old: [-1])]
    (episodes[0].advantages, episodes[1].advantages) = ([0.5, 0.5, 0.5], [-2])
    // Log-ratios of the tokens: 0.3, −0.2, −0.1004 and 0.0001; of the responses −0.0004 / 3, 0.0001.
    let tape = Tape(recording: true)
    let leaf = tape.leaf(Tensor([-0.7, -2.2, -1.6004, -0.9999]))
    let (loss, ratios) = tape.policyLoss(
      leaf, on: episodes[...], configuration, scale: LossScale(of: episodes, configuration))
    let expected = (-0.5 * exp(-0.0004 / 3) + 2 * exp(0.0001)) / 2
    #expect(abs(Double(loss.value[0]) - expected) < .float32Rounding)
    #expect(ratios.clipped == 0 && abs(ratios.largest - exp(0.0001)) < .float32Rounding)
    let gradient = tape.gradients(of: loss, leaves: [leaf])[0].values.map(Double.init)
    let share = -0.25 * exp(-0.0004 / 3) / 3
    #expect(isClose(gradient, [share, share, share, exp(0.0001)], within: .float32Sums))
    // Farther than 4e-4 on the side of the advantage: nothing moves it.
    let far = Tape(recording: true)
    #expect(
      far.policyLoss(
        far.leaf(Tensor([-0.7, -1.9, -1.5])), on: episodes[..<1], configuration,
        scale: LossScale(of: episodes, configuration)
      ).ratios.clipped == 3)
  }

  @Test("DAPO clips wider above, has no KL penalty, and has a length penalty")
  func dapo() throws {
    let configuration = configured {
      $0.algorithm = .dapo
      $0.samplesPerPrompt = 2
      $0.maximumTokens = 10
      $0.missingEOS = .replace
    }
    #expect(configuration.clip == 0.8...1.28)
    #expect([1, 8, 9, 10].map(configuration.lengthPenalty) == [0, 0, 0.5, 1])
    #expect(configured().lengthPenalty(6) == 0)
    #expect(configuration.finalScore(2, ended: false) == 2)
    var experience = Experience(
      episodes: [1, 10].map {
        makeEpisode(
          old: Array(repeating: -1, count: $0), reference: Array(repeating: -2, count: $0),
          score: 3)
      }, coefficient: 0)
    Advantages.fill(&experience, configuration)
    #expect(experience.episodes.map { $0.rewards.reduce(0, +) } == [3, 2])
  }

  @Test("DAPO samples groups of equal scores again, at most three times, and counts them")
  func resampling() throws {
    let configuration = configured {
      $0.algorithm = .dapo
      $0.samplesPerPrompt = 2
    }
    let policy = try makePolicy()
    func collect(_ score: @escaping @Sendable ([Exchange]) -> [Double]) throws -> Experience {
      try makeRollout(configuration, reference: policy, score: score).collect(
        policy: policy, value: makeValue(on: policy),
        prompts: makePrompts(4).flatMap { [$0, $0] }, using: SeededGenerator(seed: 9),
        coefficient: 0
      ).experience
    }
    #expect(try collect { $0.map { _ in 1 } }.resampledGroups == 12)
    let mixed = try collect { $0.map { Double($0.response.count { $0 == 3 }) } }
    let once = try collect { $0.indices.map(Double.init) }
    #expect(once.resampledGroups == 0)
    #expect((1...12).contains(mixed.resampledGroups))
    for start in stride(from: 0, to: 8, by: 2) {
      #expect(
        mixed.episodes[start].exchange.prompt == mixed.episodes[start + 1].exchange.prompt)
    }
    #expect(zip(mixed.episodes, once.episodes).contains { $0.exchange != $1.exchange })
  }

  @Test("rejection sampling chooses the best of a group, once")
  func best() {
    #expect(Advantages.advantages(of: [1, 5, 2], by: .bestOfGroup) == [0, 1, 0])
    #expect(Advantages.advantages(of: [3, 1, 3], by: .bestOfGroup) == [1, 0, 0])
  }

  @Test("nothing is pushed away by rejection sampling, even where advantages are whitened")
  func rejectionIsNotWhitened() {
    var experience = Experience(
      episodes: [1.0, 5, 2, 4, 0, 3].map { makeEpisode(old: [-1], score: $0) }, coefficient: 0)
    Advantages.fill(
      &experience,
      configured {
        $0.algorithm = .rejectionSampling
        $0.samplesPerPrompt = 3
        $0.whitenAdvantages = true
      })
    #expect(experience.episodes.flatMap(\.advantages) == [0, 1, 0, 1, 0, 0])
  }

  @Test("groups are compared among themselves, and every token has its response's advantage")
  func groups() {
    // Two groups of two; within the second only the KL differs.
    let scores = [(1.0, 2), (4.0, 1), (7.0, 3), (7.0, 2)]
    let episodes = scores.map { score, length in
      makeEpisode(
        old: Array(repeating: -1, count: length), reference: Array(repeating: -1.5, count: length),
        score: score)
    }
    var experience = Experience(episodes: episodes, coefficient: 0.2)
    Advantages.fill(
      &experience,
      configured {
        $0.algorithm = .rloo
        $0.samplesPerPrompt = 2
        $0.whitenAdvantages = false
      })
    let returns: [Double] = scores.map { score, length in score - 0.1 * Double(length) }
    let differences: [Double] = [returns[0] - returns[1], returns[2] - returns[3]]
    let expected: [Double] = differences.flatMap { [$0, -$0] }
    for (index, episode) in experience.episodes.enumerated() {
      #expect(episode.advantages.count == scores[index].1)
      #expect(episode.advantages.allSatisfy { abs($0 - expected[index]) < .float64Rounding })
    }
  }

  @Test("the advantage of REINFORCE is the return minus the value, whatever λ says")
  func reinforce() {
    let episode = makeEpisode(old: [-1, -2, -1], values: [0.5, -1, 2], score: 3)
    var experience = Experience(episodes: [episode], coefficient: 0.1)
    Advantages.fill(
      &experience,
      configured {
        $0.algorithm = .reinforce
        $0.lambda = 0.3
        $0.whitenAdvantages = false
      })
    #expect(isClose(experience.episodes[0].advantages, [2.5, 4, 1], within: .float64Rounding))
  }

  @Test(
    "the sd of advantages is that before whitening",
    arguments: [PolicyAlgorithm.ppo, .rloo, .rejectionSampling])
  func advantageSD(_ algorithm: PolicyAlgorithm) {
    var experience = Experience(
      episodes: [1.0, 5].map { makeEpisode(old: [-1], reference: [-1], score: $0) },
      coefficient: 0.5)
    Advantages.fill(
      &experience,
      configured {
        $0.algorithm = algorithm
        $0.samplesPerPrompt = 2
        $0.whitenAdvantages = true
      })
    // PPO: the scores, less values of 0; RLOO: ±4; rejection sampling: 0 and 1.
    let spread = [PolicyAlgorithm.ppo: 4.0, .rloo: 8, .rejectionSampling: 1][algorithm] ?? .nan
    #expect(abs(experience.advantageSD - spread / 2.0.squareRoot()) < .float64Solutions)
  }

  @Test("a KL penalty in the loss is not in the rewards")
  func placement() {
    var experience = Experience(
      episodes: [makeEpisode(old: [-1, -1], reference: [-3, -3], score: 2)], coefficient: 0.5)
    Advantages.fill(
      &experience,
      configured {
        $0.kl.placement = .loss
        $0.kl.estimator = .k2
      })
    #expect(experience.episodes[0].rewards == [0, 2])
  }

  /// Trains on a score that counts how often token 3 is said.
  func train(
    _ configuration: PPOConfiguration, policy: LanguageModel? = nil,
    reference: LanguageModel? = nil,
    score: @escaping @Sendable (Exchange) -> Double = { exchange in
      Double(exchange.response.count { $0 == 3 })
    },
    pretraining: (Int, Int) -> [Exchange] = { _, _ in [] },
    inspect: (Experience, LanguageModel) -> Void = { _, _ in }
  ) throws -> (trainer: PPOTrainer, metrics: [StepMetrics]) {
    let policy = try policy ?? makePolicy()
    let rollout = makeRollout(configuration, reference: reference ?? policy) { $0.map(score) }
    var trainer = PPOTrainer(
      configuration, policy: policy,
      value: ScalarModel(
        trunkOf: policy, head: Tensor(zeros: [1, policy.configuration.width])),
      rollout: rollout, using: SeededGenerator(seed: 5))
    var all: [StepMetrics] = []
    try trainer.run { iteration, count in
      makePrompts(count, seed: UInt64(iteration))
    } pretraining: {
      pretraining($0, $1)
    } report: { metrics, experience, policy in
      all.append(metrics)
      inspect(experience, policy)
    }
    return (trainer, all)
  }

  func long(_ change: (inout PPOConfiguration) -> Void) -> PPOConfiguration {
    configured {
      $0.iterations = 25
      $0.episodes = 64
      $0.epochs = 2
      $0.minibatches = 2
      $0.policyOptimizer.learningRate = 0.004
      $0.valueOptimizer.learningRate = 0.004
      $0.kl.coefficient = 0
      change(&$0)
    }
  }

  @Test(
    "every algorithm learns to say what is rewarded, and those without a value model train none",
    arguments: PolicyAlgorithm.allCases)
  func learns(_ algorithm: PolicyAlgorithm) throws {
    let configuration = long {
      $0.algorithm = algorithm
      $0.samplesPerPrompt = algorithm.usesGroups ? 4 : 1
    }
    let (trainer, metrics) = try train(
      configuration,
      inspect: { experience, _ in
        guard algorithm.usesGroups else { return }
        for start in stride(from: 0, to: 64, by: 4) {
          let prompts = Set(experience.episodes[start..<start + 4].map(\.exchange.prompt))
          #expect(prompts.count == 1)
        }
      })
    let scores = metrics.compactMap { $0["objective/score"] }
    #expect(scores[0] < 1.5)
    #expect(scores[24] > scores[0] + 1.5, "\(scores)")
    #expect((metrics[0]["value/loss"] != nil) == algorithm.usesValueModel)
    #expect(trainer.value.head.values.contains { $0 != 0 } == algorithm.usesValueModel)
  }

  @Test(
    "a penalty in the loss draws a policy that is far away to its reference",
    arguments: [KLEstimator.k2, .k3, .exact])
  func penaltyInLoss(_ estimator: KLEstimator) throws {
    let configuration = long {
      $0.kl.coefficient = 0.5
      $0.kl.placement = .loss
      $0.kl.estimator = estimator
      $0.whitenAdvantages = false
    }
    let reference = try makePolicy()
    let (_, metrics) = try train(
      configuration, policy: try makePolicy(seed: 9), reference: reference, score: { _ in 0 })
    let divergence = metrics.compactMap { $0["objective/kl_exact"] }
    #expect(divergence[0] > 1)
    #expect(divergence[24] < 0.4 * divergence[0], "\(divergence)")
  }

  @Test("pieces of a minibatch add up to its gradients")
  func accumulation() throws {
    let policy = try makePolicy()
    let configuration = configured {
      $0.entropyBonus = 0.1
      $0.kl.placement = .loss
      $0.kl.estimator = .k2
    }
    let reference = try makePolicy(seed: 4)
    let experience = try makeRollout(configuration, reference: reference) {
      $0.map { Double($0.response.count) }
    }.collect(
      policy: policy, value: makeValue(on: policy), prompts: makePrompts(8),
      using: SeededGenerator(seed: 1), coefficient: 0.3
    ).experience
    func gradients(
      _ pieces: Int
    ) throws -> (gradients: Gradients, statistics: PPOUpdate.UpdateSums) {
      var configuration = configuration
      configuration.accumulation = pieces
      return try PPOUpdate(configuration: configuration, workers: Workers(count: 1))
        .policyGradients(of: policy, on: experience.episodes, coefficient: 0.3)
    }
    let (whole, parts) = (try gradients(1), try gradients(3))
    #expect(abs(whole.statistics.policyLoss - parts.statistics.policyLoss) < .float32Rounding)
    #expect(whole.statistics.ratios.clipped == parts.statistics.ratios.clipped)
    for (a, b) in zip(whole.gradients.tensors, parts.gradients.tensors) {
      let (a, b) = (try #require(a).values, try #require(b).values)
      #expect(isClose(a.map(Double.init), b.map(Double.init), within: .decoderRounding))
    }
  }

  @Test("frozen layers stay those of the reference to the bit")
  func freezing() throws {
    let policy = try makePolicy()
    let (trainer, _) = try train(configured { $0.freeze = 0.9 }, policy: policy)
    // One layer: nine tenths of it are none, and the embeddings.
    for (index, name) in policy.parameters.names.enumerated() {
      let isSame =
        trainer.policy.parameters.tensors[index].values == policy.parameters.tensors[index].values
      #expect(isSame == (name == "token_embedding"), "\(name)")
    }
  }

  @Test("the average moves by 1 − d to the policy after each iteration")
  func average() throws {
    let policy = try makePolicy()
    var expected = policy.parameters.tensors.map { $0.values.map(Double.init) }
    let (trainer, _) = try train(
      configured {
        $0.emaDecay = 0.75
        $0.iterations = 3
      }, policy: policy,
      inspect: { _, updated in
        for (index, tensor) in updated.parameters.tensors.enumerated() {
          expected[index] = zip(expected[index], tensor.values).map {
            0.75 * $0 + 0.25 * Double($1)
          }
        }
      })
    for (tensor, expected) in zip(trainer.result.parameters.tensors, expected) {
      #expect(isClose(tensor.values.map(Double.init), expected, within: .float32Rounding))
    }
    #expect(bits(trainer.result.parameters) != bits(trainer.policy.parameters))
    let (plain, _) = try train(configured())
    #expect(bits(plain.result.parameters) == bits(plain.policy.parameters))
  }

  @Test("with a pretraining loss texts stay likely")
  func pretraining() throws {
    let text = Exchange(prompt: [1], response: [5, 6, 7, endOfSequence])
    func losses(_ weight: Double) throws -> [Double] {
      try train(
        long {
          $0.iterations = 8
          $0.pretrainingWeight = weight
        }, pretraining: { _, _ in [text, text] }
      ).metrics.compactMap { $0["policy/pretraining_loss"] }
    }
    let with = try losses(5)
    #expect(with.count == 8)
    #expect(with[7] < 0.5 * with[0], "\(with)")
    #expect(try losses(0).isEmpty)
  }

  @Test("a relative score subtracts that of the reference's own response")
  func relative() throws {
    func scores(_ isRelative: Bool) throws -> [Double] {
      let policy = try makePolicy()
      return try makeRollout(
        configured { $0.reward.relative = isRelative }, reference: policy,
        score: { $0.map { 10 + Double($0.response.first ?? 0) } }
      ).collect(
        policy: policy, value: makeValue(on: policy), prompts: makePrompts(8),
        using: SeededGenerator(seed: 1), coefficient: 0
      ).experience.episodes.map(\.score)
    }
    let (plain, relative) = (try scores(false), try scores(true))
    let baselines = zip(plain, relative).map { $0 - $1 }
    #expect(plain.allSatisfy { $0 >= 10 } && baselines.allSatisfy { (10...17).contains($0) })
    #expect(Set(baselines).count > 1, "every response is compared with another of the reference")
  }
}
