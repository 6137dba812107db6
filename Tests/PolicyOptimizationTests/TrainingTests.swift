import LanguageModels
import Numerics
import Statistics
import Testing

@testable import RLHF

@Suite struct TrainingTests {
  /// Trains on rewards that count token 3, and returns the trainer and every iteration's metrics.
  func train(
    _ configuration: PPOConfiguration, threads: Int = 2, seed: UInt64 = 20,
    policy: LanguageModel? = nil, reference: LanguageModel? = nil,
    score: @escaping @Sendable (Exchange) -> Double = { Double($0.response.count { $0 == 3 }) }
  ) throws -> (trainer: PPOTrainer, rollout: Rollout, metrics: [StepMetrics]) {
    let policy = try policy ?? makePolicy()
    let rollout = makeRollout(configuration, reference: reference ?? policy, threads: threads) {
      $0.map(score)
    }
    let head = Tensor(repeating: 0, shape: [1, policy.configuration.width])
    var trainer = PPOTrainer(
      configuration, policy: policy, value: ScalarModel(trunkOf: policy, head: head),
      rollout: rollout, using: SeededGenerator(seed: seed))
    var all: [StepMetrics] = []
    try trainer.run { iteration, count in
      makePrompts(count, seed: UInt64(iteration))
    } report: { metrics, _, _ in
      all.append(metrics)
    }
    return (trainer, rollout, all)
  }

  /// Enough training to see what it does.
  func long(_ change: (inout PPOConfiguration) -> Void) -> PPOConfiguration {
    configured {
      $0.iterations = 30
      $0.episodes = 64
      $0.epochs = 4
      $0.minibatches = 4
      $0.policyOptimizer.learningRate = 0.003
      $0.valueOptimizer.learningRate = 0.003
      change(&$0)
    }
  }

  @Test("without a penalty the policy learns to say what is rewarded")
  func learns() throws {
    let (_, _, metrics) = try train(long { $0.kl.coefficient = 0 })
    let scores = metrics.compactMap { $0["objective/score"] }
    #expect(scores.count == 30)
    #expect(scores[0] < 1.5)
    #expect(scores[29] > 4, "of at most 6")
    #expect(scores[29] > scores[0] + 3)
  }

  @Test("memory is measured per role: weights, two moments for each, activations")
  func memory() throws {
    let (trainer, _, metrics) = try train(configured())
    let (policy, value) = (trainer.policy.parameters, trainer.value.parameters)
    func given(_ parameters: ParameterSet) -> Int {
      parameters.tensors.reduce(0) { $0 + $1.allocatedBytes }
    }
    #expect(given(policy) >= policy.byteCount)
    #expect(metrics.last?["memory/policy"] == Double(given(policy)))
    #expect(metrics.last?["memory/value"] == Double(given(value)))
    #expect(metrics.last?["memory/reference"] == Double(given(policy)))
    #expect(metrics.last?["memory/optimizer"] == Double(2 * (given(policy) + given(value))))
    // Thread caches hide allocations as small as these, so there is only the figure to ask for.
    #expect(metrics.allSatisfy { $0["memory/activations"] ?? -1 >= 0 })
  }

  @Test("an algorithm that asks for no values has no value model in memory")
  func noValueModel() throws {
    let (_, _, metrics) = try train(
      configured {
        $0.algorithm = .rloo
        $0.samplesPerPrompt = 2
      })
    #expect(metrics.last?["memory/value"] == 0)
  }

  @Test("an entropy bonus raises the policy's entropy")
  func entropyBonus() throws {
    func entropy(_ bonus: Double) throws -> Double {
      let (_, _, metrics) = try train(
        long {
          $0.iterations = 12
          $0.kl.coefficient = 0
          $0.entropyBonus = bonus
        })
      return metrics.last?["objective/entropy"] ?? .nan
    }
    #expect(try entropy(1) > entropy(0) + 0.3)
  }

