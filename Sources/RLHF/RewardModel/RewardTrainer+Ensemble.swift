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
  /// - Parameters:
  ///   - models: members to go on from; nil begins with the trunk and new heads. The others are those of
  ///     training a single model.
  package func trainMembers<Rows: RandomAccessCollection<RankedResponses>>(
    from trunk: some TransformerModel, continuingFrom models: [ScalarModel]? = nil, on rows: Rows,
    using generator: SeededGenerator, continuing continuation: Continuation = .none,
    evaluate: (ScalarModel, inout StepMetrics) throws -> Void, report: MetricsHandler
  ) throws -> [ScalarModel] where Rows.Index == Int {
    let steps = totalSteps(for: try configuration.elements(of: rows).count)
    let begun = try continuation.state?.count("member") ?? 0
    var finished: [ScalarModel] = []
    for member in 0..<configuration.ensemble {
      let stream = member == 0 ? generator : generator.stream("member", member)
      var initializer = stream.stream("head")
      let head = ScalarModel.rewardHead(
        width: trunk.configuration.headInputWidth, using: &initializer)
      var model = models?[member] ?? ScalarModel(trunkOf: trunk, head: head)
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
  /// That of one member of an ensemble: its state holds the models of the members before it.
  fileprivate func of(
    _ member: Int, after finished: [ScalarModel], in ensemble: Int, stepsEach steps: Int
  ) throws -> Continuation {
    let isBegun = try state?.count("member") == member
    return Continuation(from: isBegun ? state : nil) { isLast, state in
      try save(isLast: isLast && member == ensemble - 1) {
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

/// Remembers the parameters with the lowest held-out loss, and ends training when it stops falling.
struct EarlyStopping {
  /// Evaluations without a lower loss after which training stops.
  let patience: Int
  private(set) var best: (loss: Double, step: Int, parameters: ParameterSet)?
  private var evaluationsSinceBest = 0

  init(patience: Int) { self.patience = patience }

  /// Takes note of an evaluation's `eval/label_loss`, or else `eval/loss`, and returns whether it is time to stop; adds
  /// `eval/best_loss` and `eval/best_step` to the metrics.
  mutating func observe(_ metrics: inout StepMetrics, parameters: ParameterSet) -> Bool {
    guard let loss = metrics[.labelLoss] ?? metrics[.heldOutLoss] else {
      preconditionFailure("early stopping needs the held-out loss of every evaluation")
    }
    if loss < best?.loss ?? .infinity {
      best = (loss, metrics.step, parameters)
      evaluationsSinceBest = 0
    } else {
      evaluationsSinceBest += 1
    }
    if let best {
      metrics.append(.bestLoss, best.loss)
      metrics.append(.bestStep, Double(best.step))
    }
    return evaluationsSinceBest >= patience
  }

  func save(in state: inout TrainingState) {
    state.set("early_stopping.evaluations_since_best", Double(evaluationsSinceBest))
    guard let best else { return }
    state.set("early_stopping.best_loss", best.loss)
    state.set("early_stopping.best_step", Double(best.step))
    state.set("early_stopping.best", best.parameters)
  }

  /// - Parameter parameters: of the model that is trained.
  /// - Throws: `TrainingStateError`
  mutating func restore(
    from state: TrainingState, for parameters: ParameterSet
  ) throws(TrainingStateError) {
    evaluationsSinceBest = try state.count("early_stopping.evaluations_since_best")
    guard state.numbers["early_stopping.best_loss"] != nil else { return }
    var saved = parameters
    try state.restore(&saved, from: "early_stopping.best")
    best = (
      try state.number("early_stopping.best_loss"), try state.count("early_stopping.best_step"),
      saved
    )
  }
}
