package import LanguageModels
import Numerics
package import Statistics

extension RewardTrainer {
  /// Trains the members of the ensemble one after the other, from one trunk and on the same rows:
  /// the seed of a member decides its head and its order of the rows (Coste et al. 2023).
  ///
  /// The first is the model that would be trained without an ensemble. Reported steps go on from
  /// member to member, and `reward/member` counts them from 0.
  ///
  /// - Parameters: as those of training a single model.
  package func trainMembers<Rows: RandomAccessCollection<RankedResponses>>(
    from trunk: some TransformerModel, on rows: Rows,
    using generator: SeededGenerator, continuing continuation: Continuation = .none,
    evaluate: (ScalarModel, inout StepMetrics) throws -> Void, report: MetricsHandler
  ) throws -> [ScalarModel] where Rows.Index == Int {
    let steps = totalSteps(for: try configuration.elements(of: rows).count)
    let begun = try continuation.state?.count("member") ?? 0
    var finished: [ScalarModel] = []
    for member in 0..<configuration.ensemble {
      let stream = member == 0 ? generator : generator.stream("member", member)
      var initializer = stream.stream("head")
      let head = ScalarModel.rewardHead(width: trunk.configuration.width, using: &initializer)
      var model = ScalarModel(trunkOf: trunk, head: head)
      if member < begun {
        try continuation.state?.restore(&model.parameters, from: "member-\(member)")
      } else {
        try train(
          &model, on: rows, using: stream,
          continuing: continuation.of(
            member, after: finished, in: configuration.ensemble, stepsEach: steps),
          evaluate: evaluate
        ) { metrics in
          guard configuration.ensemble > 1 else { return try report(metrics) }
          try report(
            StepMetrics(
              step: member * steps + metrics.step, of: configuration.ensemble * steps,
              metrics.values + [(.ensembleMember, Double(member))]))
        }
      }
      finished.append(model)
    }
    return finished
  }
}

extension Continuation {
  /// That of one member of an ensemble: its state goes on from its own, and holds the models of
  /// those before it.
  fileprivate func of(
    _ member: Int, after finished: [ScalarModel], in ensemble: Int, stepsEach steps: Int
  ) throws -> Continuation {
    let isBegun = try state?.count("member") == member
    return Continuation(from: isBegun ? state : nil) { isLast, state in
      try keep(isLast: isLast && member == ensemble - 1) {
        var state = state()
        state.step += member * steps
        state.set("member", Double(member))
        for (index, model) in finished.enumerated() {
          state.set("member-\(index)", model.parameters)
        }
        return state
      }
    }
  }
}
