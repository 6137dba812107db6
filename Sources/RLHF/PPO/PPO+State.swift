package import LanguageModels
import Numerics
package import Statistics

// Around the loop of `PPO.swift`: how it starts, how much memory the models take, and how it resumes.

extension PPOTrainer {
  /// - Parameters:
  ///   - policy: the SFT model, from which the policy starts and which stays as the reference.
  ///   - value: starts from the reward model's trunk, with a head of zeros; of a shared trunk, only
  ///     the head counts.
  ///   - rollout: holds the reference and the reward.
  package init(
    _ configuration: PPOConfiguration, policy: LanguageModel, value: ScalarModel,
    rollout: Rollout, using generator: SeededGenerator
  ) {
    self.configuration = configuration
    var (policy, value, rollout) = (policy, value, rollout)
    // What the policy has frozen already stays so where no share is asked for.
    if configuration.freeze > 0 { policy.freeze(fraction: configuration.freeze) }
    if let rank = configuration.lora.rank {
      var stream = generator.stream("adapters")
      policy.addAdapters(
        rank: rank, scale: configuration.lora.alpha / Double(rank),
        targets: configuration.lora.targets, using: &stream)
    }
    // After the adapters, which freeze all that is there.
    if configuration.sharesTrunk { policy.addValueHead(value.head) }
    arenas = ModelArenas()
    arenas.part(&policy.parameters, from: &rollout.reference.parameters)
    if configuration.hasSeparateValueModel { value.parameters.move(to: arenas.value) }
    self.policy = policy
    separateValue = value
    average = configuration.emaDecay.map { _ in
      // Not in the policy's arena: copies that it makes when it is written would count there.
      var average = policy.plain.parameters
      average.move(to: MemoryArena())
      return average
    }
    self.rollout = rollout
    self.generator = generator
    controller = KLController(configuration.kl)
    warnings = TrainingWarnings(configuration)
    let steps = configuration.iterations * configuration.epochs * configuration.minibatches
    policyOptimizer = Optimizer(
      configuration.policyOptimizer, for: policy.parameters, stage: "PPO policy", totalSteps: steps,
      in: arenas.optimizer)
    valueOptimizer = Optimizer(
      configuration.valueOptimizer, for: value.parameters, stage: "PPO value model",
      totalSteps: steps,
      in: arenas.optimizer)
  }

  /// What the training has come to: the policy, or its moving average.
  package var result: LanguageModel {
    var result = policy.plain
    if let average { result.parameters = average }
    return result
  }

  /// The value model, whether it is a model of its own or a head of the policy's decoder.
  package var value: ScalarModel { policy.valueModel ?? separateValue }

  /// Polyak's average: a ← d a + (1 − d) π, of the weights as a checkpoint holds them.
  mutating func updateAverage() {
    guard let decay = configuration.emaDecay else { return }
    let current = policy.plain.parameters
    for index in current.tensors.indices {
      average?.tensors[index].multiply(by: Float(decay))
      average?.tensors[index].add(current.tensors[index], scaledBy: Float(1 - decay))
    }
  }

  /// What the models hold. A value head on the policy's decoder is part of the policy, and where
  /// nobody asks for values that model is but another name for the reward model's memory.
  var memory: [StepMetrics.Value] {
    arenas.metrics(
      policy: policy.parameters, reference: rollout.reference.parameters,
      value: configuration.hasSeparateValueModel ? separateValue.parameters : nil,
      moments: [policyOptimizer, valueOptimizer])
  }

  func state(after iterations: Int) -> TrainingState {
    var state = TrainingState(step: iterations)
    state.set("policy", policy.parameters)
    policyOptimizer.save(in: &state, as: "policy_optimizer", for: policy.parameters)
    if !configuration.sharesTrunk {
      state.set("value", separateValue.parameters)
      valueOptimizer.save(in: &state, as: "value_optimizer", for: separateValue.parameters)
    }
    state.set("kl_coefficient", controller.coefficient)
    if let average { state.set("average", average) }
    warnings.save(in: &state)
    return state
  }

  mutating func restore(from state: TrainingState) throws(TrainingStateError) {
    try state.restore(&policy.parameters, from: "policy")
    arenas.part(&policy.parameters, from: &rollout.reference.parameters)
    try policyOptimizer.restore(from: state, as: "policy_optimizer", for: policy.parameters)
    if !configuration.sharesTrunk {
      try state.restore(&separateValue.parameters, from: "value")
      if configuration.hasSeparateValueModel { separateValue.parameters.move(to: arenas.value) }
      try valueOptimizer.restore(
        from: state, as: "value_optimizer", for: separateValue.parameters)
    }
    controller.restore(coefficient: try state.number("kl_coefficient"))
    warnings.restore(from: state)
    if var restored = average {
      try state.restore(&restored, from: "average")
      average = restored
    }
  }
}

/// A memory arena for the policy, for the value model and for the optimizers' moments; each nil where
/// jemalloc does not serve the process. Reference and reward model have arenas of their own already.
struct ModelArenas: Sendable {
  let policy = MemoryArena()
  let value = MemoryArena()
  let optimizer = MemoryArena()

  /// Gives policy and reference memory of their own, but for what the policy has frozen and shares
  /// with the reference: that stays in memory once, and is the reference's.
  func part(_ policy: inout ParameterSet, from reference: inout ParameterSet) {
    let indices = policy.tensors.indices
    let shared = indices.filter {
      policy.isFrozen[$0] && $0 < reference.count
        && policy.tensors[$0].sharesMemory(with: reference.tensors[$0])
    }
    reference.moveToOwnArena()
    for index in shared { policy.tensors[index] = reference.tensors[index] }
    for index in indices where !shared.contains(index) {
      policy.tensors[index] = policy.tensors[index].moved(to: self.policy)
    }
  }

  /// Bytes by role, as the metrics name them.
  func metrics(
    policy: ParameterSet, reference: ParameterSet, value: ParameterSet?, moments: [Optimizer]
  ) -> [StepMetrics.Value] {
    let bytes: [(Metric, Int)] = [
      (.policyMemory, self.policy?.allocatedBytes ?? policy.allocatedBytes(apartFrom: reference)),
      (.referenceMemory, reference.arena?.allocatedBytes ?? reference.allocatedBytes()),
      (.valueMemory, self.value?.allocatedBytes ?? value?.allocatedBytes() ?? 0),
      (
        .optimizerMemory,
        optimizer?.allocatedBytes ?? moments.reduce(0) { $0 + $1.allocatedBytes }
      ),
    ]
    return bytes.map { ($0, Double($1)) }
  }
}