  @Test("updates of an iteration end when the policy has moved past the bound")
  func stopKL() throws {
    func updates(_ bound: Double?) throws -> [Double] {
      try train(
        long {
          $0.iterations = 3
          $0.policyOptimizer.learningRate = 0.02
          $0.stopKL = bound
        }
      ).metrics.compactMap { $0["policy/updates"] }
    }
    #expect(try updates(nil) == [16, 16, 16])
    #expect(try updates(1e-9).allSatisfy { $0 <= 2 })
  }

  @Test("with nothing to gain, the penalty draws a policy that is far away to its reference")
  func returnsToReference() throws {
    let reference = try makePolicy()
    let configuration = long { $0.kl.coefficient = 0.2 }
    let (_, _, metrics) = try train(
      configuration, policy: try makePolicy(seed: 9), reference: reference
    ) { _ in 0 }
    let divergence = metrics.compactMap { $0["objective/kl_exact"] }
    #expect(divergence[0] > 1)
    #expect(divergence[29] < 0.3 * divergence[0])
  }

  @Test("with nothing to gain, a policy that starts as its reference stays there")
  func stays() throws {
    let (_, _, metrics) = try train(long { $0.kl.coefficient = 0.2 }) { _ in 0 }
    #expect(metrics.allSatisfy { ($0["objective/kl_exact"] ?? .nan) < 0.02 })
  }

  @Test("with a larger β the policy stays nearer to the reference")
  func penaltyHolds() throws {
    func divergence(_ beta: Double) throws -> Double {
      try train(long { $0.kl.coefficient = beta }).metrics.last?["objective/kl_exact"] ?? .nan
    }
    #expect(try divergence(2) < 0.5 * divergence(0))
  }

  @Test("training moves policy and value model, and the reference not by a bit")
  func reference() throws {
    let before = try makePolicy()
    let (trainer, rollout, _) = try train(configured())
    #expect(bits(rollout.reference.parameters) == bits(before.parameters))
    #expect(bits(trainer.policy.parameters) != bits(before.parameters))
    #expect(trainer.value.head.values.contains { $0 != 0 })
  }

  @Test("one, two and three threads give the same bytes, another seed others")
  func threads() throws {
    let configuration = configured {
      $0.episodes = 24
      $0.minibatches = 3
    }
    let one = try train(configuration, threads: 1).trainer
    for threads in 2...3 {
      let other = try train(configuration, threads: threads).trainer
      #expect(bits(one.policy.parameters) == bits(other.policy.parameters), "\(threads) threads")
      #expect(bits(one.value.parameters) == bits(other.value.parameters), "\(threads) threads")
    }
    let reseeded = try train(configuration, seed: 21).trainer
    #expect(bits(one.policy.parameters) != bits(reseeded.policy.parameters))
  }

  @Test("one-token responses, one prompt, minibatches of one episode and one episode all work")
  func smallest() throws {
    let shapes: [(tokens: Int, episodes: Int, minibatches: Int)] = [
      (1, 4, 4), (1, 1, 1), (6, 2, 2), (6, 1, 1),
    ]
    for shape in shapes {
      let configuration = configured {
        $0.maximumTokens = shape.tokens
        $0.episodes = shape.episodes
        $0.minibatches = shape.minibatches
        $0.missingEOS = .replace
      }
      let (_, _, metrics) = try train(configuration)
      #expect(metrics.count == 2)
      #expect(metrics.allSatisfy { $0.values.allSatisfy { $0.value.isFinite } }, "\(shape)")
    }
  }

  @Test("a score that is not finite stops the update and names the stage")
  func notFinite() throws {
    let error = try #require(throws: NonFiniteError.self) { try train(configured()) { _ in .nan } }
    #expect(error.stage == "PPO" && error.step == 1 && error.tensor == "the score")
    #expect(error.rows?.hasPrefix("episodes 0, 1") == true)
  }
}
