import Numerics
package import Statistics

/// The matrices that an adapter may change: those of every layer, and the language head.
package enum AdapterTarget: String, Sendable, CaseIterable {
  case queryKeyValue = "query-key-value"
  case attentionOutput = "attention-output"
  case feedForwardInput = "feed-forward-input"
  case feedForwardOutput = "feed-forward-output"
  /// The token embedding too, where both are one.
  case languageHead = "language-head"
}

extension LanguageModel {
  /// Freezes everything, and gives some matrices a low-rank adapter that learns instead.
  ///
  /// Queries, keys and values are one matrix here, and so are gate and up: they share one A.
  ///
  /// - Parameters:
  ///   - rank: r.
  ///   - scale: s of W + s · B A, such as α / r.
  package mutating func addAdapters(
    rank: Int, scale: Double, targets: [AdapterTarget], using generator: inout SeededGenerator
  ) {
    parameters.isFrozen = Array(repeating: true, count: parameters.count)
    for layer in decoder.layout.layers {
      // In the order of the cases, whatever that of the targets is.
      for target in AdapterTarget.allCases where targets.contains(target) {
        guard let weight = layer.weight(of: target) else { continue }
        parameters.adapt(weight, rank: rank, scale: scale, using: &generator)
      }
    }
    if targets.contains(.languageHead) {
      parameters.adapt(headWeight, rank: rank, scale: scale, using: &generator)
    }
  }
}

extension DecoderLayout.Layer {
  fileprivate func weight(of target: AdapterTarget) -> Int? {
    switch target {
    case .queryKeyValue: queryKeyValue.weight
    case .attentionOutput: attentionOutput.weight
    case .feedForwardInput: feedForwardInput.weight
    case .feedForwardOutput: feedForwardOutput.weight
    case .languageHead: nil
    }
  }
}
