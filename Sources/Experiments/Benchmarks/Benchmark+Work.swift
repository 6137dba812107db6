import Foundation
import LanguageModels
import Numerics
import RLHF
import Statistics

extension Benchmark {
  /// Steps of `RewardTrainer`, from one report to the next.
  func rewardSteps() throws -> Measurement {
    let inputs = RandomInputs(size)
    var model = try inputs.scalarModel()
    let count = repeats * Amounts.pairs
    let (prompts, responses) = (inputs.prompts(count), inputs.responses(2 * count))
    let rows = prompts.indices.map {
      RankedResponses(
        prompt: prompts[$0], responses: [responses[2 * $0], responses[2 * $0 + 1]])
    }
    var configuration = RewardConfiguration()
    configuration.batchSize = Amounts.pairs
    configuration.optimizer = OptimizerConfiguration(learningRate: 1e-4)
    configuration.centering = 0
    configuration.evaluations = 1
    var stopwatch = Stopwatch()
    try RewardTrainer(configuration, workers: workers).train(
      &model, on: rows, using: SeededGenerator(seed: 1), evaluate: { _, _ in },
      report: { _ in stopwatch.mark() })
    return Measurement(
      seconds: stopwatch.seconds, modelBytes: Self.learningCopies * model.parameters.byteCount)
  }

  /// Iterations of `PPOTrainer`, from one report to the next.
  ///
  /// No token ends a response, and the reward model reads responses as they are, because the peers
  /// compute every response to its full length.
  func policyOptimization() throws -> Measurement {
    let inputs = RandomInputs(size)
    var policy = try inputs.languageModel()
    policy.parameters.moveToOwnArena()
    let reward = try rewardModel(inputs)
    let value = ScalarModel(
      trunkOf: reward.model, head: Tensor(zeros: [1, inputs.shape.width]))
    let configuration = policyConfiguration
    let workers = workers
    let rollout = Rollout(
      configuration: configuration, reference: policy, endOfSequence: Self.noToken,
      workers: workers
    ) { try reward.scores($0, workers: workers) }
    var trainer = PPOTrainer(
      configuration, policy: policy, value: value, rollout: rollout,
      using: SeededGenerator(seed: 1))
    let prompts = inputs.prompts(repeats * Amounts.episodes)
    var stopwatch = Stopwatch()
    try trainer.run { iteration, count in
      Array(prompts[iteration * count..<(iteration + 1) * count])
    } report: { _, _, _ in
      stopwatch.mark()
    }
    let frozen = policy.parameters.byteCount + reward.model.parameters.byteCount
    let learning = policy.parameters.byteCount + value.parameters.byteCount
    return Measurement(
      seconds: stopwatch.seconds, modelBytes: frozen + Self.learningCopies * learning)
  }

  private func rewardModel(_ inputs: RandomInputs) throws -> RewardModel {
    var model = RewardModel(
      model: try inputs.scalarModel(),
      specialTokens: SpecialTokens(endOfSequence: Self.noToken, padding: nil))
    model.moveToOwnArena()
    return model
  }

  private var policyConfiguration: PPOConfiguration {
    var configuration = PPOConfiguration()
    configuration.iterations = repeats
    configuration.episodes = Amounts.episodes
    configuration.epochs = Amounts.epochs
    configuration.minibatches = Amounts.minibatches
    configuration.maximumTokens = Amounts.responseTokens
    configuration.policyOptimizer = OptimizerConfiguration(learningRate: 1e-5)
    configuration.valueOptimizer = OptimizerConfiguration(learningRate: 1e-5)
    configuration.kl.coefficient = 0.05
    configuration.missingEOS = .subtract
    return configuration
  }

  /// Weights, gradients and AdamW's two moments.
  private static let learningCopies = 4

  /// No token of any vocabulary: responses then always reach their full length.
  static let noToken: Int32 = -1

  /// Batches of `Sampler`, each prompt another.
  func generation() throws -> Measurement {
    let inputs = RandomInputs(size)
    let model = try inputs.languageModel()
    let prompts = inputs.prompts(Amounts.episodes)
    var options = SamplingOptions()
    options.maximumTokens = Amounts.responseTokens
    let sampler = Sampler(options, endOfSequence: Self.noToken)
    let generator = SeededGenerator(seed: 1)
    var stopwatch = Stopwatch()
    for batch in 0..<repeats {
      let responses = try sampler.responses(
        from: model, to: prompts,
        generators: prompts.indices.map { generator.stream("response", batch, $0) },
        workers: workers)
      stopwatch.mark()
      precondition(
        responses.allSatisfy { $0.tokens.count == Amounts.responseTokens },
        "every response has its full length")
      stopwatch.skip()
    }
    return Measurement(seconds: stopwatch.seconds, modelBytes: model.parameters.byteCount)
  }

  /// Products of two square matrices, cut by rows as batches are cut: each thread does its part.
  func matrixProducts() throws -> Measurement {
    let width = Amounts.matrix
    var generator = SeededGenerator(seed: 1)
    let a = Tensor.gaussian([width, width], sd: 1, using: &generator)
    let b = Tensor.gaussian([width, width], sd: 1, using: &generator)
    let pieces = min(workers.count, width)
    var stopwatch = Stopwatch()
    for _ in 0..<repeats {
      let products = try workers.map(pieces) { piece in
        let rows = width * piece / pieces..<width * (piece + 1) / pieces
        return Tensor(uninitialized: [rows.count, width]) { c in
          a.read { a in
            b.read { b in
              multiply(
                MatrixOperand(a + rows.lowerBound * width, stride: width),
                MatrixOperand(b, stride: width), into: c, stride: width, rows: rows.count,
                columns: width, inner: width)
            }
          }
        }
      }
      stopwatch.mark()
      precondition(products.count == pieces, "every part is there")
      stopwatch.skip()
    }
    return Measurement(seconds: stopwatch.seconds)
  }
}

/// What a piece of work took each time.
struct Measurement {
  var seconds: [Double]
  var modelBytes = 0
}

/// Seconds from one mark to the next.
struct Stopwatch {
  private let clock = ContinuousClock()
  private var last: ContinuousClock.Instant
  private(set) var seconds: [Double] = []

  init() { last = clock.now }

  mutating func mark() {
    let now = clock.now
    seconds.append((now - last) / .seconds(1))
    last = now
  }

  /// Leaves out what came since the last mark.
  mutating func skip() { last = clock.now }
}
