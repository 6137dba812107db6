import Evaluation
import PolicyOptimization
package import Preferences
package import RewardModeling
import Tensors
import Tokenizers
import Training
package import Transformer

/// How a reward model does on held-out comparisons, and the best that anything could do.
package struct RewardReport: Sendable {
  package let evaluation: RewardEvaluation
  /// The Bayes ceiling: mean max(p, 1 − p) over the pairs; nil when the rows do not say p.
  package let ceiling: Double?
  /// Correlation of rewards with gold; nil when the rows do not say it.
  package let goldCorrelation: Double?
}

extension AlignmentLoop {
  /// Trains a reward model from an SFT policy: language head off, scalar head on, ranking, and
  /// then normalisation on samples of the policy.
  package func trainReward(
    from policy: LanguageModel, training: [Comparison], heldOut: [Comparison]
  ) throws -> (model: RewardModel, report: RewardReport) {
    let stream = generator.stream("reward model")
    var initializer = stream.stream("head")
    let head = ScalarModel.rewardHead(
      width: policy.configuration.width, using: &initializer)
    var scalar = ScalarModel(trunkOf: policy, head: head)
    let positions = policy.configuration.maximumPositions
    let pairs = try tokenize(training, positions: positions, purpose: "training")
    let judges = try tokenize(heldOut, positions: positions, purpose: "held-out")
    let trainer = RewardTrainer(scenario.reward, workers: workers)
    try run(.rewardModel, total: trainer.totalSteps(for: pairs.count)) {
      try trainer.train(&scalar, on: pairs, using: stream) { model, metrics in
        let evaluation = try evaluate(reward(model), on: judges)
        metrics.append("eval/loss", evaluation.loss)
        metrics.append("eval/accuracy", evaluation.accuracy.value)
        metrics.append("eval/ece", evaluation.calibrationError)
        metrics.append("eval/margin_mean", evaluation.meanMargin)
        metrics.append("eval/length_correlation", evaluation.lengthCorrelation)
      } report: { metrics in
        try observer.advance(.rewardModel, to: metrics.step, metrics: metrics)
      }
    }
    var model = reward(scalar)
    model.normalization = try normalization(of: model, on: policy, prompts: pairs.map(\.prompt))
    return (model, try report(of: model, on: heldOut))
  }

  /// A held-out judgement of any reward model.
  package func report(of model: RewardModel, on heldOut: [Comparison]) throws -> RewardReport {
    let pairs = try tokenize(
      heldOut, positions: model.model.configuration.maximumPositions, purpose: "held-out")
    let rewards = try model.rewards(pairs.flatMap(\.exchanges), workers: workers)
    let probabilities = heldOut.compactMap(\.probability)
    let gold = heldOut.flatMap { [$0.chosenGold, $0.rejectedGold].compactMap(\.self) }
    return RewardReport(
      evaluation: RewardEvaluation(pairs, rewards: rewards),
      ceiling: probabilities.count == heldOut.count
        ? Summary(probabilities.map { max($0, 1 - $0) }).mean : nil,
      goldCorrelation: gold.count == rewards.count
        ? Statistics.correlation(rewards, gold) : nil)
  }

  private func reward(_ model: ScalarModel) -> RewardModel {
    RewardModel(model: model, specialTokens: specialTokens)
  }

  private func evaluate(
    _ model: RewardModel, on pairs: [TokenizedComparison]
  ) throws -> RewardEvaluation {
    RewardEvaluation(
      pairs, rewards: try model.rewards(pairs.flatMap(\.exchanges), workers: workers))
  }

  /// Mean and deviation of the rewards of the policy's own responses to prompts of the comparisons.
  private func normalization(
    of model: RewardModel, on policy: LanguageModel, prompts all: [[Int32]]
  ) throws -> RewardNormalization {
    var stream = generator.stream("normalization")
    // Behind the prompt comes a response and, when it is cut off, an end.
    let room = policy.configuration.maximumPositions - maximumTokens - 1
    let fitting = all.filter { $0.count <= room }
    guard !fitting.isEmpty else {
      observer.note(
        "rewards stay as they are: no prompt leaves room for a response to measure them")
      return RewardNormalization()
    }
    let prompts = (0..<scenario.evaluation.normalizationResponses).map { _ in
      fitting[stream.index(below: fitting.count)]
    }
    let responses = try sample(
      policy, prompts: prompts, stream, temperature: scenario.ppo.temperature)
    let rewards = try model.rewards(
      zip(prompts, responses).map { model.ended(Exchange(prompt: $0, response: $1.tokens)) },
      workers: workers)
    let summary = Summary(rewards)
    return RewardNormalization(
      mean: summary.mean, standardDeviation: max(summary.standardDeviation, 1e-6))
  }

  /// Comparisons in tokens; those that the model cannot hold are left out and counted aloud.
  func tokenize(
    _ comparisons: [Comparison], positions: Int, purpose: String
  ) throws -> [TokenizedComparison] {
    let all = comparisons.map { row in
      TokenizedComparison(
        prompt: tokenizer.encodePrompt(row.prompt),
        chosen: tokenizer.encode(row.chosen) + [tokenizer.endOfSequence],
        rejected: tokenizer.encode(row.rejected) + [tokenizer.endOfSequence],
        margin: row.margin ?? 0)
    }
    let usable = all.filter { pair in
      pair.prompt.count + max(pair.chosen.count, pair.rejected.count) <= positions
        && !pair.prompt.isEmpty && pair.chosen != pair.rejected
    }
    if usable.count < all.count {
      observer.note(
        "\(all.count - usable.count) of \(all.count) \(purpose) comparisons are left out: longer "
          + "than the model's \(positions) positions, without a prompt, or alike in tokens")
    }
    guard !usable.isEmpty else {
      throw LoopError.empty(file: "\(purpose) comparisons", what: "row")
    }
    return usable
  }
}
