import Foundation
import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@testable import RLHF

@Suite("Training a reward model")
struct RewardTrainerTests {
  private let model: ScalarModel
  private let comparisons = TestRewardModel.comparisons(12)

  init() throws { model = try TestRewardModel.make(deviation: 0.05).model }

  private func trainer(
    threads: Int = 1, _ change: (inout RewardConfiguration) -> Void = { _ in }
  ) -> RewardTrainer {
    var configuration = RewardConfiguration()
    configuration.batchSize = 12
    configuration.optimizer.learningRate = 5e-3
    change(&configuration)
    return RewardTrainer(configuration, workers: Workers(count: threads))
  }

  private func train(
    _ trainer: RewardTrainer, on comparisons: [RankedResponses]? = nil, seed: UInt64 = 1
  ) throws -> (model: ScalarModel, steps: [StepMetrics]) {
    var trained = model
    var steps: [StepMetrics] = []
    try trainer.train(
      &trained, on: comparisons ?? self.comparisons, using: SeededGenerator(seed: seed),
      evaluate: { _, metrics in metrics.append(.heldOutLoss, 1) }, report: { steps.append($0) })
    return (trained, steps)
  }

  @Test("memorises a batch")
  func overfits() throws {
    let (trained, steps) = try train(trainer { $0.epochs = 60 })
    let result = try trainer().gradients(of: trained, on: comparisons)
    #expect(result.accuracy == 1)
    #expect(result.loss < 0.2)
    #expect(steps.count == 60)
    #expect((steps[0]["reward/loss"] ?? 0) > 0.6)
    #expect(steps[0]["reward/accuracy"] != 1)
  }

