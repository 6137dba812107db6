import Autodiff
package import Tensors

/// The matrices of a layer that an adapter may change.
package enum AdapterTarget: String, Sendable, CaseIterable {
  case queryKeyValue = "query-key-value"
  case attentionOutput = "attention-output"
  case feedForwardInput = "feed-forward-input"
  case feedForwardOutput = "feed-forward-output"
}

extension LanguageModel {
  /// Freezes everything, and gives matrices of every layer a low-rank adapter that learns instead.
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
        parameters.adapt(
          layer.weight(of: target), rank: rank, scale: scale, using: &generator)
      }
    }
  }
}

extension DecoderLayout.Layer {
  fileprivate func weight(of target: AdapterTarget) -> Int {
    switch target {
    case .queryKeyValue: queryKeyValue.weight
    case .attentionOutput: attentionOutput.weight
    case .feedForwardInput: feedForwardInput.weight
    case .feedForwardOutput: feedForwardOutput.weight
    }
  }
}
