import LanguageModels
import Numerics
import Statistics
import Testing

@testable import RLHF

@Suite("Held-out judgements during training")
struct EarlyStoppingTests {
  private let model: ScalarModel
  private let comparisons = TestRewardModel.comparisons(24)

  init() throws { model = try TestRewardModel.make().model }

  private typealias Outcome = (
    model: [[Float]], steps: [StepMetrics], evaluated: [[[Float]]]
  )

  /// Trains for eight steps on what `losses` says at each evaluation.
  private func train(
    losses: [Double] = [], evaluations: Int = 8, patience: Int? = nil
  ) throws -> Outcome {
    var configuration = RewardConfiguration()
    configuration.batchSize = 6
    configuration.epochs = 2
    configuration.evaluations = evaluations
    configuration.earlyStopping = patience
    var trained = model
    var steps: [StepMetrics] = []
    var evaluated: [[[Float]]] = []
    try RewardTrainer(configuration, workers: Workers(count: 2)).train(
      &trained, on: comparisons, using: SeededGenerator(seed: 1),
      evaluate: { model, metrics in
        if evaluated.count < losses.count { metrics.append(.heldOutLoss, losses[evaluated.count]) }
        evaluated.append(model.parameters.tensors.map(\.values))
        _ = try RewardModel(
          model: model, specialTokens: SpecialTokens(endOfSequence: 0, padding: 1)
        ).rewards(comparisons.flatMap(\.exchanges), workers: Workers(count: 2))
      }, report: { steps.append($0) })
    return (trained.parameters.tensors.map(\.values), steps, evaluated)
  }

  @Test("change nothing of the training, however often they happen")
  func harmless() throws {
    let once = try train(evaluations: 1)
    let often = try train(evaluations: 10)
    #expect(once.evaluated.count == 1 && often.evaluated.count == 8)
    #expect(once.model == often.model)
    for (a, b) in zip(once.steps, often.steps) {
      #expect(a["reward/loss"] == b["reward/loss"])
    }
  }

  @Test("stop it when the loss has not fallen for long, and return the best model")
  func stops() throws {
    let outcome = try train(losses: [0.7, 0.6, 0.65, 0.5, 0.5, 0.55, 0.1, 0.1], patience: 2)
    #expect(outcome.steps.count == 6)
    #expect(outcome.model == outcome.evaluated[3])
    #expect(outcome.model != outcome.evaluated[5])
    #expect(outcome.steps.map { $0["eval/best_step"] } == [1, 2, 2, 4, 4, 4])
    #expect(outcome.steps.map { $0["eval/best_loss"] } == [0.7, 0.6, 0.6, 0.5, 0.5, 0.5])
  }

  @Test("return the best model also of a training that goes to its end")
  func best() throws {
    let losses = [0.7, 0.4, 0.65, 0.5, 0.45, 0.55, 0.6, 0.6]
    let outcome = try train(losses: losses, patience: 100)
    #expect(outcome.steps.count == 8)
    #expect(outcome.model == outcome.evaluated[1])
    let without = try train(losses: losses)
    #expect(without.model == without.evaluated[7])
    #expect(without.steps.allSatisfy { $0["eval/best_loss"] == nil })
  }

  @Test("that are not a number count as no better")
  func notANumber() throws {
    let outcome = try train(losses: [0.7, .nan, .nan, 0.1], patience: 2)
    #expect(outcome.steps.count == 3)
    #expect(outcome.model == outcome.evaluated[0])
  }
}
