import LanguageModels
import Numerics
import RLHF
import RunRecords
import Statistics
import Worlds

extension AlignmentLoop {
  /// PPO from a policy, against the rewards of `ppo.reward`.
  ///
  /// - Parameters:
  ///   - reference: the SFT policy; nil where that is what the policy is.
  ///   - reward: a source of rewards, and the start of the value model; without one that starts from
  ///     the policy.
  ///   - rollouts: gets rollouts of some iterations, in order; see ``rollouts(of:golds:iteration:updated:)``,
  ///     and what the policy answers to fixed prompts. First it is told how many iterations are done
  ///     already, by a stage that goes on.
  /// - Returns: beside the models, the judged responses of the reference that evaluations compare with.
  func optimize(
    _ policy: LanguageModel, reference: LanguageModel? = nil, reward: RewardModel?,
    rollouts sink: RolloutSink = RolloutSink()
  ) throws -> (policy: LanguageModel, value: ScalarModel, before: [JudgedResponse]) {
    let configuration = scenario.ppo
    let stream = generator.stream("ppo")
    var reward = reward
    reward?.moveToOwnArena()
    let scorer = try scorer(reward)
    let reference = reference ?? policy
    // The same prompts and random numbers in every round.
    let evaluation = round(0)
    let evaluationScorer = try evaluationScorer(reward)
    let fixedPrompts = sink.writeFixed == nil ? [] : evaluation.fixedPrompts()
    func writeFixed(_ policy: LanguageModel, after iteration: Int) throws {
      guard !fixedPrompts.isEmpty else { return }
      try sink.writeFixed?(
        evaluation.fixedResponses(
          of: policy, after: iteration, to: fixedPrompts, reference: reference, reward: reward,
          scorer: evaluationScorer))
    }
    let rollout = Rollout(
      configuration: configuration, reference: reference,
      endOfSequence: tokenizer.endOfSequence, workers: workers, judge: scorer.scores)
    func valueModel(on trunk: some TransformerModel) -> ScalarModel {
      ScalarModel(
        trunkOf: trunk, head: Tensor(repeating: 0, shape: [1, trunk.configuration.headInputWidth]))
    }
    // One of another size would make the value model vary with the reward model.
    let judge = scenario.reward.size.isOwn ? nil : reward
    let value = judge.map { valueModel(on: $0.model) } ?? valueModel(on: policy)
    try requireMemory(for: .ppo, learning: [], copies: [policy.parameters, value.parameters])
    var trainer = PPOTrainer(
      configuration, policy: policy, value: value, rollout: rollout, using: stream)
    try requireMemory(for: .ppo, learning: [trainer.policy.parameters])
    // Layers that were frozen while members learned are theirs in common only until they are read
    // from a checkpoint: each member counts for itself, so that a resumed run says the same.
    let rewardBytes = (reward?.members ?? []).map(\.model.parameters).reduce(0) {
      $0 + ($1.arena?.allocatedBytes ?? $1.allocatedBytes())
    }
    observer.hold(sizes(of: trainer, reference: reference, reward: reward))
    var before: [JudgedResponse] = []
    try run(
      .ppo, total: configuration.iterations, unit: "iterations",
      before: round * configuration.iterations
    ) { continuation in
      // What a standard deviation is, before anything is said in it.
      before = try evaluation.judge(
        reference, reference: reference, reward: reward, prompts: evaluation.evaluationPrompts())
      let sft = (
        score: try earnings(of: before, reward), gold: EvaluationSummary.Policy(before).gold
      )
      try sink.begin(continuation.state?.step)
      if continuation.state == nil { try writeFixed(policy, after: 0) }
      try trainer.run(continuing: continuation) { iteration, count in
        prompts(stream.stream("prompts", iteration), count: count)
      } pretraining: { iteration, step in
        corpus(stream.stream("pretraining", iteration, step))
      } warn: { warning in
        try observer.warn(warning)
      } report: { metrics, experience, updated in
        metrics.append(.rewardMemory, Double(rewardBytes))
        let means = scorer.takeMeans()
        if !configuration.reward.sources.isEmpty {
          for (index, mean) in means.enumerated() { metrics.append(.source(index + 1), mean) }
        }
        let golds = experience.episodes.compactMap { gold($0.exchange, ended: $0.ended) }
        if !golds.isEmpty { metrics.append(.gold, Summary(golds).mean) }
        let inSD: [(Metric, Double?)] = [
          (.scoreInSD, metrics[.score].flatMap { sft.score?.standardized($0) }),
          (.goldInSD, metrics[.gold].flatMap { sft.gold?.standardized($0) }),
          (.disagreement, scorer.takeDisagreement()),
        ]
        for case (let metric, let value?) in inSD { metrics.append(metric, value) }
        let isSaved = Self.savesRollouts(of: metrics.step, iterations: configuration.iterations)
        observer.describe(.ppo, details(of: experience, golds: golds, hasTexts: isSaved))
        try observer.advance(.ppo, to: metrics.step, metrics: metrics)
        if isSaved {
          try sink.write(
            rollouts(of: experience, golds: golds, iteration: metrics.step, updated: updated))
        }
        try writeFixed(updated, after: metrics.step)
      }
    }
    return (trainer.result, trainer.value, before)
  }

  /// What the reference earns by `ppo.reward`, in whose spread the score of an iteration is said.
  private func earnings(
    of before: [JudgedResponse], _ reward: RewardModel?
  ) throws -> Summary? {
    let earned = scenario.ppo.reward
    let scores =
      earned.isScoreOfEvaluations
      ? before.compactMap(\.score) : try scorer(reward).scores(of: before.map(\.exchange))
    guard !scores.isEmpty else { return nil }
    let summary = Summary(scores)
    // Relative to itself the reference earns nothing.
    return earned.relative ? Summary(scores.map { $0 - summary.mean }) : summary
  }

  /// How many parameters each model has; a value head is the policy's.
  private func sizes(
    of trainer: PPOTrainer, reference: LanguageModel, reward: RewardModel?
  ) -> [RunInformation.ModelSize] {
    var sizes: [RunInformation.ModelSize] = [
      .init(model: "policy", parameters: trainer.policy.parameters.elementCount),
      .init(model: "reference", parameters: reference.parameters.elementCount),
    ]
    if let reward {
      let judges = reward.members.reduce(0) { $0 + $1.model.parameters.elementCount }
      sizes.append(.init(model: "reward", parameters: judges))
    }
    guard scenario.ppo.hasSeparateValueModel else { return sizes }
    return sizes + [.init(model: "value", parameters: trainer.value.parameters.elementCount)]
  }

  /// As many texts of the fine-tuning corpus as a step of fine-tuning has.
  func corpus(_ stream: SeededGenerator) -> [Exchange] {
    (0..<scenario.fineTuning.batchSize).map { index in
      var generator = stream.stream("text", index)
      let (prompt, response) = world.samplePair(using: &generator)
      return Exchange(
        prompt: encode(prompt), response: specialTokens.ended(encode(response)))
    }
  }
}
