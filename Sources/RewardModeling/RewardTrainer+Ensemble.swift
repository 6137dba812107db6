package import Tensors
package import Training
package import Transformer

extension RewardTrainer {
  /// Trains the members of the ensemble one after the other, from one trunk and on the same rows:
  /// the seed of a member decides its head and its order of the rows (Coste et al. 2023).
  ///
  /// The first is the model that would be trained without an ensemble. Reported steps go on from
  /// member to member, and `reward/member` counts them from 0.
  ///
  /// - Parameters: as those of training a single model.
  package func trainMembers(
    from trunk: some TransformerModel, on rows: [RankedResponses],
    using generator: SeededGenerator,
    evaluate: (ScalarModel, inout StepMetrics) throws -> Void, report: MetricsHandler
  ) throws -> [ScalarModel] {
    try (0..<configuration.ensemble).map { member in
      let stream = member == 0 ? generator : generator.stream("member", member)
      var initializer = stream.stream("head")
      let head = ScalarModel.rewardHead(width: trunk.configuration.width, using: &initializer)
      var model = ScalarModel(trunkOf: trunk, head: head)
      try train(&model, on: rows, using: stream, evaluate: evaluate) { metrics in
        guard configuration.ensemble > 1 else { return try report(metrics) }
        let steps = metrics.totalSteps
        try report(
          StepMetrics(
            step: member * steps + metrics.step, of: configuration.ensemble * steps,
            metrics.values + [("reward/member", Double(member))]))
      }
      return model
    }
  }
}
