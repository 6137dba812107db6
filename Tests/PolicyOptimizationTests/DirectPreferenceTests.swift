import Foundation
import LanguageModels
import Statistics
import TestSupport
import Testing

@testable import Numerics
@testable import RLHF

@Suite struct DirectPreferenceTests {
  @Test("the loss and its derivatives are those of plain loops", arguments: [0.0, 0.3])
  func twin(smoothing: Double) {
    var generator = SeededGenerator(seed: 3)
    let tokens = generator.gaussians(7).map { Double(Float($0)) }
    let reference = [(chosen: 0.5, rejected: -1.0), (chosen: 2.0, rejected: 0.25)]
    func loss(_ tokens: [Double]) -> Double {
      let first = 0.4 * (tokens[0] + tokens[1] - 0.5 - (tokens[2] - -1.0))
      let second = 0.4 * (tokens[3] + tokens[4] + tokens[5] - 2 - (tokens[6] - 0.25))
      return [first, second].reduce(0) { sum, margin in
        let right = 1 / (1 + exp(-margin))
        return sum - 0.5 * ((1 - smoothing) * log(right) + smoothing * log(1 - right))
      }
    }
    let tape = Tape(recording: true)
    let leaf = tape.leaf(Tensor(tokens.map { Float($0) }))
    let (value, margins) = tape.directPreferenceLoss(
      leaf, lengths: [(2, 1), (3, 1)], reference: reference, beta: 0.4, smoothing: smoothing,
      weight: 0.5)
    #expect(abs(Double(value.value[0]) - loss(tokens)) < .float32Rounding)
    #expect(margins.count == 2)
    let derivatives = tape.gradients(of: value, leaves: [leaf])[0].values.map(Double.init)
    for token in tokens.indices {
      var (up, down) = (tokens, tokens)
      up[token] += 1e-5
      down[token] -= 1e-5
      #expect(abs(derivatives[token] - (loss(up) - loss(down)) / 2e-5) < .decoderRounding)
    }
  }

