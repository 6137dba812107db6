package import LanguageModels
import Numerics
package import Preferences
package import RLHF
package import RunRecords
import Statistics

extension AlignmentLoop {
  /// Trains a reward model from an SFT policy: language head off, scalar head on, the objective of
  /// the scenario, and then normalisation on samples of the policy; an ensemble member by member.
  ///
  /// - Parameters:
  ///   - trunk: what a model of its own size starts from; nil trains it, where it is needed.
  ///   - previous: a model to go on from, that of an earlier round.
  ///   - labels: held-out rows with labels, where they are learned.
  /// - Throws: `RewardModelingError` for rows that do not go with `reward.objective`.
  package func trainReward(
    from policy: LanguageModel, trunk: LanguageModel? = nil,
    continuing previous: RewardModel? = nil,
    training: some RowStream<PreferenceRow>, heldOut: some RowStream<Comparison>,
    labels: some RowStream<PreferenceRow> = [PreferenceRow]()
  ) throws -> (model: RewardModel, report: EvaluationSummary.RewardModel) {
    let judges = try heldOutRows(
      heldOut, labels: labels, positions: policy.configuration.maximumPositions)
    let model = try trainedReward(
      for: policy, trunk: trunk ?? previous.map { _ in policy } ?? trainRewardTrunk() ?? policy,
      continuing: previous, training: training, judges: judges)
    // What was trained on is no longer in memory: there may have been a million rows.
    NumericalLibraries.releaseFreedMemory()
    return (
      model,
      try report(
        of: model, on: judges, training: Judgements(of: training, pairingRatings: nil))
    )
  }

  private func trainedReward(
    for policy: LanguageModel, trunk: LanguageModel, continuing previous: RewardModel?,
    training: some RowStream<PreferenceRow>, judges: HeldOutRows
  ) throws -> RewardModel {
    let settings = scenario.reward
    let rows = try tokenize(
      training, upTo: settings.pairsUsed, positions: trunk.configuration.maximumPositions,
      purpose: "training")
    if let wanted = settings.pairsUsed, rows.count < wanted {
      observer.note("`reward.pairs_used` is \(wanted), and there are only \(rows.count) rows")
    }
    // Their texts, and arrays that they have outgrown.
    NumericalLibraries.releaseFreedMemory()
    try requireMemory(
      for: .reward, learning: settings.freeze > 0 ? [] : [trunk.parameters],
      copies: [trunk.parameters])
    let trainer = RewardTrainer(settings, workers: workers)
    let elements = try settings.elements(of: rows).count
    let steps = trainer.totalSteps(for: elements)
    // Each round has as many rows more as the first one had.
    let before = (0..<round).reduce(0) {
      $0 + settings.ensemble * trainer.totalSteps(for: elements * ($1 + 1) / (round + 1))
    }
    let models = try run(
      .reward, total: settings.ensemble * steps, before: before
    ) { continuation in
      try trainer.trainMembers(
        from: trunk, continuingFrom: previous?.members.map(\.model), on: rows,
        using: generator.stream("reward model"), continuing: continuation
      ) { model, metrics in
        let model = reward([.init(model: model)])
        let figures = EvaluationSummary.RewardModel(
          judges.pairs, rewards: try rewards(of: judges.pairs, by: model),
          choices: settings.choiceProbability)
        let labels = try labelFigures(of: model, on: judges)
        let values: [(Metric, Double?)] = [
          (.heldOutLoss, figures.loss), (.heldOutAccuracy, figures.accuracy?.value),
          (.calibrationError, figures.ece), (.heldOutMargin, figures.marginMean),
          (.lengthCorrelation, figures.length?.correlation),
          (.labelLoss, labels?.labels.loss), (.labelAccuracy, labels?.labels.accuracy.value),
          (.areaUnderCurve, labels?.labels.areaUnderCurve), (.stepF1, labels?.steps?.f1),
        ]
        for case (let metric, let value?) in values { metrics.append(metric, value) }
      } report: { metrics in
        try observer.advance(.reward, to: metrics.step, metrics: metrics)
      }
    }
    return reward(try normalized(models, on: policy, rows: rows))
  }

  private func reward(_ members: [RewardModel.Member]) -> RewardModel {
    var model = RewardModel(
      members: members, combination: scenario.reward.combination, specialTokens: specialTokens)
    model.stepSeparator = scenario.reward.reading == .steps ? scenario.reward.stepSeparator : nil
    return model
  }

  /// Models with mean and sd of their rewards of the policy's own responses to prompts of the
  /// training rows.
  private func normalized(
    _ models: [ScalarModel], on policy: LanguageModel, rows: TokenizedRows
  ) throws -> [RewardModel.Member] {
    var stream = generator.stream("normalization")
    let room = policy.configuration.maximumPositions - 1 - maximumTokens  // 1 for the end
    let fitting = rows.indices.filter { rows.promptLength(at: $0) <= room }
    guard !fitting.isEmpty else {
      observer.note(
        "rewards stay as they are: no prompt leaves room for a response to measure them")
      return models.map { RewardModel.Member(model: $0) }
    }
    let prompts = (0..<scenario.evaluation.normalizationResponses).map { _ in
      rows[fitting[stream.index(below: fitting.count)]].prompt
    }
    let responses = try sample(
      policy, prompts: prompts, stream, temperature: scenario.ppo.temperature)
    return try models.map { model in
      let reward = reward([.init(model: model)])
      let rewards = try reward.rewards(
        zip(prompts, responses).map { reward.ended(Exchange(prompt: $0, response: $1.tokens)) },
        workers: workers)
      let summary = Summary(rewards)
      let isSpread = summary.standardDeviation > 1e-6
      if !isSpread {
        observer.note(
          "rewards are centred but not scaled: those of the policy's own responses are all alike")
      }
      return RewardModel.Member(
        model: model,
        normalization: RewardNormalization(
          mean: summary.mean, standardDeviation: isSpread ? summary.standardDeviation : 1))
    }
  }
}
