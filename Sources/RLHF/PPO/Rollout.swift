package import LanguageModels
package import Numerics
import Statistics

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

  /// Draws responses as the loss sees them: at temperature T, from the whole vocabulary.
  var sampler: Sampler {
    var options = SamplingOptions()
    options.temperature = configuration.temperature
    options.maximumTokens = configuration.maximumTokens
    return Sampler(options, endOfSequence: endOfSequence)
  }

  /// The scores of responses; less those of other responses of the reference to the same prompts,
  /// which say what the prompt earns anyhow, if the configuration wants it.
  func scores(
    of exchanges: [Exchange], using generator: SeededGenerator
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