  @Test(
    "every loss of a pair has the value worked out by hand",
    arguments: [
      // h = 1.5 and β = 0.4: β h = 0.6.
      (DPOLoss.sigmoid, 0.1, 0.9 * log(1 + exp(-0.6)) + 0.1 * log(1 + exp(0.6))),
      (.ipo, 0, (1.5 - 1.25) * (1.5 - 1.25)), (.hinge, 0, 0.4),
      (.robust, 0.1, (0.9 * log(1 + exp(-0.6)) - 0.1 * log(1 + exp(0.6))) / 0.8),
    ])
  func equations(loss: DPOLoss, smoothing: Double, expected: Double) {
    let tape = Tape(recording: true)
    let (value, margins) = tape.directPreferenceLoss(
      tape.leaf(Tensor([-1, -2])), lengths: [(1, 1)], reference: [(-1.25, -0.75)], by: loss,
      beta: 0.4, smoothing: smoothing, weight: 1)
    #expect(abs(Double(value.value[0]) - expected) < .float32Rounding)
    #expect(abs(margins[0] - 0.6) < .float32Rounding)
    #expect(
      abs(DPOLoss.hinge(Dual(5, derivative: 1), beta: 0.4, smoothing: 0).derivative) == 0,
      "a pair that is apart enough pulls no more")
  }

  @Test("margins of any size have a finite loss")
  func extremes() {
    let tape = Tape(recording: true)
    let leaf = tape.leaf(Tensor([900, -900]))
    for beta in [-1.0, 1] {
      let loss = tape.directPreferenceLoss(
        leaf, lengths: [(1, 1)], reference: [(0, 0)], beta: beta, weight: 1
      ).loss.value[0]
      #expect(beta > 0 ? loss == 0 : loss == 1_800)
    }
  }

  /// Pairs of which the better one says 3 where the worse one says 5.
  func pairs(_ count: Int) -> [RankedResponses] {
    makePrompts(count).enumerated().map { index, prompt in
      let other = Int32(1 + index % 2)
      return RankedResponses(
        prompt: prompt, chosen: [3, other, endOfSequence], rejected: [5, endOfSequence])
    }
  }

  func train(
    _ configuration: DPOConfiguration, rounds: Int, continuing: Continuation = .none
  ) throws -> (trainer: DPOTrainer, metrics: [StepMetrics]) {
    let pairs = pairs(24)
    var trainer = DPOTrainer(
      configuration, policy: try makePolicy(),
      steps: rounds * DPOTrainer.steps(for: pairs.count, configuration),
      workers: Workers(count: 2))
    var all: [StepMetrics] = []
    try trainer.run(
      rounds: rounds, using: SeededGenerator(seed: 2), continuing: continuing
    ) { _, _ in
      pairs
    } report: {
      all.append($0)
    }
    return (trainer, all)
  }

  @Test("starts at log 2, where the policy is the reference, and learns what was preferred")
  func learns() throws {
    var configuration = DPOConfiguration()
    configuration.batchSize = 8
    configuration.optimizer.learningRate = 0.003
    let (trainer, metrics) = try train(configuration, rounds: 10)
    #expect(metrics.count == 30 && metrics.last?.totalSteps == 30)
    #expect(abs((metrics[0]["dpo/loss"] ?? 0) - log(2)) < .float32Rounding)
    #expect(abs(metrics[0]["dpo/margin"] ?? 1) < .float32Rounding)
    #expect(metrics[29]["dpo/accuracy"] == 1)
    #expect(try #require(metrics[29]["dpo/loss"]) < 0.5)
    func logProbability(_ policy: LanguageModel, of token: Int32) -> Float {
      policy.responseLogProbabilities(
        [Exchange(prompt: [1], response: [token])], temperature: 1, on: Tape(recording: false)
      ).logProbabilities.value[0]
    }
    let before = try makePolicy()
    let gain = logProbability(trainer.policy, of: 3) - logProbability(before, of: 3)
    let loss = logProbability(trainer.policy, of: 5) - logProbability(before, of: 5)
    #expect(gain > loss + 1)
  }

  @Test("the gradient shrinks with label smoothing")
  func smoothing() throws {
    func gradients(_ smoothing: Double) throws -> [[Float]] {
      var configuration = DPOConfiguration()
      configuration.labelSmoothing = smoothing
      let trainer = DPOTrainer(
        configuration, policy: try makePolicy(), steps: 1, workers: Workers(count: 2))
      return try trainer.gradients(on: pairs(6)).gradients.tensors.compactMap { $0?.values }
    }
    let (plain, smoothed) = (try gradients(0), try gradients(0.25))
    #expect(plain.contains { $0.contains { abs($0) > 1e-3 } })
    for (plain, smoothed) in zip(plain, smoothed) {
      // At the reference the derivative is β (ε − ½).
      #expect(
        isClose(smoothed.map(Double.init), plain.map { 0.5 * Double($0) }, within: .float32Rounding)
      )
    }
  }

  @Test("resumes from a saved state to the same weights")
  func resumes() throws {
    var configuration = DPOConfiguration()
    configuration.batchSize = 8
    let whole = try train(configuration, rounds: 3).trainer
    struct PowerCut: Error {}
    var kept: TrainingState?
    #expect(throws: PowerCut.self) {
      try train(
        configuration, rounds: 3,
        continuing: Continuation(from: nil) { _, state in
          kept = state()
          if kept?.step == 6 { throw PowerCut() }
        })
    }
    let rest = try train(
      configuration, rounds: 3, continuing: Continuation(from: kept) { _, _ in })
    #expect(rest.metrics.map(\.step) == [7, 8, 9])
    #expect(bits(rest.trainer.policy.parameters) == bits(whole.policy.parameters))
  }
}
