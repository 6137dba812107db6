/// What is timed.
package enum BenchmarkWork: String, Sendable, CaseIterable {
  /// A step of reward-model training: gradients, clipping, AdamW.
  case reward
  /// Sampling a batch of responses with a key-value cache.
  case generate
  /// An iteration of PPO with its four models.
  case ppo
  /// One product of two 1024 × 1024 matrices: what the machine can do.
  case gemm

  /// Repeats when nothing else is asked for, as many as the peers'.
  package var defaultRepeats: Int {
    switch self {
    case .reward: 25
    case .generate: 8
    case .ppo: 6
    case .gemm: 60
    }
  }

  /// First repeats that are not counted: caches are cold, and memory comes from the kernel.
  var warmUp: Int {
    switch self {
    case .reward: 5
    case .generate, .ppo: 2
    case .gemm: 10
    }
  }
}

/// The amounts of work, for all sizes.
enum Amounts {
  static let promptTokens = 16
  static let responseTokens = 32
  /// Comparisons in a step of reward-model training.
  static let pairs = 32
  /// Responses sampled at once, and episodes of a PPO iteration.
  static let episodes = 64
  static let epochs = 4
  static let minibatches = 4
  /// Rows and columns of the matrices of the product.
  static let matrix = 1024
}
