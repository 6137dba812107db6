import LanguageModels

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
