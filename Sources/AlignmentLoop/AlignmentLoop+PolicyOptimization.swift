import Autodiff
package import PolicyOptimization
package import RewardModeling
import Tensors
import Tokenizers
import Training
package import Transformer

extension AlignmentLoop {
  /// PPO from the SFT policy, which stays as the reference, against a reward model.
  ///
  /// - Parameters:
  ///   - given: prompts to draw from; nil for prompts of the world.
  ///   - hasGold: whether the world's gold reward means something for these prompts and models.
  ///   - keep: gets the experience of every iteration.
  package func optimize(
    _ policy: LanguageModel, reward: RewardModel, prompts given: [[Int32]]? = nil,
    hasGold: Bool = true, keep: (Int, Experience) throws -> Void = { _, _ in }
  ) throws -> (policy: LanguageModel, value: ScalarModel) {
    let configuration = scenario.ppo
    let stream = generator.stream("ppo")
    let workers = workers
    let rollout = Rollout(
      configuration: configuration, reference: policy, endOfSequence: tokenizer.endOfSequence,
      workers: workers
    ) { exchanges in
      try reward.scores(exchanges.map(reward.ended), workers: workers)
    }
    let value = ScalarModel(
      trunkOf: reward.model,
      head: Tensor(repeating: 0, shape: [1, reward.model.configuration.width]))
    var trainer = PPOTrainer(
      configuration, policy: policy, value: value, rollout: rollout, using: stream)
    try run(.ppo, total: configuration.iterations, unit: "iterations") {
      try trainer.run { iteration, count in
        var stream = stream.stream("prompts", iteration)
        guard let given else { return prompts(stream, count: count) }
        return (0..<count).map { (_: Int) -> [Int32] in given[stream.index(below: given.count)] }
      } report: { metrics, experience in
        let rewardBytes = reward.members.reduce(0) { $0 + $1.model.parameters.byteCount }
        metrics.append("memory/reward", Double(rewardBytes))
        if hasGold {
          let total = experience.episodes.reduce(0) { $0 + gold($1.exchange, ended: $1.ended) }
          metrics.append("objective/gold", total / Double(experience.episodes.count))
        }
        try observer.advance(.ppo, to: metrics.step, metrics: metrics)
        try keep(metrics.step, experience)
      }
    }
    return (trainer.policy, trainer.value)
  }
}
