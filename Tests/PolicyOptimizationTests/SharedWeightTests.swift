import LanguageModels
import Numerics
import Settings
import Statistics
import TestSupport
import Testing

@testable import RLHF

/// A value head on the policy's decoder, and adapters on the reference's weights.
@Suite struct SharedWeightTests {
  static let shared: @Sendable (inout PPOConfiguration) -> Void = { $0.valueModel = .shared }
  static let adapted: @Sendable (inout PPOConfiguration) -> Void = {
    $0.lora.rank = 2
    $0.lora.targets = [.queryKeyValue, .feedForwardOutput]
  }
  static let both: @Sendable (inout PPOConfiguration) -> Void = {
    shared(&$0)
    adapted(&$0)
    $0.emaDecay = 0.5
  }
  static let adaptive: @Sendable (inout PPOConfiguration) -> Void = {
    $0.kl.controller = .adaptive
    $0.kl.target = 1
    $0.kl.horizon = 8
  }

  func trainer(_ configuration: PPOConfiguration) throws -> PPOTrainer {
    let policy = try makePolicy()
    let head = Tensor(repeating: 0, shape: [1, policy.configuration.width])
    let rollout = makeRollout(configuration, reference: policy) {
      $0.map { Double($0.response.count { $0 == 3 }) }
    }
    return PPOTrainer(
      configuration, policy: policy,
      value: ScalarModel(trunkOf: try makePolicy(seed: 6), head: head), rollout: rollout,
      using: SeededGenerator(seed: 20))
  }

  @discardableResult
  func run(
    _ trainer: inout PPOTrainer, continuing continuation: Continuation = .none
  ) throws -> [StepMetrics] {
    var all: [StepMetrics] = []
    try trainer.run(continuing: continuation) { iteration, count in
      makePrompts(count, seed: UInt64(iteration))
    } report: { metrics, _, _ in
      all.append(metrics)
    }
    return all
  }

  func long(_ change: (inout PPOConfiguration) -> Void) -> PPOConfiguration {
    configured {
      $0.iterations = 25
      $0.episodes = 64
      $0.epochs = 4
      $0.minibatches = 4
      $0.policyOptimizer.learningRate = 0.003
      $0.kl.coefficient = 0
      change(&$0)
    }
  }

