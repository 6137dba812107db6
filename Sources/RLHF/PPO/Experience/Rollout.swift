package import LanguageModels
package import Numerics
package import Statistics

/// Collects the experience of one iteration: the policy answers, and all four models judge.
package struct Rollout: Sendable {
  package let configuration: PPOConfiguration
  package internal(set) var reference: LanguageModel
  /// Normalised scores of ended responses; the reward model, or anything in its place.
  package let score: @Sendable ([Exchange]) throws -> [Double]
  package let endOfSequence: Int32
  package let workers: Workers

  package init(
    configuration: PPOConfiguration, reference: LanguageModel, endOfSequence: Int32,
    workers: Workers, score: @escaping @Sendable ([Exchange]) throws -> [Double]
  ) {
    self.configuration = configuration
    self.reference = reference
    self.score = score
    self.endOfSequence = endOfSequence
    self.workers = workers
  }

  /// How long the two halves of a rollout took, in seconds.
  package struct Timing: Sendable {
    package var sampling = 0.0
    package var scoring = 0.0
  }

  /// - Parameters:
  ///   - prompts: one per episode.
  ///   - generator: each episode draws from a stream of its own.
  ///   - coefficient: β, charged per token in the rewards.
  /// - Throws: `ModelError` for prompts that leave no room; see
  ///   ``requireRoom(for:responseTokens:in:)``.
  package func collect(
    policy: LanguageModel, value: ScalarModel, prompts: [[Int32]], using generator: SeededGenerator,
    coefficient: Double
  ) throws -> (experience: Experience, timing: Timing) {
    try Self.requireRoom(
      for: prompts, responseTokens: configuration.maximumTokens, in: policy, reference, value)
    let clock = ContinuousClock()
    let start = clock.now
    var options = SamplingOptions()
    options.temperature = configuration.temperature
    options.maximumTokens = configuration.maximumTokens
    let sampler = Sampler(options, endOfSequence: endOfSequence)
    let responses = try sampler.responses(
      from: policy, to: prompts,
      generators: prompts.indices.map { generator.stream("episode", $0) }, workers: workers)
    let sampled = clock.now

    let exchanges = zip(prompts, responses).map { Exchange(prompt: $0, response: $1.tokens) }
    let scores = try scores(of: exchanges, sampler, using: generator)
    let ranges = Shards.ranges(of: exchanges.count, tokens: exchanges.reduce(0) { $0 + $1.count })
    let comparison = DistributionComparison(
      policy: policy, reference: reference, temperature: configuration.temperature,
      keepsReferenceLogits: configuration.kl.needsReferenceLogits)
    let episodes = try workers.map(ranges.count) { shard in
      let range = ranges[shard]
      let tokens = comparison(Array(exchanges[range]))
      // Without a value model every state is worth nothing, so that a return is its own advantage.
      var values =
        configuration.algorithm.usesValueModel
        ? value.values(exchanges[range], on: Tape(recording: false)).value.values[...]
        : Array(repeating: 0, count: exchanges[range].reduce(0) { $0 + $1.response.count })[...]
      return zip(range, tokens).map { index, tokens in
        let length = exchanges[index].response.count
        defer { values = values.dropFirst(length) }
        return Episode(
          exchange: exchanges[index], ended: responses[index].ended,
          logProbabilities: tokens.logProbabilities.map(Double.init),
          referenceLogProbabilities: tokens.referenceLogProbabilities.map(Double.init),
          exactKL: tokens.exactKL.map(Double.init), referenceLogits: tokens.referenceLogits,
          entropies: tokens.entropies.map(Double.init),
          values: values.prefix(length).map(Double.init),
          score: configuration.finalScore(scores[index], ended: responses[index].ended))
      }
    }.flatMap(\.self)
    var experience = Experience(episodes: episodes, coefficient: coefficient)
    Advantages.fill(&experience, configuration)
    let timing = Timing(
      sampling: (sampled - start) / .seconds(1), scoring: (clock.now - sampled) / .seconds(1))
    return (experience, timing)
  }

  /// The scores of responses; less those of other responses of the reference to the same prompts,
  /// which say what the prompt earns anyhow, if the configuration wants it.
  private func scores(
    of exchanges: [Exchange], _ sampler: Sampler, using generator: SeededGenerator
  ) throws -> [Double] {
    let scores = try score(exchanges)
    guard configuration.reward.relative else { return scores }
    let prompts = exchanges.map(\.prompt)
    let responses = try sampler.responses(
      from: reference, to: prompts,
      generators: prompts.indices.map { generator.stream("reference", $0) }, workers: workers)
    let baselines = try score(
      zip(prompts, responses).map { Exchange(prompt: $0, response: $1.tokens) })
    return zip(scores, baselines).map { $0 - $1 }
  }

  /// Refuses prompts after which the longest response and the end that scoring may add to it do not
  /// fit the positions of every model.
  ///
  /// - Throws: `ModelError`
  package static func requireRoom(
    for prompts: [[Int32]], responseTokens: Int, in models: any TransformerModel...
  ) throws(ModelError) {
    let longest = prompts.map(\.count).max() ?? 0
    let positions = models.map { $0.configuration.maximumPositions }.min() ?? 0
    guard longest + responseTokens + 1 <= positions else {
      throw ModelError.input(
        "a prompt of \(longest) tokens, a response of up to \(responseTokens) and its end need "
          + "\(longest + responseTokens + 1) positions, and a model has \(positions); shorten the "
          + "prompt, or lower `ppo.maximum_tokens`")
    }
  }
}
