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
    configuration.policy = OptimizerConfiguration(learningRate: 1e-5)
    configuration.value = OptimizerConfiguration(learningRate: 1e-5)
    configuration.kl.coefficient = 0.05
    configuration.missingEOS = .subtract
    return configuration
  }

  /// Weights, gradients and AdamW's two moments.
  private static let learningCopies = 4
}
