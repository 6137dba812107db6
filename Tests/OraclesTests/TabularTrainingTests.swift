import Foundation
import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@testable import Oracles
@testable import RLHF

@Suite struct TabularTrainingTests {
  let space = SequenceSpace(vocabularySize: 4, endOfSequence: 0, maximumTokens: 3)

  @Test("models that are tables say what the tables say, and give them back")
  func tables() throws {
    var generator = SeededGenerator(seed: 40)
    let policy = generator.policy(space, sharpness: 2)
    let values = generator.gaussians(space.states.count)
    let tables = TableModels(space)
    let model = try tables.languageModel(policy)
    let exchanges = space.sequences.indices.map(tables.exchange)
    let tape = Tape(recording: false)
    let said = model.responseLogProbabilities(exchanges, temperature: 1, on: tape)
      .logProbabilities.value.values.map(Double.init)
    let expected = space.sequences.flatMap { sequence in
      sequence.steps.map { policy.logProbabilities[$0.state][$0.token] }
    }
    #expect(isClose(said, expected, within: .decoderRounding))
    let judged = tables.valueModel(values, on: model).values(exchanges, on: tape).value.values
    #expect(
      isClose(
        judged.map(Double.init), space.sequences.flatMap { $0.states.map { values[$0] } },
        within: .decoderRounding))
    let back = try tables.policy(of: model)
    for (row, other) in zip(back.logProbabilities, policy.logProbabilities) {
      #expect(isClose(row, other, within: .decoderRounding))
    }
  }

  /// A tabular policy after PPO, which starts as the reference, and its value model.
  func train(
    _ objective: RegularizedObjective, seed: UInt64,
    _ change: (inout PPOConfiguration) -> Void = { _ in }
  ) throws -> (policy: TabularPolicy, trainer: PPOTrainer) {
    let tables = TableModels(space)
    let configuration = configured(objective) {
      $0.iterations = 40
      $0.episodes = 256
      $0.epochs = 4
      $0.minibatches = 2
      $0.policyOptimizer = OptimizerConfiguration(learningRate: 0.05, epsilon: 1e-5)
      $0.valueOptimizer = OptimizerConfiguration(learningRate: 0.05, epsilon: 1e-5)
      $0.whitenAdvantages = true
      change(&$0)
    }
    let start = try tables.languageModel(objective.reference)
    let value = tables.valueModel(Array(repeating: 0, count: space.states.count), on: start)
    var trainer = PPOTrainer(
      configuration, policy: start, value: value,
      rollout: try tables.rollout(configuration, objective),
      using: SeededGenerator(seed: seed))
    try trainer.run { _, count in
      Array(repeating: tables.prompt, count: count)
    } report: { _, _, _ in
    }
    return (try tables.policy(of: trainer.policy), trainer)
  }

  @Test("PPO brings a tabular policy to the optimum", arguments: [41, 42, 43])
  func optimum(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let objective = generator.objective(space, coefficient: 0.5)
    let (policy, _) = try train(objective, seed: seed)
    let start = objective.reference.divergence(from: objective.optimum)
    let end = policy.divergence(from: objective.optimum)
    #expect(start > 0.5)
    #expect(end < 0.02, "KL(π‖π*) went from \(start) to \(end)")
    let frontier = RewardFrontier(reference: objective.reference, rewards: objective.rewards)
    let reward = policy.expectation(of: objective.rewards)
    let distance = policy.divergence(from: objective.reference)
    #expect(reward <= frontier.highestReward(atDivergence: distance) + .float64Solutions)
  }

  @Test("a value model beside a policy that stands still learns its on-policy values")
  func values() throws {
    var generator = SeededGenerator(seed: 44)
    let objective = generator.objective(space, coefficient: 0.5)
    let (policy, trainer) = try train(objective, seed: 44) {
      $0.iterations = 20
      $0.policyOptimizer.learningRate = 0
      $0.lambda = 1
      $0.valueClipRange = 10
    }
    let exact = PolicyValues(of: policy, in: objective)
    let distances = zip(trainer.value.head.values, exact.values).map { abs(Double($0) - $1) }
    let weighted = zip(policy.visits, distances).map { visits, distance in visits * distance }
    let error = weighted.reduce(0, +) / policy.visits.reduce(0, +)
    #expect(error < 0.05, "mean distance over the states visited")
  }
}