  @Test("policy and value learn together on one decoder")
  func sharedLearns() throws {
    var trainer = try trainer(
      long {
        Self.shared(&$0)
        $0.valueWeight = 0.5
      })
    let metrics = try run(&trainer)
    #expect(try #require(metrics.last?["objective/score"]) > 3.5)
    #expect(try #require(metrics.last?["value/explained_variance"]) > 0.2)
    #expect(metrics.last?["memory/value"] == 0)
    #expect(
      bits(trainer.value.parameters).dropLast() == bits(trainer.result.parameters).dropLast())
    #expect(trainer.value.head.values.contains { $0 != 0 })
  }

  @Test("the joint gradient is the policy's plus the weight times the value's")
  func jointGradient() throws {
    let configuration = configured {
      Self.shared(&$0)
      $0.valueWeight = 0.3
    }
    let policy = try makePolicy()
    let value = makeValue(on: policy)
    var joint = policy
    joint.addValueHead(value.head)
    let experience = try makeRollout(configuration, reference: try makePolicy(seed: 5)) {
      $0.map { Double($0.response.count { $0 == 3 }) }
    }.collect(
      policy: policy, value: value, prompts: makePrompts(8), using: SeededGenerator(seed: 14),
      coefficient: 0.2
    ).experience
    let update = PPOUpdate(configuration: configuration, workers: Workers(count: 2))
    let together = try update.policyGradients(of: joint, on: experience.episodes)
    let apart = try update.policyGradients(of: policy, on: experience.episodes)
    let (values, loss, clipped) = try update.valueGradients(of: value, on: experience.episodes)
    #expect(
      abs(together.statistics.policyLoss - apart.statistics.policyLoss) < .float32Rounding
        && apart.statistics.valueLoss == 0)
    #expect(
      abs(together.statistics.valueLoss - loss) < .float32Rounding
        && together.statistics.valueClipped == clipped)
    for (index, name) in joint.parameters.names.enumerated() {
      let ours = try #require(together.gradients.tensors[index]).values.map(Double.init)
      let position = value.parameters.names.firstIndex(of: name)
      let second = position.flatMap { values.tensors[$0] }?.values ?? ours.map { _ in 0 }
      let first =
        index < policy.parameters.count
        ? apart.gradients.tensors[index]?.values ?? ours.map { _ in 0 } : ours.map { _ in 0 }
      let sum = zip(first, second).map { Double($0) + 0.3 * Double($1) }
      #expect(isClose(ours, sum, within: .decoderRounding), "\(name)")
    }
  }

  @Test("adapters learn what is rewarded, and leave all other weights alone")
  func adaptersLearn() throws {
    let configuration = long {
      Self.adapted(&$0)
      $0.policyOptimizer.learningRate = 0.02
      $0.valueOptimizer.learningRate = 0.003
    }
    var trainer = try trainer(configuration)
    let metrics = try run(&trainer)
    let scores = metrics.compactMap { $0["objective/score"] }
    #expect(try #require(scores.last) > #require(scores.first) + 1.0)
    #expect(try #require(metrics.first?["policy/ratio_max"]) > 1.0)
    // Rank 2 on [32, 16] and on [16, 32], in float.
    let learning = trainer.policy.parameters
    let adapters = zip(learning.names, learning.tensors).filter { $0.0.contains(".lora_") }.map(\.1)
    #expect(adapters.map(\.count).reduce(0, +) == 224)  // 2 · (48 + 16 + 16 + 32)
    let bytes = adapters.map(\.allocatedBytes).reduce(0, +)
    #expect(metrics.last?["memory/policy"] == Double(bytes))
    let (before, after) = (try makePolicy().parameters, trainer.result.parameters)
    #expect(after.names == before.names)
    let changed = before.names.indices.filter {
      before.tensors[$0].values != after.tensors[$0].values
    }
    #expect(
      changed.map { before.names[$0] }
        == ["layers.0.query_key_value.weight", "layers.0.feed_forward_output.weight"])
  }

  @Test("an adapted matrix counts as W + (α / r) B A")
  func adapterScale() throws {
    var trainer = try trainer(
      configured {
        Self.adapted(&$0)
        $0.lora.alpha = 6
        $0.policyOptimizer.learningRate = 0.02
      })
    try run(&trainer)
    let parameters = trainer.policy.parameters
    func matrix(_ name: String) throws -> Tensor {
      parameters.tensors[try #require(parameters.names.firstIndex(of: name))]
    }
    let name = "layers.0.query_key_value.weight"
    let (weight, a, b) = (
      try matrix(name), try matrix(name + ".lora_a"), try matrix(name + ".lora_b")
    )
    var expected = weight.values.map(Double.init)
    for row in 0..<b.rows {
      for column in 0..<a.columns {
        let product = (0..<2).reduce(0.0) {
          $0 + Double(b.values[row * 2 + $1]) * Double(a.values[$1 * a.columns + column])
        }
        expected[row * a.columns + column] += 3 * product
      }
    }
    let index = try #require(trainer.result.parameters.names.firstIndex(of: name))
    let merged = trainer.result.parameters.tensors[index].values.map(Double.init)
    #expect(isClose(merged, expected, within: .float32Rounding))
    #expect(zip(merged, weight.values).contains { abs($0 - Double($1)) > 1e-3 })
  }

  @Test("the average is one of merged weights")
  func average() throws {
    let configuration = configured {
      Self.adapted(&$0)
      $0.iterations = 1
      $0.emaDecay = 0.25
    }
    var trainer = try trainer(configuration)
    try run(&trainer)
    let (before, last) = (try makePolicy().parameters, trainer.policy.plain.parameters)
    for (index, tensor) in trainer.result.parameters.tensors.enumerated() {
      let expected = zip(before.tensors[index].values, last.tensors[index].values).map {
        Double(0.25 * $0 + 0.75 * $1)
      }
      #expect(isClose(tensor.values.map(Double.init), expected, within: .float32Rounding))
    }
  }

  @Test(
    "a run that goes on ends with the same bytes as one without a pause",
    arguments: [shared, adapted, both, adaptive])
  func resumed(change: @Sendable (inout PPOConfiguration) -> Void) throws {
    let configuration = configured {
      change(&$0)
      $0.iterations = 3
      $0.policyOptimizer.learningRate = 0.01
    }
    var states: [TrainingState] = []
    var whole = try trainer(configuration)
    let all = try run(
      &whole, continuing: Continuation(from: nil) { _, state in states.append(saved(state())) })
    var rest = try trainer(configuration)
    let later = try run(&rest, continuing: Continuation(from: states[0]) { _, _ in })
    // Weights that the reference shares are still in memory once.
    for name in ["memory/policy", "memory/reference", "memory/value", "memory/optimizer"] {
      #expect(later.map { $0[name] } == all.dropFirst().map { $0[name] }, "\(name)")
    }
    #expect(bits(rest.result.parameters) == bits(whole.result.parameters))
    #expect(bits(rest.value.parameters) == bits(whole.value.parameters))
    #expect(bits(rest.result.parameters) != bits(try makePolicy().parameters))
  }

  /// A state as a file saves it: in memory of its own, because what shares the trainer's counts as
  /// the models' memory.
  private func saved(_ state: TrainingState) -> TrainingState {
    var copy = TrainingState(step: state.step)
    for (name, tensor) in state.tensors {
      copy.set(name, Tensor(tensor.values, shape: tensor.shape))
    }
    for (name, number) in state.numbers { copy.set(name, number) }
    return copy
  }

  @Test(
    "settings that do not go together are refused by name",
    arguments: [
      ("value_weight: 1", "value_weight"), ("{freeze: 0.5, lora: {rank: 2}}", "freeze"),
      ("lora: {alpha: 4}", "lora.alpha"), ("lora: {rank: 2, targets: []}", "lora.targets"),
    ])
  func refused(yaml: String, path: String) throws {
    let document = try SettingsDocument(yaml: yaml, file: "ppo.yaml")
    let error = try #require(throws: SettingsError.self) {
      try document.resolve(PPOConfiguration.self)
    }
    #expect(error.path == path)
  }

  @Test("openai-2019 shares the decoder")
  func preset() {
    #expect(PPOPreset.openAI2019.assignments.contains { $0 == ("value_model", "shared") })
    #expect(PPOPreset.trl.assignments.contains { $0 == ("value_model", "separate") })
  }
}
