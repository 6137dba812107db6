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

  @Test("KTO has the value worked out by hand, and no gradient through z")
  func unpaired() {
    let tape = Tape(recording: true)
    let leaf = tape.leaf(Tensor([-1, -2, -0.5]))
    // Log-ratios 0.5 of two tokens and −1.5 of one; z = 0.25 and β = 2: β h = 0.5 and 3.5.
    let (value, margins) = tape.unpairedPreferenceLoss(
      leaf, lengths: [2, 1], reference: [-3.5, 1], labels: [true, false], divergence: 0.25, beta: 2,
      weights: (1.5, 0.5), weight: 0.5)
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    #expect(margins == [0.5, 3.5])
    let expected = 0.75 * (1 - sigmoid(0.5)) + 0.25 * (1 - sigmoid(3.5))
    #expect(abs(Double(value.value[0]) - expected) < .float32Rounding)
    let gradient = tape.gradients(of: value, leaves: [leaf])[0].values.map(Double.init)
    let desirable = -0.75 * 2 * sigmoid(0.5) * sigmoid(-0.5)
    let undesirable = 0.25 * 2 * sigmoid(3.5) * sigmoid(-3.5)
    for (found, expected) in zip(gradient, [desirable, desirable, undesirable]) {
      #expect(abs(found - expected) < .float32Rounding)
    }
  }

  @Test("z is the mean log-ratio of the response before, at least 0, and 0 of a single response")
  func divergence() throws {
    var configuration = DPOConfiguration()
    configuration.loss = .kto
    let (trainer, metrics) = try train(configuration, rounds: 8)
    #expect(
      metrics[0]["dpo/kl"] == 0 && abs((metrics[0]["dpo/loss"] ?? 0) - 0.5) < .float32Rounding)
    let batch = Array(pairs(3).flatMap(\.labelled).prefix(5))
    func logRatio(_ prompt: [Int32], _ response: [Int32]) -> Double {
      let exchange = Exchange(prompt: prompt, response: response)
      let sums = [trainer.policy, trainer.reference].map {
        $0.responseLogProbabilities([exchange], temperature: 1, on: Tape(recording: false))
          .logProbabilities.value.values.reduce(0) { $0 + Double($1) }
      }
      return sums[0] - sums[1]
    }
    let order = [4, 0, 1, 2, 3]
    let mean = order.enumerated().reduce(0) {
      $0 + logRatio(batch[$1.offset].prompt, batch[$1.element].responses[0]) / 5
    }
    #expect(abs(try trainer.divergence(on: batch) - max(0, mean)) < .decoderRounding)
    let desirable = batch.filter { $0.ratings == [1] }
    #expect(try trainer.divergence(on: desirable) > 0)
    #expect(try trainer.divergence(on: [batch[0]]) == 0)
    // The other way round the mean is below 0.
    let learned = trainer.policy
    var back = DPOTrainer(
      configuration, policy: trainer.reference, steps: 1, workers: Workers(count: 2))
    back.reference = learned
    #expect(try back.divergence(on: desirable) == 0)
  }

  @Test("KTO learns from labelled responses what was desirable, and weights move it")
  func learnsLabels() throws {
    var configuration = DPOConfiguration()
    configuration.loss = .kto
    configuration.batchSize = 8
    configuration.optimizer.learningRate = 0.003
    let (trainer, metrics) = try train(configuration, rounds: 10)
    #expect(metrics.count == 60 && metrics.last?.totalSteps == 60)
    #expect(try #require(metrics.last?["dpo/accuracy"]) == 1)
    #expect(try #require(metrics.last?["dpo/loss"]) < 0.4)
    #expect(trainer.policy.parameters.count > 0)
    configuration.desirableWeight = 0
    configuration.undesirableWeight = 0
    let (_, still) = try train(configuration, rounds: 1)
    #expect(still.allSatisfy { $0["dpo/loss"] == 0 && $0["dpo/gradient_norm"] == 0 })
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
    let elements = pairs(24).flatMap(configuration.elements)
    var trainer = DPOTrainer(
      configuration, policy: try makePolicy(),
      steps: rounds * DPOTrainer.steps(for: elements.count, configuration),
      workers: Workers(count: 2))
    var all: [StepMetrics] = []
    try trainer.run(
      rounds: rounds, using: SeededGenerator(seed: 2), continuing: continuing
    ) { _, _ in
      elements
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
