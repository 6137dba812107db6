package import LanguageModels
package import Numerics
import Statistics

/// One response with what each of the four models computes for it, token by token.
package struct Episode: Sendable {
  package var exchange: Exchange
  /// Whether the response ended with EOS.
  package var ended: Bool

  // From the policy that drew it (π_old) and the frozen reference (π_ref), at temperature T.
  /// log π_old(y_t | x, y_<t)
  package var logProbabilities: [Double]
  /// log π_ref(y_t | x, y_<t)
  package var referenceLogProbabilities: [Double]
  /// KL(π_old ‖ π_ref) of the state before each token, exact over the vocabulary.
  package var exactKL: [Double]
  /// The reference's logits in those states, `[length, V]`, where the exact KL is in the loss.
  var referenceLogits: Tensor?
  /// Entropy of π_old in the state before each token.
  package var entropies: [Double]

  // From the value model, before the update.
  /// V(x, y_<t), the state before each token.
  package var values: [Double]

  // From the reward model.
  /// The normalised score of the whole response, after clipping and the missing-EOS penalty.
  package var score: Double

  // Derived; see `Advantages`.
  /// The estimate of the KL at each token, before β.
  package var kl: [Double] = []
  /// r_t: −β KL_t, and at the last token the score, less DAPO's length penalty.
  package var rewards: [Double] = []
  /// A_t, whitened if the configuration says so.
  package var advantages: [Double] = []
  /// R_t = A_t + V_t with the advantages before whitening: what the value model learns.
  package var returns: [Double] = []

  package var length: Int { exchange.response.count }
}

/// The episodes of one iteration.
package struct Experience: Sendable {
  package var episodes: [Episode]
  /// β when they were collected.
  package var coefficient: Double
  /// Standard deviation of the advantages over tokens, before whitening: at 0 nothing is learned.
  package var advantageSD = 0.0
  /// Groups that were sampled again because their scores were all equal.
  package var resampledGroups = 0

  package var tokens: Int { episodes.reduce(0) { $0 + $1.length } }

  /// Refuses to learn from anything infinite.
  ///
  /// - Throws: `NonFiniteError`, which names what it is and the episodes, as rollouts count them.
  func requireFinite(iteration: Int) throws(NonFiniteError) {
    let checks: [(String, (Episode) -> [Double])] = [
      ("the policy's log-probability", \.logProbabilities),
      ("the reference's log-probability", \.referenceLogProbabilities),
      ("the exact KL", \.exactKL), ("the entropy", \.entropies), ("the value", \.values),
      ("the score", { [$0.score] }), ("the KL penalty", \.kl), ("the advantage", \.advantages),
      ("the return", \.returns),
    ]
    for (name, numbers) in checks {
      let bad = episodes.indices.filter { !numbers(episodes[$0]).allSatisfy(\.isFinite) }
      if let rows = NonFiniteError.list("episodes", bad) {
        throw NonFiniteError(stage: "PPO", step: iteration, tensor: name, rows: rows)
      }
    }
  }
}

/// Collects the experience of one iteration: the policy samples responses, and the other models score
/// them. How it does so, `collect`, is in `PPO.swift`.
package struct Rollout: Sendable {
  package let configuration: PPOConfiguration
  package internal(set) var reference: LanguageModel
  /// What judges responses as they were sampled, one score each: the reward model, which adds an EOS
  /// where one is missing, or anything in its place.
  package let judge: @Sendable ([Exchange]) throws -> [Double]
  package let endOfSequence: Int32
  package let workers: Workers

  package init(
    configuration: PPOConfiguration, reference: LanguageModel, endOfSequence: Int32,
    workers: Workers, judge: @escaping @Sendable ([Exchange]) throws -> [Double]
  ) {
    self.configuration = configuration
    self.reference = reference
    self.judge = judge
    self.endOfSequence = endOfSequence
    self.workers = workers
  }

  /// How long the two halves of a rollout took, in seconds.
  package struct Timing: Sendable {
    package var sampling = 0.0
    var scoring = 0.0
  }

  /// Draws responses as the loss sees them: at temperature T, from the whole vocabulary.
  var sampler: Sampler {
    var options = SamplingOptions()
    options.temperature = configuration.temperature
    options.maximumTokens = configuration.maximumTokens
    return Sampler(options, endOfSequence: endOfSequence)
  }

  /// The scores of responses, less those of responses of the reference to the same prompts
  /// where `reward.relative` is set.
  func scores(
    of exchanges: [Exchange], using generator: SeededGenerator
  ) throws -> [Double] {
    let scores = try judge(exchanges)
    guard configuration.reward.relative else { return scores }
    let prompts = exchanges.map(\.prompt)
    let responses = try sampler.responses(
      from: reference, to: prompts,
      generators: prompts.indices.map { generator.stream("reference", $0) }, workers: workers)
    let baselines = try judge(
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

extension Array {
  /// Its parts of some lengths, one after another.
  func split(by lengths: [Int]) -> [ArraySlice<Element>] {
    var rest = self[...]
    return lengths.map { length in
      defer { rest = rest.dropFirst(length) }
      return rest.prefix(length)
    }
  }
}
