import Foundation
import LanguageModels
import Numerics
import Statistics
import TestSupport
import Testing

@testable import Oracles
@testable import RLHF

@Suite struct PolicyGradientTests {
  let space = SequenceSpace(vocabularySize: 4, endOfSequence: 2, maximumTokens: 3)
  let batches = 250
  let episodes = 32

  /// The smallest p-value, times their number, of z-tests of every coordinate of PPO's gradient in
  /// its first minibatch against ∇J: Bonferroni's bound on the chance of so large a difference.
  ///
  /// The loss is a mean over tokens, whose number is random; so each gradient is brought back to a
  /// sum per response, whose expectation is −∇J.
  ///
  /// - Parameter given: values of the states; nil for the exact ones.
  func chance(
    values given: [Double]?, lambda: Double, estimator: KLEstimator = .k1
  ) throws -> Double {
    var generator = SeededGenerator(seed: 30)
    let objective = generator.objective(space, coefficient: 0.5)
    let exact = PolicyValues(of: generator.policy(space), in: objective)
    let tables = TableModels(space)
    let configuration = configured(objective) {
      $0.lambda = lambda
      $0.kl.estimator = estimator
    }
    let policy = try tables.languageModel(exact.policy)
    let value = tables.valueModel(given ?? exact.values, on: policy)
    let rollout = try tables.rollout(configuration, objective)
    let update = PPOUpdate(configuration: configuration, workers: Workers(count: 2))
    let cells = space.states.count * space.vocabularySize
    var (sums, squares) = (Array(repeating: 0.0, count: cells), Array(repeating: 0.0, count: cells))
    for batch in 0..<batches {
      let experience = try rollout.collect(
        policy: policy, value: value, prompts: Array(repeating: tables.prompt, count: episodes),
        using: generator.stream("batch", batch), coefficient: objective.coefficient
      ).experience
      let result = try update.policyGradients(of: policy, on: experience.episodes)
      #expect(abs(result.statistics.ratios.largest - 1) < .decoderRounding)
      let scale = -Double(experience.tokens) / Double(episodes)
      for (cell, derivative) in try tables.table(result.gradients, of: policy).joined().enumerated()
      {
        sums[cell] += scale * derivative
        squares[cell] += scale * derivative * scale * derivative
      }
    }
    let n = Double(batches)
    let expected = Array(exact.logitGradient.joined())
    return (0..<cells).map { cell in
      let mean = sums[cell] / n
      let error = ((squares[cell] / n - mean * mean) / (n - 1)).squareRoot()
      return Double(cells) * erfc(abs(mean - expected[cell]) / error / 2.0.squareRoot())
    }.min() ?? 0
  }

  @Test("PPO's first gradient is unbiased: with any values at λ = 1, with exact ones at every λ")
  func unbiased() throws {
    var generator = SeededGenerator(seed: 31)
    let wrong = generator.gaussians(space.states.count)
    #expect(try chance(values: wrong, lambda: 1) > 0.01)
    #expect(try chance(values: nil, lambda: 0.95) > 0.01)
    #expect(try chance(values: nil, lambda: 0) > 0.01)
  }

  @Test(
    "the test would see a bias: wrong values below λ = 1, or a KL whose gradient is missing")
  func power() throws {
    var generator = SeededGenerator(seed: 31)
    let wrong = generator.gaussians(space.states.count)
    #expect(try chance(values: wrong, lambda: 0.5) < 1e-6)
    #expect(try chance(values: nil, lambda: 1, estimator: .exact) < 1e-6)
  }

  @Test("a decoder's gradient of J by enumeration is that of finite differences of the exact J")
  func decoder() throws {
    var generator = SeededGenerator(seed: 32)
    var shape = DecoderConfiguration()
    shape.vocabularySize = 4
    (shape.width, shape.layers, shape.heads, shape.keyValueHeads) = (8, 1, 2, 2)
    (shape.headWidth, shape.feedForwardWidth, shape.maximumPositions) = (4, 8, 8)
    var model = try LanguageModel(shape, using: &generator)
    for (index, name) in model.parameters.names.enumerated() where !name.hasSuffix("gain") {
      model.parameters.tensors[index].multiply(by: 20)  // from N(0, 0.02²): no corner is near
    }
    let objective = generator.objective(space, coefficient: 0.5)
    let (prompt, workers): ([Int32], Workers) = ([1, 3], Workers(count: 2))
    func value(_ model: LanguageModel) throws -> Double {
      objective.value(
        of: try TabularPolicy(
          of: model, after: prompt, in: space, temperature: 0.8, workers: workers))
    }
    // Σ_y π(y) Σ_t A(s_t, y_t) ∇ log π(y_t | s_t), every response an exchange of production code.
    let exact = PolicyValues(
      of: try TabularPolicy(
        of: model, after: prompt, in: space, temperature: 0.8, workers: workers), in: objective)
    let tape = Tape(recording: true)
    let logProbabilities = model.responseLogProbabilities(
      space.exchanges(after: prompt), temperature: 0.8, on: tape
    ).logProbabilities
    let probabilities = exact.policy.sequenceProbabilities
    let weights = space.sequences.enumerated().flatMap { index, sequence in
      sequence.steps.map { Float(probabilities[index] * exact.advantages($0.state)[$0.token]) }
    }
    let gradients = tape.gradients(
      of: tape.weightedSum(logProbabilities, weights: Tensor(weights)),
      parameterCount: model.parameters.count)
    // Along the gradient and along random directions, all parameters at once.
    for direction in 0..<4 {
      let step = model.parameters.tensors.indices.map { index -> [Float] in
        let gradient = gradients.tensors[index]?.values ?? []
        return direction == 0 ? gradient : gradient.map { _ in Float(generator.gaussian()) }
      }
      let squares = step.joined().map { (value: Float) -> Double in Double(value) * Double(value) }
      let length = squares.reduce(0, +).squareRoot()
      func moved(_ distance: Double) -> LanguageModel {
        var other = model
        for (index, values) in step.enumerated() where !values.isEmpty {
          var tensor = Tensor(values, shape: model.parameters.tensors[index].shape)
          tensor.multiply(by: Float(distance / length))
          other.parameters.tensors[index].add(tensor)
        }
        return other
      }
      func difference(_ distance: Double) throws -> Double {
        (try value(moved(distance)) - value(moved(-distance))) / (2 * distance)
      }
      // Richardson: what is left of the curvature goes with the fourth power.
      let (near, far) = (try difference(0.004), try difference(0.008))
      let expected = (4 * near - far) / 3
      let products = zip(gradients.tensors, step).map { gradient, values -> Double in
        zip(gradient?.values ?? [], values).map { Double($0) * Double($1) }.reduce(0, +)
      }
      let derivative = products.reduce(0, +) / length
      // Float32 weights leave some 1e-7 / 0.004 in a difference.
      #expect(abs(derivative - expected) < 5e-4 * (1 + abs(expected)), "direction \(direction)")
    }
  }
}
