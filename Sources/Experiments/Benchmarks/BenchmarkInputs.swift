import Foundation
import LanguageModels
import Numerics
import Statistics

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

/// Models and texts without meaning: what is timed does not depend on it.
struct RandomInputs {
  let shape: DecoderConfiguration
  private let generator = SeededGenerator(seed: 1)

  init(_ size: BenchmarkSize) { shape = size.shape }

  func languageModel() throws -> LanguageModel {
    var stream = generator.stream("language model")
    return try LanguageModel(shape, using: &stream)
  }

  /// A scalar model with a trunk of its own.
  func scalarModel() throws -> ScalarModel {
    var stream = generator.stream("scalar model")
    let trunk = try LanguageModel(shape, using: &stream)
    return ScalarModel(
      trunkOf: trunk, head: ScalarModel.rewardHead(width: shape.width, using: &stream))
  }

  func prompts(_ count: Int) -> [[Int32]] {
    (0..<count).map { texts(Amounts.promptTokens, "prompt", $0) }
  }

  func responses(_ count: Int) -> [[Int32]] {
    (0..<count).map { texts(Amounts.responseTokens, "response", $0) }
  }

  private func texts(_ length: Int, _ name: String, _ index: Int) -> [Int32] {
    var stream = generator.stream(name, index)
    return (0..<length).map { _ in Int32(stream.index(below: shape.vocabularySize)) }
  }
}

/// Floating-point operations of a step of reward-model training, the prompt of a pair counted once.
struct RewardArithmetic {
  /// Additions and multiplications of the matrix products, forward and backward; recomputation does
  /// not count, and neither does what is too small to matter: norms, activations, head, optimizer.
  let operations: Double

  init(_ shape: DecoderConfiguration) {
    let (prompt, response) = (Amounts.promptTokens, Amounts.responseTokens)
    let tokens = Amounts.pairs * (prompt + 2 * response)
    // Queries, keys, values and output, then up and down.
    let weights = shape.layers * (4 * shape.width + 2 * shape.feedForwardWidth) * shape.width
    // Keys that each query sees, itself included, in the prompt and in both responses.
    let seen =
      prompt * (prompt + 1) / 2 + 2 * (response * prompt + response * (response + 1) / 2)
    let attention = shape.layers * 2 * shape.width * Amounts.pairs * seen
    // A multiplication and an addition each; as much again for either gradient.
    operations = 3 * 2 * Double(tokens * weights + attention)
  }
}

/// The process's memory as the system counts it.
enum ProcessMemory {
  /// The most bytes that were resident at once.
  static var peakBytes: Int {
    var usage = rusage()
    #if os(Linux)
      guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
      return usage.ru_maxrss * 1024
    #else
      guard getrusage(RUSAGE_SELF, &usage) == 0 else { return 0 }
      return usage.ru_maxrss
    #endif
  }
}