  @Test("the other way round every margin has the other sign")
  func swapped() throws {
    let swapped = comparisons.map {
      RankedResponses(prompt: $0.prompt, chosen: $0.rejected, rejected: $0.chosen)
    }
    let trainer = trainer { $0.centering = 0 }
    let forwards = try trainer.gradients(of: model, on: comparisons)
    let backwards = try trainer.gradients(of: model, on: swapped)
    let accuracies = try (#require(forwards.accuracy), #require(backwards.accuracy))
    #expect(accuracies.0 > 0 && accuracies.0 < 1)
    #expect(abs(accuracies.0 + accuracies.1 - 1) < .float64Rounding)
    // softplus(−Δ) − softplus(Δ) = −Δ
    let rewards = model.rewards(
      comparisons.flatMap(\.exchanges), on: Tape(recording: false)
    ).value.values.map(Double.init)
    let margins = comparisons.indices.map { rewards[2 * $0] - rewards[2 * $0 + 1] }
    let mean = margins.reduce(0, +) / Double(margins.count)
    #expect(abs(forwards.loss - backwards.loss + mean) < .decoderRounding)
    let again = model.rewards(
      swapped.flatMap(\.exchanges), on: Tape(recording: false)
    ).value.values.map(Double.init)
    for (index, margin) in margins.enumerated() {
      #expect(abs(again[2 * index] - again[2 * index + 1] + margin) < .decoderRounding)
    }
  }

  @Test("how a batch is cut changes neither loss nor gradients")
  func shards() throws {
    let many = TestRewardModel.comparisons(300)
    #expect(Shards.ranges(of: many.count, tokens: many.reduce(0) { $0 + $1.count }).count > 2)
    let trainer = trainer(threads: 2) { $0.centering = 0.1 }
    let result = try trainer.gradients(of: model, on: many)
    let (gradients, loss) = (result.gradients, result.loss)
    let tape = Tape(recording: true)
    let whole = tape.pairwiseLoss(
      model.rewards(many.flatMap(\.exchanges), on: tape), margins: many.map(\.margin),
      centering: 0.1, weight: 1 / 300)
    let reference = tape.gradients(of: whole, parameterCount: model.parameters.count)
    #expect(abs(loss - Double(whole.value[0])) < .decoderRounding)
    for (index, name) in model.parameters.names.enumerated() {
      let a = try #require(gradients.tensors[index]).values
      let b = try #require(reference.tensors[index]).values
      #expect(zip(a, b).allSatisfy { abs($0 - $1) < .decoderRounding }, "\(name)")
    }
  }

  @Test("margins ask for more than being above")
  func margins() throws {
    let wide = comparisons.map {
      RankedResponses(
        prompt: $0.prompt, chosen: $0.chosen, rejected: $0.rejected, margin: 3)
    }
    let plain = try trainer().gradients(of: model, on: comparisons)
    let strict = try trainer().gradients(of: model, on: wide)
    #expect(strict.loss > plain.loss + 2)
    #expect(strict.accuracy == plain.accuracy)
  }

  @Test("takes ⌈pairs / batch⌉ steps per epoch and evaluates as often as told, last step included")
  func schedule() throws {
    let trainer = trainer {
      $0.batchSize = 5
      $0.epochs = 3
      $0.evaluations = 4
    }
    #expect(trainer.totalSteps(for: 12) == 9)
    let (_, steps) = try train(trainer)
    #expect(steps.map(\.step) == Array(1...9))
    #expect(steps.allSatisfy { $0.totalSteps == 9 })
    #expect(steps.filter { $0[.heldOutLoss] != nil }.map(\.step) == [3, 6, 9])
  }

  @Test("the seed and nothing else decides the order, and threads decide nothing")
  func order() throws {
    func run(threads: Int = 1, seed: UInt64 = 1, shuffle: Bool = true) throws -> [[Float]] {
      let trainer = trainer(threads: threads) {
        $0.batchSize = 4
        $0.shuffle = shuffle
      }
      return try train(trainer, seed: seed).model.parameters.tensors.map(\.values)
    }
    let first = try run()
    #expect(try run() == first)
    #expect(try run(threads: 2) == first)
    #expect(try run(seed: 2) != first)
    let unshuffled = try run(shuffle: false)
    #expect(unshuffled != first)
    #expect(try run(seed: 2, shuffle: false) == unshuffled)
  }

  @Test("unshuffled, steps follow the order of the rows")
  func rowOrder() throws {
    let (_, steps) = try train(
      trainer {
        ($0.batchSize, $0.epochs, $0.shuffle, $0.centering) = (1, 2, false, 0)
        $0.optimizer.learningRate = 0
      })
    let losses = steps.compactMap { $0["reward/loss"] }
    let rewards = model.rewards(
      comparisons.flatMap(\.exchanges), on: Tape(recording: false)
    ).value.values.map(Double.init)
    let expected = stride(from: 0, to: rewards.count, by: 2).map {
      log1p(exp(rewards[$0 + 1] - rewards[$0]))
    }
    #expect(losses.count == 2 * expected.count)
    #expect(zip(losses, expected + expected).allSatisfy { abs($0 - $1) < .decoderRounding })
  }

  @Test("each epoch has an order of its own, of the same pairs")
  func epochs() throws {
    let (_, steps) = try train(
      trainer {
        ($0.batchSize, $0.epochs) = (1, 2)
        $0.optimizer.learningRate = 0
      })
    let losses = steps.compactMap { $0["reward/loss"] }
    #expect(losses.count == 24 && Set(losses).count > 6)
    #expect(losses[..<12].sorted() == losses[12...].sorted())
    #expect(losses[..<12] != losses[12...])
  }

  @Test("frozen layers and embeddings stay as they were")
  func freezing() throws {
    let (trained, _) = try train(trainer { $0.freeze = 0.5 })
    for (index, name) in model.parameters.names.enumerated() {
      let same = trained.parameters.tensors[index].values == model.parameters.tensors[index].values
      let frozen = name == "token_embedding" || name.hasPrefix("layers.0.")
      #expect(same == frozen, "\(name)")
    }
  }
}
