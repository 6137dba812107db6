package import LanguageModels
package import Numerics

/// One response and everything that the four models say about it, token by token.
package struct Episode: Sendable {
  package var exchange: Exchange
  /// Whether the policy ended the response itself.
  package var ended: Bool

  // From the policy that drew it (π_old) and the frozen reference (π_ref), at temperature T.
  /// log π_old(y_t | x, y_<t)
  package var logProbabilities: [Double]
  /// log π_ref(y_t | x, y_<t)
  package var referenceLogProbabilities: [Double]
  /// KL(π_old ‖ π_ref) of the state before each token, exact over the vocabulary.
  package var exactKL: [Double]
  /// The reference's logits in those states, `[length, V]`, where the loss charges the exact KL.
  package var referenceLogits: Tensor?
  /// Entropy of π_old in the state before each token.
  package var entropies: [Double]

  // From the value model, before the update.
  /// V(x, y_<t), the state before each token.
  package var values: [Double]

  // From the reward model.
  /// The normalised score of the whole response, after clipping and the penalty for no end.
  package var score: Double

  // Derived; see `Advantages`.
  /// KL charged at each token, before β.
  package var kl: [Double] = []
  /// −β KL_t, and the score at the last token.
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
  /// Standard deviation of the advantages over tokens, before whitening: 0 teaches nothing.
  package var advantageDeviation = 0.0
  /// Groups that were sampled again because their scores were all equal.
  package var resampledGroups = 0

  package var tokens: Int { episodes.reduce(0) { $0 + $1.length } }
}
